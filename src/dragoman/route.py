"""Asks the engines of a route in order until one answers. A worse one never answers unseen: the answer names it."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from dragoman.core.answer import Detection, Outcome, Piece, Report
from dragoman.core.engine import Calibration
from dragoman.core.errors import DeadlineExceeded, InvalidRequest, ModelNotFound, UnsupportedParameter, UpstreamFailed
from dragoman.core.types import Pair
from dragoman.pipeline.pair import Ways
from dragoman.scheduling.breaker import Breaker

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class Translation:
    """A request that was accepted: what was decided for it, and its answer, which can be read once.

    `engine`: by its name in the configuration. `detection` is None where the client named the source language.
    `segment_count` leaves out those of a stream that are not known yet. `skipped`: engines that come before this one in
    the model's route, by name. `pivot`: the language through which it went. Read `events` to the end, or close it.
    """

    pair: Pair
    detection: Detection | None
    engine: str
    engine_id: str
    engine_version: str
    segment_count: int
    events: AsyncGenerator[Piece | Outcome]
    calibration: Calibration | None = None
    skipped: tuple[str, ...] = ()
    pivot: str | None = None

    def confidence(self, report: Report) -> float | None:
        """The quality to be expected of an answer, 0 to 1; None where no model wrote it, or nobody measured."""
        if report.score is None:  # no model wrote: people did, or nobody
            return 1.0 if report.memory else None
        return None if self.calibration is None else self.calibration.quality(report.score)


@dataclass(frozen=True, slots=True)
class Step:
    """An engine of a route, by name, and what it is asked for.

    `domains`: only requests that say one of these words in theirs; all, if there is none. `budget_seconds`: how long
    its first piece may take where others could answer. `is_pivot`: it goes through a third language.
    """

    engine: str
    pairs: frozenset[Pair]
    domains: tuple[str, ...] = ()
    budget_seconds: float | None = None
    is_pivot: bool = False

    def suits(self, domains: str) -> bool:
        """Whether requests of these domains are for it."""
        said = domains.casefold()
        return not self.domains or any(re.search(rf"\b{re.escape(each.casefold())}\b", said) for each in self.domains)

    def takes(self, pair: Pair) -> bool:
        """Whether it translates so. What is in the target language already, anybody may answer."""
        return pair.source == pair.target or pair in self.pairs


@dataclass(frozen=True, slots=True)
class Alias:
    """A model id that clients send, and its route: the first engine that can answers.

    `cumulative`: each stream chunk repeats the text so far.
    """

    route: tuple[Step, ...]
    cumulative: bool = False
    stream_tokens: bool = False

    @property
    def engines(self) -> list[str]:
        """The engines that translate directly, by name."""
        return [step.engine for step in self.route if not step.is_pivot]

    def steps(self, domains: str, require_engine: str | None) -> tuple[Step, ...]:
        """The part of the route that is for a request. Raises `InvalidRequest`."""
        names = [step.engine for step in self.route]
        if require_engine is not None and require_engine not in names:
            raise InvalidRequest(
                f"The engine {require_engine[:60]!r} does not answer for this model; use one of {', '.join(names)}.",
                param="translation_options.require_engine",
            )
        if require_engine is not None:
            return tuple(step for step in self.route if step.engine == require_engine)
        found = tuple(step for step in self.route if step.suits(domains))
        if not found:
            raise InvalidRequest(
                "This model answers for some domains only; say in `domains` what the text is about.",
                param="translation_options.domains",
            )
        return found


@lru_cache(maxsize=64)
def ways(steps: tuple[Step, ...]) -> Ways:
    """What the engines of a route can translate. Of 92 languages there are 8,372 pairs: too many to count each time."""
    direct, pivoted = ([step.pairs for step in steps if step.is_pivot == is_pivot] for is_pivot in (False, True))
    return Ways(frozenset[Pair]().union(*direct), frozenset[Pair]().union(*pivoted))


def skipped(steps: Sequence[Step], translation: Translation) -> tuple[str, ...]:
    """The engines before the one that answered."""
    names = [step.engine for step in steps]
    return tuple(names[: names.index(translation.engine)])


def find_alias(aliases: Mapping[str, Alias], model: str) -> Alias:
    """The alias of a model id, with or without a `vendor/` prefix, or the wildcard's. Raises `ModelNotFound`."""
    found = aliases.get(model) or aliases.get(model.rpartition("/")[2]) or aliases.get(WILDCARD)
    if found is None:
        known = ", ".join(sorted(aliases))
        raise ModelNotFound(
            f"The model {model[:100]!r} does not exist or you do not have access to it. This server has: {known}.",
            param="model",
        )
    return found


