"""Asks the engines of a route in order until one answers. A worse one never answers unseen: the answer names it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from dragoman.core.answer import Detection, Outcome, Piece, Report
from dragoman.core.engine import Calibration
from dragoman.core.errors import UnsupportedLanguage, UnsupportedParameter, UpstreamFailed
from dragoman.core.types import Pair
from dragoman.scheduling.breaker import Breaker

# What the engine at hand cannot do, another may.
_CANNOT = (UnsupportedLanguage, UnsupportedParameter)


@dataclass(frozen=True, slots=True)
class Translation:
    """A request that was accepted: what was decided for it, and its answer, which can be read once.

    `detection` is None where the client named the source language. `segment_count` leaves out those of a stream that
    are not known yet. `skipped`: engines that come before this one in the model's route, by name. Read `events` to the
    end, or close it.
    """

    pair: Pair
    detection: Detection | None
    engine_id: str
    engine_version: str
    segment_count: int
    events: AsyncGenerator[Piece | Outcome]
    calibration: Calibration | None = None
    skipped: tuple[str, ...] = ()

    def confidence(self, report: Report) -> float | None:
        """The quality to be expected of an answer, 0 to 1; None where no model wrote it, or nobody measured."""
        if report.score is None:  # no model wrote: people did, or nobody
            return 1.0 if report.memory else None
        return None if self.calibration is None else self.calibration.quality(report.score)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An engine of a route, by name. `open` accepts a request, or raises why not."""

    engine: str
    breaker: Breaker
    open: Callable[[], AbstractAsyncContextManager[Translation]]


@asynccontextmanager
async def first_that_answers(attempts: Sequence[Attempt]) -> AsyncGenerator[Translation]:
    """The translation of the first engine that begins one. Raises what the last one raised.

    An engine that fails after its first piece is not replaced: the client has a part of its answer. Without a choice of
    engines, nothing is read ahead.
    """
    if len(attempts) == 1:
        async with attempts[0].open() as only:
            yield only
        return
    skipped: list[str] = []
    problem: Exception | None = None
    async with AsyncExitStack() as stack:
        for attempt in attempts:
            if attempt.breaker.is_open:
                skipped.append(attempt.engine)
                continue
            try:
                translation = await stack.enter_async_context(attempt.open())
            except _CANNOT as error:
                problem = problem or error
                skipped.append(attempt.engine)
                continue
            attempt.breaker.begin()
            try:
                first = await anext(translation.events)
            except Exception as error:  # noqa: BLE001 # the last engine's is raised
                attempt.breaker.note(worked=False)
                await stack.pop_all().aclose()  # its place is free for the next
                problem = error
                skipped.append(attempt.engine)
                continue
            attempt.breaker.note(worked=True)
            yield replace(translation, events=_from(first, translation.events), skipped=tuple(skipped))
            return
        raise problem or UpstreamFailed("None of the engines of this model can be asked now. Try again in a minute.")


async def _from(first: Piece | Outcome, events: AsyncGenerator[Piece | Outcome]) -> AsyncGenerator[Piece | Outcome]:
    yield first
    async with aclosing(events):
        async for event in events:
            yield event
