"""Plain text: each line is a block of its own, without the marks that order it.

A batch number, the mark of a heading, a list item or a quote, a line that only separates, a fenced block of code: the
model never sees them, and they come back as they are. Links, code and placeholders inside a line are not found here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats.decoded import fill

_MARKS = re.compile(
    r"""
    [\s\ufeff]*+
    (?:>++(?:[ \t]++|$))*+                                               # quotes
    (?:(?:\#{1,6}+|[-*+•])[ \t]++(?:\[[ xX]\][ \t]++)?+)?+               # a heading or a list item
    (?:(?P<ordinal>[0-9]{1,4}+)\.[ \t]++|[0-9]{1,4}+\)[ \t]++|[(\[][0-9]{1,4}+[)\]][ \t]++
      |[0-9]{1,4}+\|[ \t]*+|\#[0-9]{1,4}+:[ \t]++)?+                     # a batch number
    """,
    re.VERBOSE,
)
_SEPARATOR = re.compile(r"[-%@#*=_~`+][-%@#*=_~`+ \t]*[-%@#*=_~`+]")
_FENCE = re.compile(r"```+[^`]*")
_CLOSING_FENCE = re.compile(r"```+")
_FIRST_YEAR = 1000


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with text, without the white space at its end, its place in the document, and the marks it begins with."""

    start: int
    text: str
    marks: re.Match[str]

    @property
    def ordinal(self) -> int | None:
        """The number of a line that begins with "1. "."""
        return int(self.marks["ordinal"]) if self.marks["ordinal"] else None


def parse(text: str) -> list[Block]:
    """The blocks of a plain text."""
    return fill(text, ((start, Block(text[start:end], text[start:end])) for start, end in text_ranges(text)))


def text_ranges(text: str) -> Iterator[tuple[int, int]]:
    """Where each line has its text: after its marks, and without the white space around it."""
    lines = list(_lines(text))
    for index, line in enumerate(lines):
        prose = line.ordinal is not None and not _is_marker(line.ordinal, line, lines[max(0, index - 1) : index + 2])
        begin = line.marks.start("ordinal") if prose else line.marks.end()
        if begin < len(line.text):
            yield line.start + begin, line.start + len(line.text)


def _lines(text: str) -> Iterator[_Line]:
    """The lines that are neither empty nor separators nor code. A fence needs a closing one."""
    lines = text.splitlines(keepends=True)
    last_closing = max(
        (index for index, line in enumerate(lines) if _CLOSING_FENCE.fullmatch(line.strip())), default=-1
    )
    start = 0
    fenced = False
    for index, line in enumerate(lines):
        content = line.strip()
        if fenced:
            fenced = not _CLOSING_FENCE.fullmatch(content)
        elif _FENCE.fullmatch(content):
            fenced = index < last_closing
        elif content and not _SEPARATOR.fullmatch(content) and (marks := _MARKS.match(line.rstrip())):
            yield _Line(start, line.rstrip(), marks)
        start += len(line)


def _is_marker(ordinal: int, line: _Line, neighbours: list[_Line]) -> bool:
    """Whether a number with a full stop counts the lines: "1. Open it", not "2024. gada" or "3. jūnijā"."""
    if ordinal < _FIRST_YEAR and not line.text[line.marks.end()].islower():
        return True
    return any(other.ordinal in (ordinal - 1, ordinal + 1) for other in neighbours)
