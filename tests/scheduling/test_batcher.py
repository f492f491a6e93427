"""How segments of many requests share an engine."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.core.engine import Batch, Hypotheses, OnToken
from dragoman.core.errors import DeadlineExceeded, ShuttingDown
from dragoman.core.types import Decoding, Pair, Token
from dragoman.engines.fake import FakeEngine, Options
from dragoman.scheduling.batcher import ANYBODY, Batcher, Claim
from dragoman.scheduling.cache import MemoryCache
from tests.fakes import FailingEngine, GatedEngine, RecordingEngine, ScrambledStreamEngine, segments

pytestmark = pytest.mark.anyio

EN_ZH = Pair("en", "zh")
OPTIONS = Options()
GREEDY = Decoding()


async def translated(batcher: Batcher, *texts: str, decoding: Decoding = GREEDY, claim: Claim = ANYBODY) -> list[str]:
    """The texts of the best hypotheses."""
    async with aclosing(batcher.translate(segments(*texts), EN_ZH, decoding, claim)) as events:
        return [event[0].text async for event in events if not isinstance(event, Token)]


async def test_requests_that_come_together_share_a_batch() -> None:
    """Each gets its own translations, in its order."""
    engine = RecordingEngine()
    batcher = Batcher(engine)
    answers = await asyncio.gather(translated(batcher, "a", "b"), translated(batcher, "c"))
    assert list(answers) == [["zh:a", "zh:b"], ["zh:c"]]
    assert engine.texts == [["a", "b", "c"]]


async def test_what_comes_while_the_engine_is_busy_is_the_next_batch() -> None:
    """Nobody waits for a batch to fill, and nobody is decoded alone while others wait."""
    engine = GatedEngine(max_batch_segments=32)
    batcher = Batcher(engine)
    first = asyncio.create_task(translated(batcher, "a"))
    await engine.waiting.wait()
    others = [asyncio.create_task(translated(batcher, text)) for text in "bcd"]
    await asyncio.sleep(0)
    engine.gate.set()
    await asyncio.gather(first, *others)
    assert engine.texts == [["a"], ["b", "c", "d"]]


async def test_different_decodings_do_not_share_a_batch() -> None:
    """An engine decodes a batch in one way."""
    engine = RecordingEngine()
    batcher = Batcher(engine)
    await asyncio.gather(translated(batcher, "a"), translated(batcher, "b", decoding=Decoding(beam_size=2)))
    assert engine.texts == [["a"], ["b"]]


async def test_first_segment_of_a_stream_does_not_wait_for_the_others() -> None:
    """Who reads along sees the first sentence before the second is translated."""
    engine = RecordingEngine()
    await translated(Batcher(engine), "a", "b", "c", claim=Claim(is_streamed=True))
    assert engine.texts == [["a"], ["b", "c"]]


async def test_equal_segments_in_flight_are_translated_once() -> None:
    """Unless they are drawn at random."""
    engine = RecordingEngine()
    batcher = Batcher(engine)
    answers = await asyncio.gather(translated(batcher, "a", "a"), translated(batcher, "a"))
    assert list(answers) == [["zh:a", "zh:a"], ["zh:a"]]
    assert engine.texts == [["a"]]
    await translated(batcher, "b", "b", decoding=Decoding(top_k=5))
    assert engine.texts == [["a"], ["b", "b"]]


async def test_who_is_in_a_hurry_does_not_wait_for_the_bulk_that_wants_the_same() -> None:
    """The segment that both want goes first."""
    engine = GatedEngine()
    batcher = Batcher(engine)
    document = asyncio.create_task(translated(batcher, *"abcdef", claim=Claim(is_bulk=True)))
    await engine.waiting.wait()
    sentence = asyncio.create_task(translated(batcher, "f"))
    await asyncio.sleep(0)
    engine.gate.set()
    assert await sentence == ["zh:f"]
    assert await document == [f"zh:{name}" for name in "abcdef"]
    order = [name for [name] in engine.texts]
    assert order.index("f") < order.index("c")


async def test_what_is_tried_again_does_not_wait_for_the_rest_of_its_document() -> None:
    """Or a stream would stand still until its end."""
    engine = GatedEngine()
    batcher = Batcher(engine)
    bulk = Claim(is_bulk=True)
    document = asyncio.create_task(translated(batcher, *"abcdef", claim=bulk))
    await engine.waiting.wait()
    repair = asyncio.create_task(translated(batcher, "a", decoding=Decoding(beam_size=8), claim=bulk))
    await asyncio.sleep(0)
    engine.gate.set()
    await asyncio.gather(document, repair)
    beams = [batch.decoding.beam_size for batch in engine.batches]
    assert beams.index(8) <= 2


async def test_who_waits_when_all_is_aborted_gets_the_error() -> None:
    """Whether the engine has the segment or not, and who comes later too."""
    engine = GatedEngine()
    batcher = Batcher(engine)
    waiting = [asyncio.create_task(translated(batcher, text)) for text in "abc"]
    await engine.waiting.wait()
    batcher.abort(ShuttingDown("Now."))
    for each in [*waiting, asyncio.create_task(translated(batcher, "d"))]:
        with pytest.raises(ShuttingDown, match="Now"):
            await each
    assert not batcher.queued


async def test_one_who_leaves_does_not_take_the_result_from_the_others() -> None:
    """Cancelled while both wait for the same segment."""
    engine = GatedEngine()
    batcher = Batcher(engine)
    leaving = asyncio.create_task(translated(batcher, "a"))
    staying = asyncio.create_task(translated(batcher, "a"))
    await engine.waiting.wait()
    leaving.cancel()
    await asyncio.sleep(0)
    engine.gate.set()
    assert await staying == ["zh:a"]
    assert leaving.cancelled()


async def test_what_was_translated_is_not_translated_again() -> None:
    """From the cache, but not for those who want nothing kept."""
    engine = RecordingEngine()
    batcher = Batcher(engine, MemoryCache(1 << 20))
    private = Claim(use_cache=False)
    for claim in (private, Claim(), Claim(), private):
        assert await translated(batcher, "a", claim=claim) == ["zh:a"]
    assert engine.texts == [["a"], ["a"], ["a"]]


async def test_members_of_a_failed_batch_are_tried_alone() -> None:
    """Only the guilty one fails, and nothing waits for ever."""
    batcher = Batcher(FailingEngine())
    results = await asyncio.gather(*(translated(batcher, text) for text in ("a", "boom", "b")), return_exceptions=True)
    assert results[::2] == [["zh:a"], ["zh:b"]]
    assert isinstance(results[1], RuntimeError)


async def test_an_engine_that_loses_segments_fails_all_of_them() -> None:
    """Rather than giving one the translation of another."""

    class Losing(FakeEngine):
        async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
            return (await super().translate(batch, on_token))[1:]

    batcher = Batcher(Losing(OPTIONS))
    with pytest.raises(RuntimeError, match="0 results for 1"):
        await translated(batcher, "a", "b")


async def test_a_batch_that_hangs_fails_and_is_noticed() -> None:
    """The place is free again; when the engine answers again, all is well."""
    engine = GatedEngine()
    batcher = Batcher(engine, batch_timeout_seconds=0.01)
    with pytest.raises(DeadlineExceeded):
        await translated(batcher, "a")
    assert batcher.is_stuck
    engine.gate.set()
    assert await translated(batcher, "a") == ["zh:a"]
    assert not batcher.is_stuck


@pytest.mark.parametrize("stream_tokens", [False, True])
async def test_cancelling_the_reader_cancels_the_engine(stream_tokens: bool) -> None:  # noqa: FBT001
    """Nothing is left running for a client that went away, nor queued."""
    engine = GatedEngine()
    batcher = Batcher(engine)
    reader = asyncio.create_task(translated(batcher, "a", "b", claim=Claim(stream_tokens=stream_tokens)))
    await engine.waiting.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await engine.cancelled.wait()
    while batcher._running:
        await asyncio.sleep(0)
    assert not batcher._queue
    assert not batcher._shared
    assert engine.batches == []


async def test_an_engine_may_skip_segments_that_nobody_waits_for() -> None:
    """The batch goes on for the others."""
    abandoned: list[list[bool]] = []

    class Asking(GatedEngine):
        async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
            results = await super().translate(batch, on_token)
            abandoned.append([batch.is_abandoned(index) for index in range(len(batch.segments))])
            return results

    engine = Asking(max_batch_segments=32)
    batcher = Batcher(engine)
    leaving = asyncio.create_task(translated(batcher, "a"))
    staying = asyncio.create_task(translated(batcher, "b"))
    await engine.waiting.wait()
    leaving.cancel()
    await asyncio.sleep(0)
    engine.gate.set()
    assert await staying == ["zh:b"]
    assert abandoned == [[True, False]]


async def test_streamed_tokens_come_before_their_segment_in_document_order() -> None:
    """Though the engine emits the last segment first."""
    batcher = Batcher(ScrambledStreamEngine(OPTIONS))
    events = batcher.translate(segments("a b", "c"), EN_ZH, Decoding(), Claim(stream_tokens=True))
    async with aclosing(events):
        found = [event.text if isinstance(event, Token) else event[0].text async for event in events]
    assert found == ["zh:a", " b", "zh:a b", "zh:c", "zh:c"]


async def test_closing_fails_those_who_wait() -> None:
    """No request hangs on a batch that was stopped."""
    engine = GatedEngine()
    batcher = Batcher(engine)
    waiting = asyncio.create_task(translated(batcher, "a"))
    await engine.waiting.wait()
    await batcher.aclose()
    with pytest.raises(RuntimeError, match="stopped"):
        await waiting


class JitteryEngine(FakeEngine):
    """Takes a few turns of the loop for each batch, fails some, and never mixes up what it may not mix."""

    def __init__(self) -> None:
        super().__init__(OPTIONS)
        self.turns: list[int] = []

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate after some turns."""
        turns = self.turns.pop() if self.turns else 0
        for _ in range(turns):
            await asyncio.sleep(0)
        if turns % 5 == 4 and len(batch.segments) > 1:
            raise ConnectionError
        return await super().translate(batch, on_token)


