"""Targets of terms are in the translation, in the place of what the model wrote for their sources."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.types import Hypothesis, Occurrence, Pair, Segment, Term, Token
from dragoman.pipeline.enforce import Enforced, enforce, missing_terms

EN_FR, EN_ZH = Pair("en", "fr"), Pair("en", "zh")


def words(text: str) -> tuple[Token, ...]:
    """A token a word, with the space before it."""
    return tuple(Token(word, word) for word in re.findall(r" ?[^ ]+", text))


def enforced(
    translation: str, aligned: list[int] | None, *terms: tuple[int, str], pair: Pair = EN_FR, force: bool = False
) -> Enforced:
    """Enforce terms, each of a source word's number and a target; each target word aligns with one of four of them."""
    rows = None if aligned is None else tuple(tuple(float(column == best) for column in range(4)) for best in aligned)
    occurrences = tuple(Occurrence(Term("t", target), at, at + 1) for at, target in terms)
    segment = Segment("a b c d", tokens=words("a b c d"), terms=occurrences)
    return enforce(Hypothesis(words(translation), -1.0, ended=True, alignment=rows), segment, pair, force=force)


@pytest.mark.parametrize(
    ("translation", "aligned", "terms", "expected"),
    [
        ("Le chat noir dort", [0, 2, 1, 3], [(2, "matou")], "Le matou noir dort"),
        ("Le chat noir dort", [0, 1, 1, 3], [(1, "panthère")], "Le panthère dort"),
        ("Le chat noir dort", [0, 2, 1, 3], [(2, "chat")], "Le chat noir dort"),
        ("Chat et chat ici", [0, 1, 2, 3], [(0, "chat"), (2, "chat")], "Chat et chat ici"),
        ("Chat et chien ici", [0, 1, 2, 3], [(0, "chat"), (2, "chat")], "Chat et chat ici"),
        ("Demain il vient.", [0, 1, 2], [(0, "lundi")], "Lundi il vient."),
        ("Demain il vient.", [0, 1, 2], [(0, "iPhone")], "iPhone il vient."),
        ("Où est la gare ici", [0, 1, 1, 2, 3], [(2, "la grande gare")], "Où est la grande gare ici"),
        ("La gare est là", [0, 1, 2, 3], [(1, "la grande gare")], "La grande gare est là"),
        ("Où est une gare ici", [0, 1, 1, 2, 3], [(2, "la grande gare")], "Où est une la grande gare ici"),
        ("un pommier grand là", [0, 1, 2, 3], [(1, "pomme"), (2, "pomme d'or")], "un pomme pomme d'or là"),
    ],
)
def test_term_takes_the_place_of_its_translation(
    translation: str, aligned: list[int], terms: list[tuple[int, str]], expected: str
) -> None:
    """Of all its words, and of an article that it has itself; one that is there is left; the first letter follows."""
    result = enforced(translation, aligned, *terms)

    assert result.hypothesis.text == expected
    assert result.unplaced == ()


def test_term_without_a_translation_is_unplaced_until_forced() -> None:
    """Then it goes where it would be in the order of the source."""
    assert len(enforced("Le chat dort ici", None, (1, "noir")).unplaced) == 1
    assert enforced("Le chat dort ici", None, (1, "noir"), force=True).hypothesis.text == "Le noir chat dort ici"


def test_word_of_a_language_without_spaces_is_a_token() -> None:
    """No space is put around it."""
    tokens = tuple(Token(char, char) for char in "我喜欢猫。")
    rows = tuple(tuple(float(column == best) for column in range(2)) for best in (0, 0, 0, 1, 1))
    segment = Segment("I cats", tokens=words("I cats"), terms=(Occurrence(Term("cats", "小猫咪"), 1, 2),))

    result = enforce(Hypothesis(tokens, -1.0, ended=True, alignment=rows), segment, EN_ZH)

    assert result.hypothesis.text == "我喜欢小猫咪。"


ALIGNMENTS = st.lists(st.integers(0, 3), min_size=5, max_size=5)
TARGETS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["x", "xy", "x y", "Zz", "c++"])), max_size=4)


@given(st.none() | ALIGNMENTS, TARGETS, st.sampled_from(["p q r s t", "X xy q x z", "pq-r s. t u, v"]))
def test_every_term_is_there_when_forced(
    aligned: list[int] | None, terms: list[tuple[int, str]], translation: str
) -> None:
    """As often as it was asked for, with any alignment and with none."""
    terms = sorted(dict(terms).items())

    result = enforced(translation, aligned, *terms, force=True)

    occurrences = [Occurrence(Term("t", target), at, at + 1) for at, target in terms]
    assert missing_terms(result.hypothesis.text, occurrences, EN_FR) == []
    rows = result.hypothesis.alignment
    assert rows is None or len(rows) == len(result.hypothesis.tokens)


@pytest.mark.parametrize(
    ("text", "targets", "missing"),
    [
        ("Le chat", ["chat"], []),
        ("Les chats", ["chat"], ["chat"]),
        ("Chat et chat", ["chat", "chat"], []),
        ("un chat", ["chat", "chat"], ["chat"]),
        ("un chat noir", ["chat noir", "chat"], ["chat"]),
    ],
)
def test_missing_terms_are_counted(text: str, targets: list[str], missing: list[str]) -> None:
    """One target does not count for two, nor does a part of another word."""
    occurrences = [Occurrence(Term(f"s{target}", target), at, at + 1) for at, target in enumerate(targets)]

    assert [term.target for term in missing_terms(text, occurrences, EN_FR)] == missing
