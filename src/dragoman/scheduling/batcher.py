"""Gives a document's segments to an engine, batch by batch, and their translations back in document order."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from dragoman.core.engine import Batch, Engine, Hypotheses
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token


def cut_batches(costs: Sequence[int], max_segments: int, max_tokens: int) -> Iterator[int]:
    """Sizes of consecutive batches: 1, 2, 4… segments, so that a document flows with its first sentence.

    A batch costs its longest segment times its size, for the engine pads; it stays within `max_tokens`.
    """
    start, ramp = 0, 1
    while start < len(costs):
        size = longest = 0
        while size < min(ramp, max_segments) and start + size < len(costs):
            longest = max(longest, costs[start + size])
            if size and longest * (size + 1) > max_tokens:
                break
            size += 1
        yield size
        start += size
        ramp *= 2


class Batcher:
    """Translates for one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def translate(
        self, segments: Sequence[Segment], pair: Pair, decoding: Decoding, *, stream_tokens: bool = False
    ) -> AsyncGenerator[Token | Hypotheses]:
        """Give each segment's hypotheses in order.

        With `stream_tokens`, which needs beam 1 and one hypothesis, before them its tokens as they are decoded.
        """
        policy = self._engine.info.batch_policy
        costs = [len(segment.tokens) for segment in segments]
        start = 0
        for size in cut_batches(costs, policy.max_segments, policy.max_tokens):
            batch = Batch(tuple(segments[start : start + size]), pair, decoding)
            start += size
            if stream_tokens:
                async with aclosing(self._stream(batch)) as events:
                    async for event in events:
                        yield event
            else:
                for hypotheses in await self._engine.translate(batch):
                    yield hypotheses

    async def _stream(self, batch: Batch) -> AsyncGenerator[Token | Hypotheses]:
        """Tokens of the first unfinished segment as they come; those of later segments wait for their turn."""
        events: asyncio.Queue[tuple[int, Token | Hypothesis] | None] = asyncio.Queue()
        task = asyncio.create_task(self._engine.translate(batch, lambda *event: events.put_nowait(event)))
        task.add_done_callback(lambda _: events.put_nowait(None))
        waiting: list[list[Token | Hypothesis]] = [[] for _ in batch.segments]
        current = 0
        try:
            while (event := await events.get()) is not None:
                waiting[event[0]].append(event[1])
                while current < len(waiting) and waiting[current]:
                    ready = waiting[current].pop(0)
                    if isinstance(ready, Hypothesis):
                        current += 1
                        yield (ready,)
                    else:
                        yield ready
            for hypotheses in (await task)[current:]:
                yield hypotheses
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
