"""Documents are told from what people merely write, and each is read by its own format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.types import Format
from dragoman.pipeline.formats.recognize import parse, recognize
from tests.pipeline.formats.laws import check_laws, texts

DOCUMENTS: list[tuple[Format, str, list[str]]] = [
    ("json", '{"title": "Hello"}', ["Hello"]),
    ("json", '[\n  {"id": "a_b", "text": "<p>Hello</p>"}\n]', ["<p>Hello</p>"]),
    ("json", '{"a": "One"}\n{"a": "Two"}\n', ["One", "Two"]),
    ("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello", ["Hello"]),
    ("srt", "1\n00:00:01,000 --> 00:00:02,000\nHello\n", ["Hello"]),
    ("po", 'msgid "Hello"\nmsgstr ""\n', ["Hello"]),
    ("xml", '<?xml version="1.0"?>\n<note><to>You there</to></note>', ["You there"]),
    ("html", "<!DOCTYPE html>\n<html><body><p>Hello</p></body></html>", ["Hello"]),
    ("html", "<div><h1>Title</h1><p>One.</p><p>Two.</p></div>", ["Title", "One.", "Two."]),
    ("markdown", "# Title\n\nA text.\n\n## Part\n\n- one\n- two\n", ["Title", "A text.", "Part", "one", "two"]),
    ("markdown", "# Use\n\nRun it:\n\n```sh\nmake all\n```\n\n## End\n\nDone.\n", ["Use", "Run it:", "End", "Done."]),
]
PROSE = [
    "",
    "Hello!",
    "你好，世界。",
    "Use <b>bold</b> here",
    "I **really** like [this](http://x.y)",
    "if a < b and b > c then stop",
    "I <3 you",
    "{name}, welcome to {{place}}!",
    "{count, plural, one {# item} other {# items}}",
    "[1] See the appendix.",
    "[1]",
    '["unfinished',
    "- milk, and then home",
    "1. Open it\n2. Close it",
    "The meeting is at 12:30 --> be there",
    "WEBVTT is a format for subtitles.",
    "Set msgid to what you like, and msgstr too.",
    "#1 fan of * and _ and ~",
    "Dear all,\n\nsee you on Monday.\n\n-- \nBob",
    "> You wrote this\nand I answer that.",
    "First line\n---\nSecond line",
    "x = [1, 2, 3]",
]


@pytest.mark.parametrize(("name", "document", "expected"), DOCUMENTS)
def test_a_document_is_recognised_and_read(name: Format, document: str, expected: list[str]) -> None:
    """By what it looks like."""
    blocks = parse(document, recognize(document))

    assert recognize(document) == name
    check_laws(document, blocks)
    assert texts(blocks) == expected


@pytest.mark.parametrize("text", PROSE)
def test_what_people_write_is_plain_text(text: str) -> None:
    """Some markup in a sentence makes it no document."""
    assert recognize(text) == "text"


@given(st.text() | st.lists(st.sampled_from([document for _, document, _ in DOCUMENTS] + PROSE)).map("\n".join))
def test_any_text_has_a_format_that_reads_it(text: str) -> None:
    """Whatever documents and sentences are put together."""
    check_laws(text, parse(text, recognize(text)))
