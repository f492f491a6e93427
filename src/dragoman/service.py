"""What every dialect and the command line call: from a request to a stream of pieces, and the books kept on the way."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from dragoman.core.answer import Detection, Outcome, Piece
from dragoman.core.engine import Engine
from dragoman.core.errors import InvalidRequest, ShuttingDown
from dragoman.core.types import Example, Pair, TranslationRequest
from dragoman.ops.metrics import Metrics
from dragoman.pipeline.block import Block
from dragoman.pipeline.detect import Detector
from dragoman.pipeline.document import Document
from dragoman.pipeline.fallback import Fallback
from dragoman.pipeline.formats.recognize import parse, recognize
from dragoman.pipeline.pair import PairChooser
from dragoman.pipeline.pipeline import translate_document
from dragoman.pipeline.prepare import Guidance, prepare_parts
from dragoman.route import Alias, Attempt, Step, Translation, find_alias, first_that_answers, skipped, ways
from dragoman.scheduling.admission import Admission, Permit
from dragoman.scheduling.batcher import Batcher, Claim
from dragoman.scheduling.breaker import Breaker
from dragoman.scheduling.cache import Cache
from dragoman.scheduling.deadline import until

# A text of this length is cut in a tenth of a millisecond.
_SHORT_CHARS = 200
# A request of more segments is bulk: it lets shorter ones go first.
_MOST_INTERACTIVE_SEGMENTS = 8


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request gets that does not say. Languages are codes."""

    target: str
    target_alternative: str
    max_input_chars: int
    timeout_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class _Job:
    """A request whose text is found and whose languages are settled, and the steps that may translate it.

    `detection` None: the client named the source.
    """

    request: TranslationRequest
    blocks: Sequence[Block]
    pair: Pair
    detection: Detection | None
    steps: Sequence[Step]


_Found = TypeVar("_Found")


