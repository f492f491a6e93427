"""Makes blocks of a paragraph, a heading or a cell of a Markdown document.

A sentence may run over the lines of a paragraph, so these are one text, but a hard line break ends a block unless the
sentence goes on behind it. A row of links or badges is one block for each.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dragoman.pipeline.block import Block, Span
from dragoman.pipeline.formats.decoded import Decoded, Found
from dragoman.pipeline.formats.markdown_inline import Inline, Mark, may_be_marked, scan
from dragoman.pipeline.formats.markdown_leaves import Piece
from dragoman.pipeline.formats.tagged import has_letters

_HARD_BREAKS = ("  ", "\\", "<")


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a text, with the marks in it."""

    start: int
    end: int
    marks: Sequence[Mark]


def found_blocks(document: str, pieces: Sequence[Piece], labels: set[str]) -> Iterator[Found]:
    """The blocks of a text whose lines have these places; stretches without words are left out."""
    place = pieces[0][0]
    raw = document[place : pieces[-1][1]]
    if len(pieces) == 1 and not may_be_marked(raw):
        if has_letters(raw):
            yield place + len(raw) - len(raw.lstrip()), Block(raw.strip(), raw.strip(), escaping="markdown")
        return
    lines, starts = _join(raw, [(start - place, end - place) for start, end in pieces])
    text, offsets, marks = _decode(raw, lines, starts, scan(lines, labels))
    spans = tuple(Span(mark.start, mark.end, mark.role, mark.pair) for mark in marks)
    decoded = Decoded(raw, text, offsets, spans)
    for line in _hard_lines(text, marks):
        for part in _enclosed(text, _core(text, line)):
            core = _core(text, part)
            if has_letters("".join(_gaps(text, core, core.marks))):
                yield decoded.found(core.start, core.end, "markdown", place)


def _join(raw: str, pieces: Sequence[Piece]) -> tuple[str, list[int]]:
    """The lines of a text, with a line break for all between them, and the place of each character and of the end."""
    parts: list[str] = []
    starts: list[int] = []
    for index, (start, end) in enumerate(pieces):
        last = index + 1 == len(pieces)
        line = raw[start:end]
        if not last and (len(line) - len(line.rstrip("\\"))) % 2:
            line = line[:-1]  # the backslash belongs to a hard line break
        parts.append(line)
        starts.extend(range(start, start + len(line) + 1))
    return "\n".join(parts), starts


def _decode(raw: str, lines: str, starts: list[int], inline: Inline) -> tuple[str, list[int], list[Mark]]:
    """The text as a reader sees it, where its characters are in `raw`, and its marks; a hard line break is one."""
    chars: list[str] = []
    kept: list[int] = []
    breaks: list[Mark] = []
    position = 0
    for start, (end, char) in inline.decoded.items():
        chars += [lines[position:start], char]
        kept.extend(range(position, start + 1))
        if char == " " and raw.startswith(_HARD_BREAKS, starts[start]):
            breaks.append(Mark(start, end, edge=True, tag="br"))
        position = end
    chars.append(lines[position:])
    kept.extend(range(position, len(lines)))
    marks = sorted([*inline.marks, *breaks], key=lambda mark: mark.start)
    for mark in marks:
        mark.start, mark.end = bisect_left(kept, mark.start), bisect_left(kept, mark.end)
    return "".join(chars).replace("\n", " "), [*(starts[index] for index in kept), len(raw)], marks


def _hard_lines(text: str, marks: Sequence[Mark]) -> Iterator[_Part]:
    """Cut at the hard line breaks that are in no pair, unless a small letter says that the sentence goes on."""
    start = first = depth = 0
    for index, mark in enumerate(marks):
        depth += (mark.role == "open") - (mark.role == "close")
        if mark.tag == "br" and not depth and not text[mark.end : mark.end + 1].islower():
            yield _Part(start, mark.start, marks[first:index])
            start, first = mark.end, index + 1
    yield _Part(start, len(text), marks[first:])


def _enclosed(text: str, part: _Part) -> list[_Part]:
    """The outermost pairs of a part, if there are no words but in them, else the part itself."""
    outermost: list[_Part] = []
    first = depth = 0
    for index, mark in enumerate(part.marks):
        first = first if depth else index
        depth += (mark.role == "open") - (mark.role == "close")
        if not depth:
            outermost.append(_Part(part.marks[first].start, mark.end, part.marks[first : index + 1]))
    outside = "".join(_gaps(text, part, outermost))
    pairs = [inner for inner in outermost if len(inner.marks) > 1]
    return [part] if len(pairs) <= 1 or any(char.isalnum() for char in outside) else pairs


def _gaps(text: str, part: _Part, holes: Sequence[Mark | _Part]) -> Iterator[str]:
    """The text of a part without holes in it."""
    start = part.start
    for hole in holes:
        yield text[start : hole.start]
        start = hole.end
    yield text[start : part.end]


def _core(text: str, part: _Part) -> _Part:
    """A part without the white space and marks around it."""
    start, end, first, last = part.start, part.end, 0, len(part.marks)
    while start < end:
        left = part.marks[first] if first < last and part.marks[first].start == start else None
        right = part.marks[last - 1] if first < last and part.marks[last - 1].end == end else None
        if text[start].isspace() or (left and left.edge and left.role == "atom"):
            start, first = (left.end, first + 1) if left else (start + 1, first)
        elif text[end - 1].isspace() or (right and right.edge and right.role == "atom"):
            end, last = (right.start, last - 1) if right else (end - 1, last)
        elif left and right and left.role == "open" and left.pair == right.pair:
            start, end, first, last = left.end, right.start, first + 1, last - 1
        else:
            break
    return _Part(start, end, part.marks[first:last])
