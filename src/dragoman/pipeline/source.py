"""A block of a document with what was found in it, while it is cut into passages."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dragoman.core.types import Segment, Token
from dragoman.pipeline.block import Block, Span, escape
from dragoman.pipeline.memory import Answer
from dragoman.pipeline.terms import Match


@dataclass(frozen=True, slots=True)
class Source:
    """A block, and what was found in its text."""

    block: Block
    text: str
    masked: str
    spans: tuple[Span, ...]
    matches: tuple[Match, ...]

    def spans_in(self, start: int, end: int) -> list[Span]:
        """The spans of a part, with places in that part."""
        inside = self.spans[bisect_left(self.spans, start, key=_start) : bisect_left(self.spans, end, key=_start)]
        return [replace(span, start=span.start - start, end=span.end - start) for span in inside]

    def matches_in(self, start: int, end: int) -> tuple[Match, ...]:
        """The terms of a part, with places in the block."""
        return self.matches[bisect_left(self.matches, start, key=_start) : bisect_left(self.matches, end, key=_start)]

    def written(self, answer: Answer, start: int) -> tuple[Token, ...]:
        """An answer to the part at `start`, as the document writes it."""
        return tuple(
            Token(
                escape(part, self.block.escaping)
                if isinstance(part, str)
                else self.block.source(start + part[0], start + part[1])
            )
            for part in answer.parts
        )


def _start(found: Span | Match) -> int:
    return found.start


def whole_sentences(source: Source, sentences: Sequence[Segment]) -> Iterator[Segment]:
    """The sentences, but for borders inside of a term (`Yahoo! Inc.`) or before a closing tag."""
    inside_terms = {place for match in source.matches for place in range(match.start + 1, match.end)}
    closing_ends = {span.start: span.end for span in source.spans if span.role == "close"}
    masked = source.masked
    ranges: list[tuple[int, int]] = []
    place = 0
    for sentence in sentences:
        start = place + len(sentence.before)
        end = start + len(sentence.text)
        place = end + len(sentence.after)
        while ranges and ranges[-1][1] == start < end and start in closing_ends:
            ranges[-1] = (ranges[-1][0], closing_ends[start])
            start = closing_ends[start]
        start = end - len(masked[start:end].lstrip())
        if ranges and start in inside_terms:
            ranges[-1] = (ranges[-1][0], end)
        elif start < end:
            ranges.append((start, end))
    starts = [start for start, _ in ranges[1:]] + [len(masked)]
    for index, ((start, end), following) in enumerate(zip(ranges, starts, strict=True)):
        yield Segment(masked[start:end], "" if index else masked[:start], masked[end:following])
    if not ranges:
        yield Segment("", before=masked)


def spaces_around(masked: str, span: Span) -> tuple[bool, bool]:
    """Whether there is a space before and after a span; at an end of the segment, as on the other side."""
    before, after = masked[: span.start][-1:].isspace(), masked[span.end : span.end + 1].isspace()
    return (before if span.start else after), (after if span.end < len(masked) else before)
