"""Segments: sentences found, layout kept."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.core.types import Segment
from dragoman.pipeline.segment import split, split_long

LAYOUT = st.text(alphabet=st.sampled_from("ab.!? \n\r\t\u2028\u3000。！“”\u0301\u200d😀1:,"), max_size=200)


def joined(segments: list[Segment]) -> str:
    """The document that segments came from."""
    return "".join(segment.before + segment.text + segment.after for segment in segments)


@given(st.text() | LAYOUT, st.sampled_from(["en", "zh", "zh_tw", "ja", "th", "ar"]))
@example("Hello there. " * 800, "en")
@example("word " * 2000, "en")
@example("\r\n \x85\u2028\x1c", "en")
def test_splitting_and_joining_is_the_identity(text: str, language: str) -> None:
    """For any Unicode text and any language; and no segment's text has outer white space."""
    segments = split(text, language)

    assert joined(segments) == text
    assert all(segment.text == segment.text.strip() for segment in segments)
    assert all(segment.before == "" for segment in segments[1:])
    assert all(segment.text for segment in segments) or segments == [Segment("", before=text)]


@given(LAYOUT, st.integers(1, 30))
@example("a" * 100, 7)
def test_long_segments_are_cut_and_lose_nothing(text: str, longest: int) -> None:
    """Whatever must be cut, the parts fit and the text stays whole."""
    parts = [part for segment in split(text, "en") for part in split_long(segment, lambda part: len(part) <= longest)]

    assert joined(parts) == text
    assert all(len(part.text) <= longest for part in parts)


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        ("Dr. Smith went home. He slept.", "en", ["Dr. Smith went home.", "He slept."]),
        ("他说：“好的。”然后走了。", "zh", ["他说：“好的。”", "然后走了。"]),
        ("這是書。那是筆！真的嗎？", "zh_tw", ["這是書。", "那是筆！", "真的嗎？"]),
        ("Am 3. Mai kam er. Er blieb.", "de", ["Am 3. Mai kam er.", "Er blieb."]),
        ("one\ntwo\r\n\r\n  three", "en", ["one", "two", "three"]),
        ("Name\tAge     Town", "en", ["Name", "Age", "Town"]),
        ("好。ok。“是。”", "en", ["好。", "ok。", "“是。”"]),
    ],
)
def test_sentences_are_found(text: str, language: str, sentences: list[str]) -> None:
    """At sentence ends, line breaks and column gaps, but not after abbreviations and ordinals."""
    assert [segment.text for segment in split(text, language)] == sentences


def test_long_sentence_is_cut_at_a_clause_mark_near_its_middle() -> None:
    """Rather than in the middle of a clause, and at a blank rather than in a word."""
    sentence = Segment("When the rain had stopped at last, we went out; the air was clear and cool")

    parts = split_long(sentence, lambda part: len(part) <= 60)
    smaller = split_long(sentence, lambda part: len(part) <= 12)

    assert [part.text for part in parts] == [
        "When the rain had stopped at last, we went out;",
        "the air was clear and cool",
    ]
    assert {word for part in smaller for word in part.text.split()} == set(sentence.text.split())


def test_cut_does_not_part_a_character_from_its_marks() -> None:
    """Where there is nothing but characters, an accent stays with its letter."""
    parts = split_long(Segment("e\u0301" * 10), lambda part: len(part) <= 5)

    assert all(not part.text.startswith("\u0301") for part in parts)
