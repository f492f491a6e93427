"""How much an engine still does for clients who have gone: half of them leave when decoding has begun."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from dragoman.core.engine import Batch, Engine, EngineInfo, Hypotheses, OnToken
from dragoman.core.types import Decoding, Pair, Segment, Token
from dragoman.scheduling.batcher import Batcher, Claim

CLIENTS = 64
PAIR = Pair("zh", "en")


class Watched:
    """An engine, and what it was given and told about segments that nobody waits for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.began = asyncio.Event()
        self.steps_after_leaving: Counter[tuple[int, int]] = Counter()
        self.given_after_leaving = 0
        self._batches = 0

    @property
    def info(self) -> EngineInfo:
        """The engine's."""
        return self._engine.info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """The engine's."""
        return self._engine.tokenize(text)

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:
        """The engine's."""
        return self._engine.target_tokens(text)

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate, and count how often the engine asks after a segment whose client has gone."""
        number = self._batches = self._batches + 1
        self.given_after_leaving += sum(batch.is_abandoned(index) for index in range(len(batch.segments)))
        self.began.set()

        def is_abandoned(index: int) -> bool:
            gone = batch.is_abandoned(index)
            self.steps_after_leaving[number, index] += gone
            return gone

        return await self._engine.translate(replace(batch, is_abandoned=is_abandoned), on_token)

    async def health(self) -> bool:
        """The engine's."""
        return await self._engine.health()

    async def aclose(self) -> None:
        """The engine's."""
        await self._engine.aclose()


async def steps_and_segments_after_leaving(engine: Engine, sentences: Sequence[str], beam_size: int) -> tuple[int, int]:
    """The most decoding steps of a segment after its client left, and how many segments were begun after that."""
    watched = Watched(engine)
    batcher = Batcher(watched)
    decoding = Decoding(beam_size=beam_size)
    segments = [Segment(text, tokens=engine.tokenize(text)) for text in sentences[:CLIENTS]]

    async def client(segment: Segment) -> None:
        async with aclosing(batcher.translate([segment], PAIR, decoding, Claim())) as events:
            async for _ in events:
                pass

    clients = [asyncio.create_task(client(segment)) for segment in segments]
    await watched.began.wait()
    await asyncio.sleep(0.005)  # some steps
    for each in clients[::2]:
        each.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    await batcher.aclose()
    return max(watched.steps_after_leaving.values(), default=0), watched.given_after_leaving
