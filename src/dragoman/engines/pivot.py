"""Translates through a third language: what two engines do one after the other, as one engine.

Only the text takes this way. Terms, protected spans and checks are between the source and the last translation, so the
alignments of the two legs are multiplied.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from dragoman.core.engine import Batch, Engine, EngineInfo, Hypotheses, OnToken, stream_at_once
from dragoman.core.types import Decoding, Hypothesis, Pair, Protected, Segment, Token

# Asks an engine for the alignment.
_TO_BE_FOUND = Protected("", 0, space_before=False, space_after=False)


def pivoted(pairs: Collection[Pair], further: Collection[Pair], via: str) -> frozenset[Pair]:
    """What engines of these pairs can translate together, one after the other, through the language `via`."""
    sources = {pair.source for pair in pairs if pair.target == via}
    targets = {pair.target for pair in further if pair.source == via}
    return frozenset(Pair(source, target) for source in sources for target in targets if source != target)


class PivotEngine:
    """Two engines, which others close, and the language between them."""

    def __init__(self, first: Engine, second: Engine, via: str) -> None:
        self._first, self._second, self._via = first, second, via
        licences = dict.fromkeys((first.info.licence, second.info.licence))
        self._info = EngineInfo(
            id=f"{first.info.id}-{via}-{second.info.id}",
            version=f"{first.info.version}-{second.info.version}",
            licence=" and ".join(licences),
            pairs=pivoted(first.info.pairs, second.info.pairs, via),
            max_source_tokens=first.info.max_source_tokens,
            batch_policy=first.info.batch_policy,
            pivot=via,
        )

    @property
    def info(self) -> EngineInfo:
        """Both engines', and their pivot."""
        return self._info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """As the first engine reads."""
        return self._first.tokenize(text)

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:
        """As the second engine writes."""
        return self._second.target_tokens(text)

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """What the second engine makes of the best translation into the pivot. A stream comes all at once."""
        first = Batch(
            tuple(map(_bare, batch.segments)),
            Pair(batch.pair.source, self._via),
            Decoding(beam_size=batch.decoding.beam_size),
            batch.is_abandoned,
        )
        middles = [hypotheses[0] for hypotheses in await self._first.translate(first)]
        parts = [
            (index, part)
            for index, middle in enumerate(middles)
            for part in self._parts(middle.text, first.segments[index])
        ]
        written: list[list[Hypotheses]] = [[] for _ in middles]
        if parts:
            second = Batch(
                tuple(part for _, part in parts),
                Pair(self._via, batch.pair.target),
                batch.decoding,
                lambda index: batch.is_abandoned(parts[index][0]),
            )
            for (index, _), hypotheses in zip(parts, await self._second.translate(second), strict=True):
                written[index].append(hypotheses)
        found = [self._through(*each) for each in zip(middles, written, strict=True)]
        stream_at_once(found, on_token)
        return found

    def _parts(self, text: str, segment: Segment) -> list[Segment]:
        """A text in the pivot as the second engine takes it; none if there is nothing to read."""
        tokens = self._second.tokenize(text)
        longest = self._second.info.max_source_tokens
        if not any(token.model_token is not None for token in tokens):
            return []
        cut = [tokens[start : start + longest] for start in range(0, len(tokens), longest)]
        return [replace(segment, text="".join(token.text for token in part), tokens=part) for part in cut]

    def _through(self, middle: Hypothesis, parts: Sequence[Hypotheses]) -> Hypotheses:
        """What the second engine wrote of the parts of a text, aligned with what the first one read."""
        if not parts:
            return (replace(middle, tokens=(), alignment=None),)
        choices = [[part[number] for part in parts] for number in range(min(map(len, parts)))]
        return tuple(
            Hypothesis(
                tuple(token for part in choice for token in part.tokens),
                min(middle.score, *(part.score for part in choice)),
                middle.ended and all(part.ended for part in choice),
                self._multiplied(choice[0], middle) if len(choice) == 1 else None,
            )
            for choice in choices
        )

    def _multiplied(self, last: Hypothesis, middle: Hypothesis) -> tuple[tuple[float, ...], ...] | None:
        """The attention of the last words to the pivot's words, times that of these to the source's."""
        if not last.alignment or not middle.alignment:
            return None
        width = max(map(len, middle.alignment))
        chars = [
            _padded(row, width) for token, row in zip(middle.tokens, middle.alignment, strict=False) for _ in token.text
        ]
        tokens = self._second.tokenize(middle.text)
        ends = np.cumsum([len(token.text) for token in tokens])
        read = [
            np.mean(chars[end - len(token.text) : end], axis=0) if token.text else np.zeros(width)
            for token, end in zip(tokens, ends, strict=True)
        ]
        rows = [_padded(row, len(read)) @ np.array(read) for row in last.alignment]
        return tuple(tuple(map(float, row)) for row in rows)

    async def health(self) -> bool:
        """Whether both can translate."""
        return await self._first.health() and await self._second.health()

    async def aclose(self) -> None:
        """The engines are closed by those who have them."""


def _bare(segment: Segment) -> Segment:
    """A segment without what concerns the pair as a whole."""
    protected = (_TO_BE_FOUND,) if segment.needs_alignment else ()
    return replace(segment, protected=protected, terms=(), examples=(), domains="")


def _padded(row: Sequence[float], width: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A row of so many weights."""
    padded = np.zeros(width)
    padded[: len(row)] = row[:width]
    return padded
