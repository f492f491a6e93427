"""PO files of gettext: an empty `msgstr` gets the translation of its `msgid`. What somebody has translated stays.

Where all `msgid` are keys (`menu.file.open`), the `msgstr` hold the text, and are translated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dragoman.pipeline.block import Block, Span
from dragoman.pipeline.formats.decoded import Decoded, Found, decode, fill
from dragoman.pipeline.formats.json_document import is_code
from dragoman.pipeline.formats.plain import text_ranges

_STRING = r'"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+"'
_NEXT_LINE = r"[ \t]*+\r?\n[ \t]*+"
_FIELD = re.compile(
    rf"^\ufeff?[ \t]*+(?P<keyword>msg(?:ctxt|id_plural|id|str))(?:\[(?P<form>[0-9]{{1,4}})\])?[ \t]*+"
    rf"(?P<strings>{_STRING}(?:{_NEXT_LINE}{_STRING})*+)?",
    re.MULTILINE,
)
_ESCAPE = re.compile(rf'"{_NEXT_LINE}"|(?:\\(?:[0-7]{{3}}|x[0-9A-Fa-f]{{2}}))+|\\.')
_BYTE = re.compile(r"\\(?:([0-7]{3})|x([0-9A-Fa-f]{2}))")
_MEANINGS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_START = re.compile(r"\ufeff?(?:[ \t]*+(?:#[^\n]*+)?\r?\n)*+[ \t]*+msg(?:ctxt|id)[ \t]+\"")
_TRANSLATION = re.compile(r"^[ \t]*+msgstr(?:\[0\])?[ \t]++\"", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Message:
    """A `msgstr` at its place in the document, and the source of its translation."""

    place: int
    translation: Decoded
    source: str


def looks_like(text: str) -> bool:
    """Whether a text begins as a PO file does, and has a `msgstr`."""
    return _START.match(text) is not None and _TRANSLATION.search(text) is not None


def parse(text: str) -> list[Block]:
    """The blocks of a PO file."""
    messages = [message for message in _messages(text) if message.source]
    if messages and all(is_code(message.source) for message in messages):  # keys; the text is in the translations
        return fill(text, [found for message in messages for found in _to_be_replaced(message)])
    return fill(text, [_to_be_filled(message) for message in messages if not message.translation.text])


def _messages(document: str) -> Iterator[_Message]:
    """Every `msgstr` that has a `msgid`. The source of the header is empty."""
    single = plural = ""
    for match in _FIELD.finditer(document):
        keyword, form = match["keyword"], int(match["form"] or 0)
        decoded = decode((match["strings"] or '""')[1:-1], _ESCAPE, _meaning)
        if keyword == "msgid_plural":
            plural = decoded.text
        elif keyword != "msgstr":
            single, plural = decoded.text if keyword == "msgid" else "", ""
        elif match["strings"]:
            yield _Message(match.start("strings") + 1, decoded, plural if form and plural else single)


def _to_be_filled(message: _Message) -> Found:
    return message.place, Block("", message.source, tuple(_marks(message.source)), escaping="po")


def _marks(text: str) -> Iterator[Span]:
    """What orders the lines of a text: outside its ranges, but for white space."""
    end = 0
    for start, next_end in (*text_ranges(text), (len(text), len(text))):
        gap = text[end:start]
        if gap.strip():
            yield Span(start - len(gap.lstrip()), end + len(gap.rstrip()))
        end = next_end


def _to_be_replaced(message: _Message) -> Iterator[Found]:
    for start, end in text_ranges(message.translation.text):
        yield message.translation.found(start, end, "po", message.place)


def _meaning(match: re.Match[str]) -> str:
    """The characters of an escape. Bytes are read as UTF-8; where a string goes on in the next line, there are none."""
    escape = match[0]
    if escape[0] == '"':
        return ""
    if len(escape) == len(r"\n"):
        return _MEANINGS.get(escape[1], escape[1])
    codes = bytes(int(octal, 8) % 256 if octal else int(digits, 16) for octal, digits in _BYTE.findall(escape))
    return codes.decode(errors="replace")
