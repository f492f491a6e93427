"""What formats with escapes share: the text that a raw string stands for, and how blocks are put into their document.

A format says where its texts are. All between them is kept as it is, so that nothing of a document can be lost.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dragoman.pipeline.block import Block, Escaping, Span

Found = tuple[int, Block]
"""A block and its place in the document."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A raw string and its text. `offsets` has the place in `raw` of each character of `text`, and of its end."""

    raw: str
    text: str
    offsets: list[int]
    spans: tuple[Span, ...] = ()

    def found(self, start: int, end: int, escaping: Escaping, place: int) -> Found:
        """A part of the text as a block, where `place` is that of `raw` in the document."""
        low, high = self.offsets[start], self.offsets[end]
        raw, text = self.raw[low:high], self.text[start:end]
        offsets = None if raw == text else tuple(at - low for at in self.offsets[start : end + 1])
        return place + low, Block(raw, text, self._spans_within(start, end), offsets, escaping)

    def _spans_within(self, start: int, end: int) -> tuple[Span, ...]:
        first = bisect_right(self.spans, start, key=lambda span: span.end)
        last = bisect_left(self.spans, end, key=lambda span: span.start)
        return tuple(
            Span(max(span.start, start) - start, min(span.end, end) - start, span.role, span.pair)
            for span in self.spans[first:last]
        )


def decode(raw: str, escapes: re.Pattern[str], meaning: Callable[[re.Match[str]], str | None]) -> Decoded:
    """The text of a raw string in which each escape is replaced by its meaning.

    An escape that has none (None) stays as it is, as a span. The raw of one that means nothing ("") goes with the
    character before it.
    """
    texts: list[str] = []
    offsets: list[int] = []
    spans: list[Span] = []
    start = 0
    for match in escapes.finditer(raw):
        texts.append(raw[start : match.start()])
        offsets.extend(range(start, match.start()))
        meant = meaning(match)
        if meant is None:
            spans.append(Span(len(offsets), len(offsets) + len(match[0])))
            offsets.extend(range(*match.span()))
        elif meant:
            offsets += [match.start()] + [match.end()] * (len(meant) - 1)
        texts.append(match[0] if meant is None else meant)
        start = match.end()
    texts.append(raw[start:])
    offsets.extend(range(start, len(raw) + 1))
    return Decoded(raw, "".join(texts), offsets, tuple(spans))


def fill(document: str, found: Iterable[Found]) -> list[Block]:
    """The blocks of a document: those found, which are in order, and blocks without text for all between them."""
    blocks = []
    end = 0
    for place, block in found:
        if end < place:
            blocks.append(Block(document[end:place]))
        blocks.append(block)
        end = place + len(block.raw)
    if end < len(document):
        blocks.append(Block(document[end:]))
    return blocks
