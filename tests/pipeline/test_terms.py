"""Terms are found where a reader would find them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.types import Term
from dragoman.pipeline.block import Span
from dragoman.pipeline.protect import find
from dragoman.pipeline.terms import TermBase


def found(text: str, *sources: str, language: str = "en") -> list[str]:
    """What is taken for a term in a text."""
    matches = TermBase([Term(source, "x") for source in sources], language).find(text, find(text))
    return [text[match.start : match.end] for match in matches]


@pytest.mark.parametrize(
    ("text", "sources", "expected"),
    [
        ("The hard drive is hard.", ["hard", "hard drive"], ["hard drive", "hard"]),
        ("Cats concatenate a cat.", ["cat"], ["Cats", "cat"]),
        ("Two batteries, one battery, boxes", ["battery", "box"], ["batteries", "battery", "boxes"]),
        ("An APPLE and an apple", ["Apple"], ["APPLE", "apple"]),
        ("Tell us about the US and an iphone or iPhone.", ["US", "iPhone"], ["US", "iPhone"]),
        ("Use C++ and .NET!", ["C++", ".NET"], ["C++", ".NET"]),
        ("Yahoo! Inc. grew", ["Yahoo! Inc."], ["Yahoo! Inc."]),
        ("İstanbul and cat", ["cat"], ["cat"]),
    ],
)
def test_terms_are_whole_words_the_longest_first(text: str, sources: list[str], expected: list[str]) -> None:
    """In any case, unless they have capitals inside, and in the plural too."""
    assert found(text, *sources) == expected


@pytest.mark.parametrize(
    ("language", "text", "source", "expected"),
    [
        ("zh", "我的计算机很新", "计算机", ["计算机"]),
        ("ja", "サーバーを使う", "サーバー", ["サーバー"]),
        ("ko", "서버를 사용", "서버", ["서버"]),
        ("ru", "новые серверы", "сервер", ["серверы"]),
        ("de", "des Hauses", "Haus", ["Hauses"]),
        ("it", "due libri", "libro", ["libri"]),
        ("hi", "किताबें", "किताब", []),
    ],
)
def test_borders_and_endings_follow_the_language(language: str, text: str, source: str, expected: list[str]) -> None:
    """No borders where words have none, and the endings of the language where they have."""
    assert found(text, source, language=language) == expected


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("Open <b>the</b> file", "the file", []),
        ("See https://cat.org, cat", "cat", ["cat"]),
        ("Use v1.2.3 now", "v1.2.3", ["v1.2.3"]),
        ("Use v1.2.3 now", "use v1.2.3 now", ["Use v1.2.3 now"]),
    ],
)
def test_term_is_stronger_than_a_span_that_it_contains(text: str, source: str, expected: list[str]) -> None:
    """But not than a tag, nor than one that is larger."""
    assert found(text, source) == expected


@given(
    st.text(alphabet="ab <>S.", max_size=40), st.lists(st.text(alphabet="abS. ", min_size=1, max_size=4), max_size=5)
)
def test_matches_are_in_order_and_apart(text: str, sources: list[str]) -> None:
    """And each is the term, but for its case and its ending."""
    spans = [Span(at, at + 1) for at, char in enumerate(text) if char in "<>"]
    terms = [Term(source, "x") for source in dict.fromkeys(sources)]

    matches = TermBase(terms, "en").find(text, spans)

    end = 0
    for match in matches:
        assert end <= match.start < match.end
        end = match.end
        assert text[match.start : match.end].lower().startswith(match.term.source.lower())
        assert not any(span.start < match.end and match.start < span.end for span in spans)


def test_five_thousand_terms_find_the_one_that_occurs() -> None:
    """The number that a request may have."""
    terms = [Term(f"word{index}", "x") for index in range(5000)]

    [match] = TermBase(terms, "en").find("only word4321 is here", [])

    assert match.term.source == "word4321"
