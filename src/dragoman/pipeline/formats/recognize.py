"""Tells what format a document is in, and reads it."""

from collections.abc import Callable

from dragoman.core.types import Format
from dragoman.pipeline.block import Block
from dragoman.pipeline.formats import html, json_document, markdown, plain, po, subtitles, xml

# From the most distinctive to the least; what looks like none of them is plain text.
_LOOKS: dict[Format, Callable[[str], bool]] = {
    "json": json_document.looks_like,
    "vtt": subtitles.looks_like_vtt,
    "srt": subtitles.looks_like_srt,
    "po": po.looks_like,
    "xml": xml.looks_like,
    "html": html.looks_like,
    "markdown": markdown.looks_like,
}
_PARSERS: dict[Format, Callable[[str], list[Block]]] = {
    "text": plain.parse,
    "html": html.parse,
    "xml": xml.parse,
    "markdown": markdown.parse,
    "srt": subtitles.parse_srt,
    "vtt": subtitles.parse_vtt,
    "json": json_document.parse,
    "po": po.parse,
}


def recognize(text: str) -> Format:
    """The format that a document looks like."""
    return next((name for name, looks_like in _LOOKS.items() if looks_like(text)), "text")


def parse(text: str, name: Format) -> list[Block]:
    """The blocks of a document in a format."""
    return _PARSERS[name](text)