class TranslationService:
    """Who may, how much, translate, settle."""

    def __init__(
        self,
        *,
        engines: Mapping[str, Engine],
        aliases: Mapping[str, Alias],
        detector: Detector,
        admission: Admission,
        defaults: Defaults,
        metrics: Metrics,
        cache: Cache | None = None,
    ) -> None:
        self.engines = engines
        self.aliases = aliases
        self._cache = cache
        self._batchers = {
            name: Batcher(engine, cache, on_batch=partial(self._note_batch, engine), on_cache=metrics.count_cached)
            for name, engine in engines.items()
        }
        self._breakers = {name: Breaker() for name in engines}
        admission.queued_tokens = lambda: sum(batcher.queued_tokens for batcher in self._batchers.values())
        metrics.watch(
            requests_in_progress=lambda: admission.in_progress,
            queued_segments=lambda: sum(batcher.queued for batcher in self._batchers.values()),
        )
        # One thread: it holds the interpreter for most of its time, and more of them would leave less for the rest.
        self._preparer = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._detector = detector
        self._pairs = PairChooser(detector, defaults.target, defaults.target_alternative)
        self._admission = admission
        self._defaults = defaults
        self._metrics = metrics

    def _note_batch(self, engine: Engine, segments: int, tokens: int) -> None:
        self._admission.note_translated(tokens)
        self._metrics.observe_batch(engine.info.id, segments)

    def prepare(self) -> None:
        """Load what the first requests would wait for. Blocks."""
        self._detector.prepare()

    async def aclose(self) -> None:
        """Free the engines and the cache. No request is in progress."""
        for batcher in self._batchers.values():
            await batcher.aclose()
        self._preparer.shutdown(wait=False)
        for engine in self.engines.values():
            await engine.aclose()
        if self._cache is not None:
            await self._cache.aclose()

    def check_admission(self) -> None:
        """Raise at once what `open` would raise for any request: `Overloaded`, `ShuttingDown`."""
        self._admission.check()

    def drain(self) -> None:
        """Refuse new requests from now on. Those in progress go on."""
        self._admission.close()

    def abort(self) -> None:
        """Make all requests in progress fail as those do that come now."""
        for batcher in self._batchers.values():
            batcher.abort(ShuttingDown("The server stops before this was done. Try again in a moment."))

    @property
    def is_draining(self) -> bool:
        """Whether new requests are refused."""
        return self._admission.is_closed

    @property
    def requests_in_progress(self) -> int:
        """How many have been accepted and not ended."""
        return self._admission.in_progress

    async def health(self) -> dict[str, bool]:
        """Whether each engine can translate: it says so, its last batch came back, and it does not keep failing."""
        return {
            name: not (self._batchers[name].is_stuck or self._breakers[name].is_open) and await engine.health()
            for name, engine in self.engines.items()
            if engine.info.pivot is None
        }

    def is_ready(self, health: Mapping[str, bool]) -> bool:
        """Whether each model has an engine that can translate, and new requests are taken."""
        able = all(any(health[name] for name in alias.engines) for alias in self.aliases.values())
        return able and not self._admission.is_closed

    def alias(self, model: str) -> Alias:
        """The alias of a model id, with or without a `vendor/` prefix. Raises `ModelNotFound`."""
        return find_alias(self.aliases, model)

    @asynccontextmanager
    async def open(self, request: TranslationRequest) -> AsyncGenerator[Translation]:
        """Accept a request, or raise the `DragomanError` that says why not. It holds a place until the block ends.

        Where one engine of the model's route can answer, decoding starts with the first read of `events`. It stops when
        the block ends, however it ends.
        """
        alias = self.alias(request.model)
        steps = alias.steps(request.domains, request.require_engine)
        if len(request.text) > self._defaults.max_input_chars:
            raise InvalidRequest(
                f"The text has {len(request.text)} characters; this server takes up to "
                f"{self._defaults.max_input_chars} in one request. Send it in parts.",
                param="messages",
            )
        seconds = min(request.timeout_seconds or math.inf, self._defaults.timeout_seconds)
        deadline = asyncio.get_running_loop().time() + seconds
        with self._admission.permit() as permit:
            with self._metrics.phase("read"):
                job = await self._aside(request, deadline, partial(self._read, request, steps))
            attempts = [
                Attempt(step, self._breakers[step.engine], partial(self._open, job, number, alias, permit, deadline))
                for number, step in enumerate(job.steps)
            ]
            async with first_that_answers(
                attempts, is_streamed=request.stream, note=self._metrics.count_failure
            ) as translation:
                yield replace(translation, skipped=skipped(job.steps if translation.pivot else steps, translation))

    @asynccontextmanager
    async def _open(
        self, job: _Job, number: int, alias: Alias, permit: Permit, deadline: float
    ) -> AsyncGenerator[Translation]:
        """Have one engine of the route translate, and the next one what it cannot."""
        request, step = job.request, job.steps[number]
        engine = self.engines[step.engine]
        engine.info.check(request.decoding)
        decoding = replace(request.decoding, beam_size=1) if alias.stream_tokens else request.decoding
        has_one_path = decoding.num_hypotheses == 1 and not decoding.is_controlled and decoding.top_logprobs is None
        stream_tokens = alias.stream_tokens and request.stream and has_one_path
        with self._metrics.phase("prepare"):
            document, parts = await self._aside(request, deadline, partial(self._prepare, job, engine))
        permit.claim(document.estimated_tokens(len(request.text)))
        segments = self._metrics.segments.labels(engine=engine.info.id)
        segments.inc(len(document.passages))

        async def rest() -> Document:
            part = await asyncio.get_running_loop().run_in_executor(self._preparer, next, parts)
            segments.inc(len(part.passages))
            return part

        is_bulk = document.goes_on or len(document.passages) > _MOST_INTERACTIVE_SEGMENTS
        claim = Claim(request.principal.id, is_bulk, request.stream, request.use_cache, stream_tokens)
        events = translate_document(
            document,
            partial(self._batchers[step.engine].translate, claim=claim),
            decoding,
            rest=rest,
            abilities=engine.info.abilities,
            stop=request.stop,
            max_tokens=request.max_tokens,
            keep_layout=request.keep_layout,
            fallback=None if decoding.is_steered else self._fallback(job.steps[number + 1 :], claim),
        )
        with self._metrics.phase("translate"):
            async with aclosing(self._settled(events, engine, deadline)) as settled:
                yield Translation(
                    pair=job.pair,
                    detection=job.detection,
                    engine=step.engine,
                    engine_id=engine.info.id,
                    engine_version=engine.info.version,
                    segment_count=len(document.passages),
                    events=settled,
                    calibration=engine.info.calibrations.get(job.pair.target),
                    pivot=engine.info.pivot,
                )

    def _fallback(self, steps: Sequence[Step], claim: Claim) -> Fallback | None:
        """The first of these engines that does not keep failing."""
        for step in steps:
            if not self._breakers[step.engine].is_open:
                engine = self.engines[step.engine]
                return Fallback(
                    step.engine,
                    partial(self._batchers[step.engine].translate, claim=replace(claim, stream_tokens=False)),
                    engine.tokenize,
                    engine.info.abilities,
                    engine.info.max_source_tokens,
                )
        return None

    async def _aside(self, request: TranslationRequest, deadline: float, work: Callable[[], _Found]) -> _Found:
        """Do what holds the interpreter on a thread, unless it takes less time than to hand it over."""
        if _is_short(request) and self._detector.is_instant:
            return work()
        async with until(deadline):
            return await asyncio.get_running_loop().run_in_executor(self._preparer, work)

    async def _settled(
        self, events: AsyncGenerator[Piece | Outcome], engine: Engine, deadline: float
    ) -> AsyncGenerator[Piece | Outcome]:
        """Pass events on and count what was used. Raises `DeadlineExceeded`."""
        async with aclosing(events):
            while True:
                try:
                    async with until(deadline):
                        event = await anext(events)
                except StopAsyncIteration:
                    return
                if isinstance(event, Outcome):
                    self._metrics.count_tokens(engine.info.id, event.usage)
                yield event

    def _read(self, request: TranslationRequest, steps: tuple[Step, ...]) -> _Job:
        """Find the text of a request and settle the languages. Blocks."""
        blocks = parse(request.text, request.format or recognize(request.text))
        words = "" if request.source else " ".join(block.text for block in blocks if block.text)
        pair, detection = self._pairs.choose(words or request.text, request.source, request.target, ways(steps))
        return _Job(request, blocks, pair, detection, [step for step in steps if step.takes(pair)])

    def _prepare(self, job: _Job, engine: Engine) -> tuple[Document, Iterator[Document]]:
        """Cut the text for an engine: its first part, and what makes the others. Blocks."""
        request, pair = job.request, job.pair
        guidance = Guidance(request.terms, (*self._memory_turns(request, pair), *request.memory), request.domains)
        head = 1 if request.stream else None  # who reads along need not wait until all is cut
        parts = prepare_parts(job.blocks, pair, engine.tokenize, engine.info, guidance, head=head)
        return next(parts), parts

    def _memory_turns(self, request: TranslationRequest, pair: Pair) -> list[Example]:
        """Earlier turns whose answer is in the target language."""
        languages = {pair.source, pair.target}
        return [turn for turn in request.turns if self._detector.detect(turn.target, languages).language == pair.target]


def _is_short(request: TranslationRequest) -> bool:
    """Whether a request is prepared in less time than it takes to hand it to a thread."""
    return len(request.text) <= _SHORT_CHARS and not (request.terms or request.memory or request.turns)