@dataclass(frozen=True, slots=True)
class Attempt:
    """A step of a route. `open` accepts a request, or raises why not."""

    step: Step
    breaker: Breaker
    open: Callable[[], AbstractAsyncContextManager[Translation]]


Note = Callable[[str, Exception], None]
"""Hears of an engine, by name, that failed a request."""


@asynccontextmanager
async def first_that_answers(
    attempts: Sequence[Attempt], *, is_streamed: bool, note: Note
) -> AsyncGenerator[Translation]:
    """The translation of the first engine that makes one. Raises what the last one raised.

    A stream begins with the first piece; an engine that fails after it is not replaced, since the client has a part of
    its answer. Any other answer is read to its end first. Without a choice of engines, nothing is read ahead.
    """
    problem: Exception | None = None
    is_only = len(attempts) == 1
    async with AsyncExitStack() as stack:
        for number, attempt in enumerate(attempts, start=1):
            if attempt.breaker.is_open and not is_only:
                continue
            try:
                translation = await stack.enter_async_context(attempt.open())
            except UnsupportedParameter as error:  # another engine may take it
                problem = problem or error
                continue
            attempt.breaker.begin()
            heard = partial(_heard, attempt, note, is_only=is_only)
            events = _noted(translation.events, heard)
            read: list[Piece | Outcome] = []
            if not is_only:
                try:
                    is_last = number == len(attempts)
                    read.append(await _first_piece(events, None if is_last else attempt.step.budget_seconds, heard))
                    if not is_streamed:
                        read += [event async for event in events]
                except Exception as error:  # noqa: BLE001 # the last engine's is raised
                    await stack.pop_all().aclose()
                    problem = error
                    continue
            yield replace(translation, events=_after(read, events))
            return
        raise problem or UpstreamFailed("None of the engines of this model can be asked now. Try again in a minute.")


def _heard(attempt: Attempt, note: Note, error: Exception | None, *, is_only: bool) -> None:
    """Tell the breaker, where there is a choice, and the operator how a request went."""
    if not is_only:
        attempt.breaker.note(worked=error is None)
    if error is not None:
        note(attempt.step.engine, error)


async def _noted(
    events: AsyncGenerator[Piece | Outcome], heard: Callable[[Exception | None], None]
) -> AsyncGenerator[Piece | Outcome]:
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    except Exception as error:
        heard(error)
        raise
    heard(None)


async def _first_piece(
    events: AsyncGenerator[Piece | Outcome], budget_seconds: float | None, heard: Callable[[Exception | None], None]
) -> Piece | Outcome:
    """Raises `DeadlineExceeded` when the budget is used up; there is none for the last, after which nobody comes."""
    try:
        async with asyncio.timeout(budget_seconds):
            return await anext(events)
    except TimeoutError as error:
        late = DeadlineExceeded("The engine did not begin its answer within its budget.")
        heard(late)
        raise late from error


async def _after(
    read: Sequence[Piece | Outcome], events: AsyncGenerator[Piece | Outcome]
) -> AsyncGenerator[Piece | Outcome]:
    for event in read:
        yield event
    async with aclosing(events):
        async for event in events:
            yield event
