"""A segment on its way through an engine."""

import asyncio

from dragoman.core.engine import Hypotheses
from dragoman.core.types import Decoding, Pair, Segment, Token
from dragoman.scheduling.cache import Key
from dragoman.scheduling.queue import Entry

Group = tuple[Pair, Decoding, bool]
"""What segments of one batch have in common; the last: whether each is the first of several that somebody reads."""


class Work:
    """A segment on its way through the engine. Several requests may wait for it."""

    __slots__ = ("cache_key", "entry", "future", "group", "segment", "share_key", "stream", "task", "waiting")

    def __init__(self, segment: Segment, group: Group) -> None:
        self.segment = segment
        self.group = group
        self.share_key: Key | None = None
        self.cache_key: Key | None = None
        self.stream: asyncio.Queue[Token | None] | None = None
        self.entry: Entry[Work] | None = None  # while it is queued
        self.task: asyncio.Task[None] | None = None  # while it is with the engine
        self.future: asyncio.Future[Hypotheses] = asyncio.get_running_loop().create_future()
        self.waiting = 0

    def succeed(self, hypotheses: Hypotheses) -> None:
        """Hand the result to all who wait, unless they have one."""
        if not self.future.done():
            self.future.set_result(hypotheses)
            self._end_stream()

    def fail(self, error: BaseException) -> None:
        """Make all who wait raise, unless they have a result."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # those who waited may be gone; then nobody need be told
            self._end_stream()

    def _end_stream(self) -> None:
        if self.stream is not None:
            self.stream.put_nowait(None)

    async def result(self) -> Hypotheses:
        """What the engine made of it. Who waits may be cancelled without taking the result from the others."""
        return self.future.result() if self.future.done() else await asyncio.shield(self.future)
