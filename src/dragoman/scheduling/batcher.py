"""Gives segments of all requests to an engine in shared batches, and each request its translations in order.

Nothing waits for a batch to fill: whenever the engine has a free place, what is queued goes. There is no worker that
could die, either: each batch is a task of its own, and the end of one starts the next.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from dragoman.core.engine import Batch, Engine, Hypotheses
from dragoman.core.errors import DeadlineExceeded
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token
from dragoman.scheduling.cache import Cache, Key
from dragoman.scheduling.queue import Entry, FairQueue
from dragoman.scheduling.work import Group, Work

log = structlog.get_logger(__name__)

BATCH_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Claim:
    """On whose account segments are translated, and how.

    `is_bulk`: they let others go first, all but the first segment, for which all that follow may have to wait: a
    document's first sentence, or one that is tried again. `is_streamed`: a first segment is not put in a batch with the
    others, since somebody reads along. `stream_tokens` needs beam 1 and one hypothesis.
    """

    principal: str = ""
    is_bulk: bool = False
    is_streamed: bool = False
    use_cache: bool = True
    stream_tokens: bool = False


ANYBODY = Claim()


class Batcher:
    """Translates for one engine.

    `on_batch` learns what the engine has done, in segments and tokens of their sources; `on_cache` how many segments
    the cache was asked for, and how many of them it had.
    """

    def __init__(
        self,
        engine: Engine,
        cache: Cache | None = None,
        *,
        on_batch: Callable[[int, int], None] = lambda _, __: None,
        on_cache: Callable[[int, int], None] = lambda _, __: None,
        batch_timeout_seconds: float = BATCH_TIMEOUT_SECONDS,
    ) -> None:
        self._engine = engine
        self._cache = cache
        self._on_batch = on_batch
        self._on_cache = on_cache
        self._batch_timeout_seconds = batch_timeout_seconds
        self._queue: FairQueue[Work] = FairQueue()
        self._shared: dict[Key, Work] = {}
        self._running: dict[asyncio.Task[None], list[Entry[Work]]] = {}
        self._start_is_due = False
        self._aborted: Exception | None = None
        self.is_stuck = False

    @property
    def queued(self) -> int:
        """Segments that wait for the engine."""
        return len(self._queue)

    @property
    def queued_tokens(self) -> int:
        """Tokens of these segments."""
        return self._queue.cost

    def abort(self, error: Exception) -> None:
        """Make all who wait raise an error, now and from now on."""
        self._aborted = error
        for entry in self._queue.clear():
            entry.item.fail(error)
        for task in self._running:
            task.cancel()

    async def aclose(self) -> None:
        """Stop what is in progress. Nobody waits for it."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def translate(
        self, segments: Sequence[Segment], pair: Pair, decoding: Decoding, claim: Claim = ANYBODY
    ) -> AsyncGenerator[Token | Hypotheses]:
        """Give each segment's hypotheses in order; before them, if they are streamed, its tokens as they are decoded.

        Raises what the engine raises.
        """
        if self._aborted:
            raise self._aborted
        keys = [self._key(segment, pair, decoding) if decoding.is_repeatable else None for segment in segments]
        known = await self._cached(keys) if claim.use_cache else [None] * len(keys)
        works = []
        for index, (segment, key, found) in enumerate(zip(segments, keys, known, strict=True)):
            group = (pair, decoding, claim.is_streamed and index == 0 < len(segments) - 1)
            works.append(self._joined(segment, key, found, group, claim, is_bulk=claim.is_bulk and index > 0))
        try:
            for work in works:
                while work.stream is not None and (token := await work.stream.get()) is not None:
                    yield token
                yield await work.result()
        finally:
            for work in works:
                self._leave(work)

    def _key(self, segment: Segment, pair: Pair, decoding: Decoding) -> Key:
        """Segments with one key get one translation."""
        info = self._engine.info
        return (info.id, info.version, pair, decoding, *segment.content)

    async def _cached(self, keys: Sequence[Key | None]) -> list[Hypotheses | None]:
        if self._cache is None or None in keys:
            return [None] * len(keys)
        found = await self._cache.get_many([key for key in keys if key is not None])
        self._on_cache(len(found), sum(each is not None for each in found))
        return found

    def _joined(
        self,
        segment: Segment,
        key: Key | None,
        found: Hypotheses | None,
        group: Group,
        claim: Claim,
        *,
        is_bulk: bool,
    ) -> Work:
        """Work that the cache has done, that others wait for already, or that is queued now."""
        work = self._shared.get(key) if key and not found and not claim.stream_tokens else None
        if work is None:
            work = Work(segment, group)
            if found is not None:
                work.succeed(found)
            else:
                work.cache_key = key if claim.use_cache else None
                if claim.stream_tokens:
                    work.stream = asyncio.Queue()
                elif key:
                    work.share_key = key
                    self._shared[key] = work
                self._push(work, claim.principal, is_bulk=is_bulk)
        elif work.entry and work.entry.is_bulk and not is_bulk:  # somebody is in a hurry for the same
            self._queue.discard(work.entry)
            self._push(work, claim.principal, is_bulk=False)
        work.waiting += 1
        return work

    def _push(self, work: Work, principal: str, *, is_bulk: bool) -> None:
        work.entry = Entry(work, work.group, principal, max(1, len(work.segment.tokens)), is_bulk)
        self._queue.push(work.entry)
        self._start_soon()

    def _leave(self, work: Work) -> None:
        """One waits no longer. What nobody waits for is not translated; what the engine has begun, it may stop."""
        work.waiting -= 1
        if work.waiting or work.future.done():
            return
        self._unshare(work)
        if work.entry is not None:
            self._queue.discard(work.entry)
            work.future.cancel()
        elif work.task is not None and all(entry.item.waiting == 0 for entry in self._running[work.task]):
            work.task.cancel()

    def _unshare(self, work: Work) -> None:
        if work.share_key is not None and self._shared.get(work.share_key) is work:
            del self._shared[work.share_key]

    def _start_soon(self) -> None:
        """Start batches once all who are ready have queued what they have."""
        if not self._start_is_due:
            self._start_is_due = True
            asyncio.get_running_loop().call_soon(self._start_batches)

    def _start_batches(self) -> None:
        """Give the engine as many batches as it takes, and one more if it holds bulk and somebody waits for less."""
        self._start_is_due = False
        policy = self._engine.info.batch_policy
        while True:
            room = policy.max_batches - len(self._running)
            is_express = room == 0 and any(entries[0].is_bulk for entries in self._running.values())
            if room <= 0 and not is_express:
                return
            entries = self._queue.take(policy.max_segments, policy.max_tokens, bulk_too=room > 0)
            if not entries:
                return
            task = asyncio.create_task(self._run(entries))
            for entry in entries:
                entry.item.entry, entry.item.task = None, task
            self._running[task] = entries
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A place is free. Whatever happened, nobody is left waiting."""
        stopped = self._aborted or RuntimeError("The batch was stopped.")
        error = stopped if task.cancelled() else task.exception()
        for entry in self._running.pop(task):
            entry.item.fail(error or RuntimeError("The batch ended without a result."))
            self._unshare(entry.item)
        self._start_soon()

    async def _run(self, entries: Sequence[Entry[Work]]) -> None:
        """Translate a batch. If it raises, each of its segments is tried once more, alone."""
        works = [entry.item for entry in entries]
        error = await self._attempt(entries, stream=True)
        if error is None:
            return
        if len(entries) > 1 and not self.is_stuck:
            log.warning("a batch failed; its segments are tried alone", error=type(error).__name__, size=len(entries))
            for entry in entries:
                if entry.item.waiting and not entry.item.future.done():
                    alone = await self._attempt([entry], stream=False)
                    if alone is not None:
                        entry.item.fail(alone)
        for work in works:
            work.fail(error)

    async def _attempt(self, entries: Sequence[Entry[Work]], *, stream: bool) -> BaseException | None:
        """Give a batch to the engine and its results to those who wait. The error, if it raised."""
        works = [entry.item for entry in entries]
        pair, decoding, _ = works[0].group
        batch = Batch(tuple(work.segment for work in works), pair, decoding, lambda index: not works[index].waiting)
        on_token = partial(_pass_on, works) if stream and any(work.stream for work in works) else None
        try:
            async with asyncio.timeout(self._batch_timeout_seconds) as limit:
                results = await self._engine.translate(batch, on_token)
        except Exception as error:  # noqa: BLE001 # each who waits raises it
            self.is_stuck = limit.expired()
            return DeadlineExceeded("The engine did not answer in time.") if self.is_stuck else error
        self.is_stuck = False
        if len(results) != len(works):
            return RuntimeError(f"The engine gave {len(results)} results for {len(works)} segments.")
        fresh = [(work.cache_key, found) for work, found in zip(works, results, strict=True) if work.waiting]
        for work, hypotheses in zip(works, results, strict=True):
            work.succeed(hypotheses)
            self._unshare(work)
        self._on_batch(len(entries), sum(entry.cost for entry in entries))
        if self._cache is not None:
            await self._cache.put_many([(key, found) for key, found in fresh if key is not None])
        return None


def _pass_on(works: Sequence[Work], index: int, event: Token | Hypothesis) -> None:
    """A token to the one who streams it. Who needs an alignment waits for it; the others have all with the last one."""
    work = works[index]
    if isinstance(event, Hypothesis):
        if not work.segment.needs_alignment:
            work.succeed((event,))
    elif work.stream is not None:
        work.stream.put_nowait(event)
