"""What every dialect and the command line call: from a request to a stream of pieces, and the books kept on the way."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from dragoman.core.answer import Detection, Outcome, Piece
from dragoman.core.engine import Engine
from dragoman.core.errors import DeadlineExceeded, InvalidRequest, ModelNotFound, ShuttingDown
from dragoman.core.types import Example, Pair, TranslationRequest
from dragoman.ops.metrics import Metrics
from dragoman.pipeline.detect import Detector
from dragoman.pipeline.document import Document
from dragoman.pipeline.formats.recognize import parse, recognize
from dragoman.pipeline.pair import PairChooser
from dragoman.pipeline.pipeline import translate_document
from dragoman.pipeline.prepare import Guidance, prepare_parts
from dragoman.route import Attempt, Translation, first_that_answers
from dragoman.scheduling.admission import Admission
from dragoman.scheduling.batcher import Batcher, Claim
from dragoman.scheduling.breaker import Breaker
from dragoman.scheduling.cache import Cache

WILDCARD = "*"
# A text of this length is cut in a tenth of a millisecond.
_SHORT_CHARS = 200
# A request of more segments is bulk: it lets shorter ones go first.
_MOST_INTERACTIVE_SEGMENTS = 8


@dataclass(frozen=True, slots=True)
class Alias:
    """A model id that clients send, and how it answers: by the first of its engines that can.

    `cumulative`: each stream chunk repeats the text so far.
    """

    engines: tuple[str, ...]
    cumulative: bool = False
    stream_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request gets that does not say. Languages are codes."""

    target: str
    target_alternative: str
    max_input_chars: int
    timeout_seconds: float = 600.0


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
        }

    def is_ready(self, health: Mapping[str, bool]) -> bool:
        """Whether each model has an engine that can translate, and new requests are taken."""
        able = all(any(health[name] for name in alias.engines) for alias in self.aliases.values())
        return able and not self._admission.is_closed

    def alias(self, model: str) -> Alias:
        """The alias of a model id, with or without a `vendor/` prefix. Raises `ModelNotFound`."""
        found = self.aliases.get(model) or self.aliases.get(model.rpartition("/")[2]) or self.aliases.get(WILDCARD)
        if found is None:
            known = ", ".join(sorted(self.aliases))
            raise ModelNotFound(
                f"The model {model[:100]!r} does not exist or you do not have access to it. This server has: {known}.",
                param="model",
            )
        return found

    @asynccontextmanager
    async def open(self, request: TranslationRequest) -> AsyncGenerator[Translation]:
        """Accept a request, or raise the `DragomanError` that says why not. It holds a place until the block ends.

        Where the model has one engine, decoding starts with the first read of `events`. It stops when the block ends,
        however it ends.
        """
        alias = self.alias(request.model)
        names = [name for name in alias.engines if request.require_engine in (None, name)]
        if not names:
            raise InvalidRequest(
                f"The engine {str(request.require_engine)[:60]!r} does not answer for this model; use one of "
                f"{', '.join(alias.engines)}.",
                param="translation_options.require_engine",
            )
        attempts = [Attempt(name, self._breakers[name], partial(self._open, request, alias, name)) for name in names]
        async with first_that_answers(attempts) as translation:
            yield translation

    @asynccontextmanager
    async def _open(self, request: TranslationRequest, alias: Alias, name: str) -> AsyncGenerator[Translation]:
        """Accept a request for one engine."""
        engine = self.engines[name]
        if len(request.text) > self._defaults.max_input_chars:
            raise InvalidRequest(
                f"The text has {len(request.text)} characters; this server takes up to "
                f"{self._defaults.max_input_chars} in one request. Send it in parts.",
                param="messages",
            )
        engine.info.check(request.decoding)
        decoding = replace(request.decoding, beam_size=1) if alias.stream_tokens else request.decoding
        has_one_path = decoding.num_hypotheses == 1 and not decoding.is_controlled and decoding.top_logprobs is None
        stream_tokens = alias.stream_tokens and request.stream and has_one_path
        longest = self._defaults.timeout_seconds
        deadline = asyncio.get_running_loop().time() + min(request.timeout_seconds or longest, longest)
        async with self._prepared(request, engine, deadline) as (detection, document, rest):
            is_bulk = document.goes_on or len(document.passages) > _MOST_INTERACTIVE_SEGMENTS
            claim = Claim(request.principal.id, is_bulk, request.stream, request.use_cache, stream_tokens)
            events = translate_document(
                document,
                partial(self._batchers[name].translate, claim=claim),
                decoding,
                rest=rest,
                abilities=engine.info.abilities,
                stop=request.stop,
                max_tokens=request.max_tokens,
                keep_layout=request.keep_layout,
            )
            with self._metrics.phase("translate"):
                async with aclosing(self._settled(events, engine, deadline)) as settled:
                    yield Translation(
                        pair=document.pair,
                        detection=detection,
                        engine_id=engine.info.id,
                        engine_version=engine.info.version,
                        segment_count=len(document.passages),
                        events=settled,
                        calibration=engine.info.calibrations.get(document.pair.target),
                    )

    @asynccontextmanager
    async def _prepared(
        self, request: TranslationRequest, engine: Engine, deadline: float
    ) -> AsyncGenerator[tuple[Detection | None, Document, Callable[[], Awaitable[Document]]]]:
        """Give a request its place: the first part of its text, and what prepares the rest."""
        loop = asyncio.get_running_loop()
        with self._admission.permit() as permit:
            with self._metrics.phase("prepare"):
                if _is_short(request) and self._detector.is_instant:
                    detection, document, parts = self._prepare(request, engine)
                else:
                    prepared = loop.run_in_executor(self._preparer, self._prepare, request, engine)
                    async with _until(deadline):
                        detection, document, parts = await prepared
            permit.claim(_estimated_tokens(document, request.text))
            self._metrics.segments.labels(engine=engine.info.id).inc(len(document.passages))

            async def rest() -> Document:
                part = await loop.run_in_executor(self._preparer, next, parts)
                self._metrics.segments.labels(engine=engine.info.id).inc(len(part.passages))
                return part

            yield detection, document, rest

    async def _settled(
        self, events: AsyncGenerator[Piece | Outcome], engine: Engine, deadline: float
    ) -> AsyncGenerator[Piece | Outcome]:
        """Pass events on and count what was used. Raises `DeadlineExceeded`."""
        async with aclosing(events):
            while True:
                try:
                    async with _until(deadline):
                        event = await anext(events)
                except StopAsyncIteration:
                    return
                if isinstance(event, Outcome):
                    self._metrics.count_tokens(engine.info.id, event.usage)
                yield event

    def _prepare(
        self, request: TranslationRequest, engine: Engine
    ) -> tuple[Detection | None, Document, Iterator[Document]]:
        """Settle the languages and cut the text: its first part, and what makes the others. Blocks."""
        blocks = parse(request.text, request.format or recognize(request.text))
        words = "" if request.source else " ".join(block.text for block in blocks if block.text)
        pair, detection = self._pairs.choose(words or request.text, request.source, request.target, engine.info.pairs)
        guidance = Guidance(request.terms, (*self._memory_turns(request, pair), *request.memory), request.domains)
        head = 1 if request.stream else None  # who reads along need not wait until all is cut
        parts = prepare_parts(blocks, pair, engine.tokenize, engine.info, guidance, head=head)
        return detection, next(parts), parts

    def _memory_turns(self, request: TranslationRequest, pair: Pair) -> list[Example]:
        """Earlier turns whose answer is in the target language."""
        languages = {pair.source, pair.target}
        return [turn for turn in request.turns if self._detector.detect(turn.target, languages).language == pair.target]


@asynccontextmanager
async def _until(deadline: float) -> AsyncGenerator[None]:
    """Raise `DeadlineExceeded` in the block at a time of the event loop's clock."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError as error:
        raise DeadlineExceeded(
            "The translation was not ready in time. Send less text, allow more time, or try again later."
        ) from error


def _is_short(request: TranslationRequest) -> bool:
    """Whether a request is prepared in less time than it takes to hand it to a thread."""
    return len(request.text) <= _SHORT_CHARS and not (request.terms or request.memory or request.turns)


def _estimated_tokens(document: Document, text: str) -> int:
    """Source tokens of a text, of which this is the first part; exact, if it is all."""
    if not document.goes_on:
        return document.prompt_tokens
    chars = sum(len(each.segment.before) + len(each.source) + len(each.gap) for each in document.passages)
    return document.prompt_tokens * len(text) // max(chars, 1)
