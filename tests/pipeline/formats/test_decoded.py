"""Raw strings and their texts keep each other's places."""

import re

from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.block import Block, Span
from dragoman.pipeline.formats.decoded import decode, fill
from tests.pipeline.formats.laws import check_laws

ESCAPES = re.compile(r"\\(.)")


def meaning(match: re.Match[str]) -> str | None:
    """An escaped 0 means nothing, 2 means two characters, and other signs have no meaning."""
    return {"0": "", "2": "ab", "n": "\n"}.get(match[1])


def test_each_character_knows_its_raw_text() -> None:
    """A character of an escape takes all of it, and so does the one before an empty escape."""
    decoded = decode(r"x\0\ny\2\?", ESCAPES, meaning)

    assert decoded.text == "x\nyab\\?"
    assert decoded.offsets == [0, 3, 5, 6, 8, 8, 9, 10]
    assert decoded.spans == (Span(5, 7),)


def test_a_part_takes_its_spans_along() -> None:
    """The spans of a block count from its beginning, and end where it ends."""
    decoded = decode(r"a \? b \? c", ESCAPES, meaning)

    assert decoded.found(2, 6, "json", 100) == (102, Block(r"\? b", r"\? b", (Span(0, 2),), None, "json"))
    assert decoded.found(3, 8, "none", 0)[1].spans == (Span(0, 1), Span(4, 5))


@given(st.text("xyz\\02n? "), st.integers(0, 20), st.integers(0, 20))
def test_any_part_of_any_text_is_a_lawful_block(raw: str, first: int, second: int) -> None:
    """Whatever lies around it becomes blocks without text."""
    decoded = decode(raw, ESCAPES, meaning)
    start, end = sorted(min(each, len(decoded.text)) for each in (first, second))
    found = [decoded.found(start, end, "json", 1)] if start < end else []

    check_laws("<" + raw, fill("<" + raw, found))
