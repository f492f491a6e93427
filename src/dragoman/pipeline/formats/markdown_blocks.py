"""Finds the stretches of a Markdown document that hold text: paragraphs, headings, list items, table cells.

The document is read once, line by line, as CommonMark does: a line first goes on in the open containers (block quotes,
list items), then may open new ones, and what is left of it belongs to a leaf (a paragraph, a fence …). Tables,
footnotes, admonitions and more of the usual extensions are known too. Whatever is in no region is layout or code.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from dragoman.pipeline.formats.markdown_leaves import (
    CODE_INDENT,
    DELIMITER_ROW,
    LEAF,
    RULE,
    Piece,
    cells,
    closing,
    heading_end,
)
from dragoman.pipeline.formats.markdown_lines import Line, lines

_QUOTE = 0
# No document nests deeper; a hostile one must not make every line pay for thousands of containers.
_MAX_DEPTH = 32

_MARKER = re.compile(
    rf"{RULE}|(?P<quote>>)|(?P<item>[-+*](?=[ \t]|$)|\d{{1,9}}[.)](?=[ \t]|$)|:(?=[ \t]))"
    r"|(?P<note>(?:\[\^[^\[\]\s]{1,100}\]|\*\[[^\[\]]{1,100}\]):)"
    r"|(?P<box>(?:(?:!!!|\?\?\?\+?)[ \t]+[\w-]+(?:[ \t]+(?:inline|end))*+(?=[ \t]*(?:\"|$))|===[+!]?(?=[ \t]+\"))"
    r"[ \t]*(?:\"(?P<title>[^\"]*)\")?[ \t]*$)"
)
_INTERRUPTING_ITEM = re.compile(r"(?:[-+*]|1[.)]|:)[ \t]+[^ \t]")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")

_TITLE = r"(?:\"[^\"]*\"|'[^']*'|\([^()]*\))[ \t]*$"
_DEFINITION = re.compile(
    rf"\[(?P<label>(?:[^\[\]\\^]|\\.)(?:[^\[\]\\]|\\.)*+)\]:[ \t]*(?P<target>\S+[ \t]*)?({_TITLE}|$)"
)
_TARGET_LINE = re.compile(rf"\S+[ \t]*({_TITLE}|$)")
_TITLE_LINE = re.compile(f"({_TITLE})")
_TASK = re.compile(r"\[[ xX]\][ \t]+(?=[^ \t])")


@dataclass(frozen=True, slots=True)
class Region:
    """The text of a paragraph, heading or cell, line by line; or an HTML block, as one piece."""

    pieces: tuple[Piece, ...]
    is_html: bool = False


@dataclass(slots=True)
class _Open:
    """A fence or an HTML block that goes on until a line closes it, or until its container ends."""

    closes: Callable[[str], bool]
    start: int
    end: int
    is_html: bool = False


def regions(text: str, start: int) -> tuple[list[Region], set[str]]:
    """The regions of a document from an offset on, and the labels of its link reference definitions."""
    reader = _Reader(text)
    for line in lines(text, start):
        reader.read(line)
    reader.flush()
    return reader.regions, reader.labels


def label_key(label: str) -> str:
    """The form of a label in which definition and reference are equal."""
    return " ".join(label.casefold().split())


class _Reader:
    """Reads a document line by line."""

    def __init__(self, text: str) -> None:
        self.regions: list[Region] = []
        self.labels: set[str] = set()
        self._text = text
        self._containers: list[int] = []  # a quote, or by how many columns the lines of an item are indented
        self._paragraph: list[Piece] = []
        self._open: _Open | None = None
        self._in_table = False
        self._rest_of_definition: re.Pattern[str] | None = None

    def read(self, line: Line) -> None:
        """Take one line."""
        matched = self._enter(line)
        if self._open and matched == len(self._containers):
            self._go_on(self._open, line)
        elif line.blank:
            self._leave(matched)
        elif matched < len(self._containers) and self._paragraph and not self._starts_block(line):
            self._add(line)
        elif matched < len(self._containers):
            self._leave(matched)
            self._start(line)
        elif not self._is_underline(line) and not self._is_delimiter_row(line):
            self._start(line)

    def flush(self) -> None:
        """End the open leaf."""
        if self._paragraph:
            self.regions.append(Region(tuple(self._paragraph)))
            self._paragraph = []
        if self._open and self._open.is_html:
            self.regions.append(Region(((self._open.start, self._open.end),), is_html=True))
        self._open = None
        self._in_table = False
        self._rest_of_definition = None

    def _enter(self, line: Line) -> int:
        """Skip the marks of the open containers that the line carries on, and count these."""
        for depth, indent in enumerate(self._containers):
            if indent == _QUOTE:
                if line.indent >= CODE_INDENT or not line.starts_with(">"):
                    return depth
                line.skip_mark(1)
                line.skip(1)
            elif line.indent >= indent:
                line.skip(indent)
            elif not line.blank:
                return depth
        return len(self._containers)

    def _leave(self, depth: int) -> None:
        self.flush()
        del self._containers[depth:]

    def _go_on(self, leaf: _Open, line: Line) -> None:
        leaf.end = line.end
        if leaf.closes(self._text[line.pos : line.end]):
            self.flush()

    def _starts_block(self, line: Line) -> bool:
        """Whether the line ends a paragraph or table by beginning something else."""
        if line.indent >= CODE_INDENT:
            return False
        leaf = line.match(LEAF)
        return line.match(_MARKER) is not None or (leaf is not None and not _needs_empty_line(leaf))

    def _is_underline(self, line: Line) -> bool:
        """Whether the line underlines a heading, which then ends."""
        if not self._paragraph or line.indent >= CODE_INDENT or not line.match(_UNDERLINE):
            return False
        self.flush()
        return True

    def _is_delimiter_row(self, line: Line) -> bool:
        """Whether the line makes a table of the line before, which then begins."""
        if not self._paragraph or not line.match(DELIMITER_ROW):
            return False
        header = self._paragraph[-1]
        if len(list(cells(self._text, *header))) != len(list(cells(self._text, *line.content))):
            return False
        self._paragraph.pop()
        self.flush()
        self._add_row(*header)
        self._in_table = True
        return True

    def _add_row(self, start: int, end: int) -> None:
        self.regions += [Region((cell,)) for cell in cells(self._text, start, end) if cell[0] < cell[1]]

    def _start(self, line: Line) -> None:
        """Open the containers that begin in the line, and take the rest of it."""
        while line.indent < CODE_INDENT and len(self._containers) < _MAX_DEPTH:
            match = line.match(_MARKER)
            if not match or match["rule"] or not self._may_interrupt(line, match):
                break
            self.flush()
            self._open_container(line, match)
        if self._in_table and line.indent < CODE_INDENT and not self._starts_block(line):
            self._add_row(*line.content)
        elif not line.blank:
            self._take_leaf(line)

    def _may_interrupt(self, line: Line, match: re.Match[str]) -> bool:
        return not (self._paragraph and match["item"]) or line.match(_INTERRUPTING_ITEM) is not None

    def _open_container(self, line: Line, match: re.Match[str]) -> None:
        before, width = line.indent, match.end() - match.start()
        line.skip_mark(width)
        if match["quote"]:
            self._containers.append(_QUOTE)
            line.skip(1)
        elif match["item"]:
            gap = 1 if line.blank or line.indent > CODE_INDENT else line.indent
            self._containers.append(before + width + gap)
            line.skip(gap)
        else:
            self._containers.append(CODE_INDENT)
            line.skip(line.indent)
            if match["title"]:
                self._add_title(*match.span("title"))

    def _take_leaf(self, line: Line) -> None:
        if line.indent >= CODE_INDENT:
            if self._paragraph:
                self._add(line)
            else:
                self.flush()
            return
        match = line.match(LEAF)
        if match and self._take_special(line, match):
            return
        if not self._paragraph and self._is_definition(line):
            return
        self._in_table = False
        self._add(line)

    def _add(self, line: Line) -> None:
        """Add the line to the paragraph, or begin one."""
        start, end = line.content
        if not self._paragraph and (task := _TASK.match(self._text, start, end)):
            start = task.end()
        self._paragraph.append((start, end))

    def _add_title(self, start: int, end: int) -> None:
        title = self._text[start:end]
        if core := title.strip(" \t"):
            start += title.index(core)
            self.regions.append(Region(((start, start + len(core)),)))

    def _take_special(self, line: Line, match: re.Match[str]) -> bool:
        """Take a leaf other than a paragraph; False if it is none here."""
        kind = match.lastgroup or ""
        if self._paragraph and _needs_empty_line(match):
            return False
        self.flush()
        if kind == "heading":
            self._add_title(match.end(), heading_end(self._text, match.end(), line.end))
        elif kind in {"directive", "alert"}:
            self._add_title(*(match.span("label") if match["label"] else (match.end(), line.end)))
        elif kind == "html" and _QUOTE in self._containers:
            self._add(line)  # the next lines begin with marks of the quote, which are no HTML
            self.flush()
        elif kind not in {"rule", "verbatim"}:
            self._open = _Open(closing(kind, match[0]), line.first, line.end)
            self._open.is_html = kind in {"html", "raw"} and _QUOTE not in self._containers
            if kind == "raw" and self._open.closes(self._text[line.first + 2 : line.end]):
                self.flush()
        return True

    def _is_definition(self, line: Line) -> bool:
        """Whether the line is a link reference definition, or the rest of one from the line before."""
        rest, self._rest_of_definition = self._rest_of_definition, None
        if rest and (match := line.match(rest)):
            self._rest_of_definition = None if match[1] else _TITLE_LINE
            return True
        match = line.match(_DEFINITION)
        if not match:
            return False
        self.labels.add(label_key(match["label"]))
        if not match["target"]:
            self._rest_of_definition = _TARGET_LINE
        elif not match[3]:
            self._rest_of_definition = _TITLE_LINE
        return True


def _needs_empty_line(leaf: re.Match[str]) -> bool:
    """Whether a leaf cannot begin within a paragraph: a lone tag, or the head of an alert."""
    return leaf.lastgroup == "alert" or (leaf.lastgroup == "html" and leaf[0].rstrip().endswith(">"))
