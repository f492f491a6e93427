"""Asks the engines of a route in order until one answers. A worse one never answers unseen: the answer names it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from dragoman.core.answer import Detection, Outcome, Piece, Report
from dragoman.core.engine import Calibration
from dragoman.core.errors import DeadlineExceeded, InvalidRequest, ModelNotFound, UnsupportedParameter, UpstreamFailed
from dragoman.core.types import Pair
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
        return not self.domains or any(each.casefold() in domains.casefold() for each in self.domains)

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
    problem: Exception | None = None
    async with AsyncExitStack() as stack:
        for number, attempt in enumerate(attempts, start=1):
            if attempt.breaker.is_open:
                continue
            try:
                translation = await stack.enter_async_context(attempt.open())
            except UnsupportedParameter as error:  # another engine may take it
                problem = problem or error
                continue
            attempt.breaker.begin()
            try:
                first = await _first_piece(translation, attempt.step, is_last=number == len(attempts))
            except Exception as error:  # noqa: BLE001 # the last engine's is raised
                attempt.breaker.note(worked=False)
                await stack.pop_all().aclose()
                problem = error
                continue
            attempt.breaker.note(worked=True)
            yield replace(translation, events=_from(first, translation.events))
            return
        raise problem or UpstreamFailed("None of the engines of this model can be asked now. Try again in a minute.")


async def _first_piece(translation: Translation, step: Step, *, is_last: bool) -> Piece | Outcome:
    """Raises `DeadlineExceeded` when the step's budget is used up, but for the last one, after which nobody comes."""
    try:
        async with asyncio.timeout(None if is_last else step.budget_seconds):
            return await anext(translation.events)
    except TimeoutError as error:
        raise DeadlineExceeded("The engine did not begin its answer within its budget.") from error


async def _from(first: Piece | Outcome, events: AsyncGenerator[Piece | Outcome]) -> AsyncGenerator[Piece | Outcome]:
    yield first
    async with aclosing(events):
        async for event in events:
            yield event
