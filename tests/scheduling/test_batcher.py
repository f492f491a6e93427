"""How documents become batches."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.types import Decoding, Pair
from dragoman.scheduling.batcher import Batcher, cut_batches
from tests.fakes import GatedEngine, RecordingEngine, segments

EN_ZH = Pair("en", "zh")


@given(st.lists(st.integers(1, 300)), st.integers(1, 40), st.integers(1, 2000))
def test_batches_cover_all_segments_within_the_limits(costs: list[int], most: int, tokens: int) -> None:
    """Every segment is in one batch; only a segment that is over the token limit alone exceeds it."""
    sizes = list(cut_batches(costs, most, tokens))

    assert sum(sizes) == len(costs)
    start = 0
    for size in sizes:
        batch = costs[start : start + size]
        assert 1 <= size <= most
        assert size == 1 or max(batch) * size <= tokens
        start += size


@pytest.mark.anyio
async def test_first_batch_is_one_segment_and_then_they_grow() -> None:
    """So that a document flows with its first sentence, and its bulk is translated in full batches."""
    engine = RecordingEngine(max_batch_segments=4)
    texts = [f"s{index}" for index in range(11)]

    answers = [event async for event in Batcher(engine).translate(segments(*texts), EN_ZH, Decoding())]

    assert [len(batch) for batch in engine.texts] == [1, 2, 4, 4]
    assert [hypotheses[0].text for hypotheses in answers] == [f"zh:{text}" for text in texts]  # type: ignore[index]


@pytest.mark.anyio
@pytest.mark.parametrize("stream_tokens", [False, True])
async def test_cancelling_the_reader_cancels_the_engine(stream_tokens: bool) -> None:  # noqa: FBT001
    """Nothing is left running for a client that went away."""
    engine = GatedEngine()
    translation = Batcher(engine).translate(segments("a"), EN_ZH, Decoding(), stream_tokens=stream_tokens)

    reader = asyncio.ensure_future(anext(translation))
    await engine.waiting.wait()
    reader.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reader
    assert engine.cancelled.is_set()