@settings(deadline=None, max_examples=25)
@given(
    turns=st.lists(st.integers(0, 9), max_size=30),
    requests=st.lists(
        st.tuples(
            st.lists(st.sampled_from(["a", "b", "c d", "e f g"]), min_size=1, max_size=12),
            st.booleans(),
            st.integers(0, 12) | st.none(),
            st.integers(0, 6),
        ),
        max_size=12,
    ),
)
def test_every_request_gets_its_translations_or_its_own_cancellation(
    turns: list[int], requests: list[tuple[list[str], bool, int | None, int]]
) -> None:
    """Under any interleaving of batches, failures and clients that leave; and nothing is left behind."""

    async def main() -> None:
        engine = JitteryEngine()
        engine.turns = turns
        batcher = Batcher(engine, MemoryCache(1 << 20))

        async def client(texts: list[str], is_bulk: bool, leaves_after: int | None, starts_after: int) -> None:  # noqa: FBT001
            for _ in range(starts_after):
                await asyncio.sleep(0)
            task = asyncio.create_task(translated(batcher, *texts, claim=Claim(str(starts_after % 3), is_bulk)))
            if leaves_after is not None:
                for _ in range(leaves_after):
                    await asyncio.sleep(0)
                task.cancel()
            try:
                assert await task == [f"zh:{text}" for text in texts]
            except asyncio.CancelledError:
                assert leaves_after is not None

        async with asyncio.timeout(10):
            await asyncio.gather(*(client(*each) for each in requests))
            while batcher._running:
                await asyncio.sleep(0)
        assert not batcher._queue
        assert not batcher._shared

    asyncio.run(main())
