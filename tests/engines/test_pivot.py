"""Two engines, one after the other, are one engine."""

import asyncio

import pytest

from dragoman.core.engine import Batch
from dragoman.core.types import Decoding, Hypothesis, Pair, Protected, Segment
from dragoman.engines.fake import FakeEngine, Options
from dragoman.engines.pivot import PivotEngine, pivoted
from dragoman.engines.registry import create_engine
from dragoman.pipeline.alignment import strongest

pytestmark = pytest.mark.anyio

FR_ZH = Pair("fr", "zh")


def fakes(second_window: int = 128) -> PivotEngine:
    """French into English, then English into Chinese."""
    first = FakeEngine(Options(pairs=["fr-en", "de-en"]))
    return PivotEngine(first, FakeEngine(Options(pairs=["en-zh"], max_source_tokens=second_window)), "en")


def batch_of(engine: PivotEngine, *texts: str, pair: Pair = FR_ZH, found: bool = False) -> Batch:
    """A batch; with `found`, something of each segment must be found again."""
    protected = (Protected("{x}", 0, space_before=False, space_after=False),) if found else ()
    segments = tuple(Segment(text, tokens=engine.tokenize(text), protected=protected) for text in texts)
    return Batch(segments, pair, Decoding())


def test_pairs_are_those_that_meet_in_the_pivot() -> None:
    """And are not the same language twice."""
    pairs = {Pair("fr", "en"), Pair("en", "fr"), Pair("en", "zh"), Pair("de", "ja")}

    assert pivoted(pairs, pairs, "en") == {FR_ZH}
    assert fakes().info.pairs == {FR_ZH, Pair("de", "zh")}


async def test_text_longer_than_the_second_window_goes_in_parts() -> None:
    """Nothing of it is lost."""
    engine = fakes(second_window=4)
    words = " ".join(f"chat{number}" for number in range(20))

    [[hypothesis], [short]] = await engine.translate(batch_of(engine, words, "un"))

    assert hypothesis.text.replace("zh:", "").replace(" ", "") == f"en:{words}".replace(" ", "")
    assert short.text == "zh:en:un"


async def test_nothing_between_is_nothing_after() -> None:
    """A first engine that says nothing leaves nothing to read."""

    class Silent(FakeEngine):
        def _hypothesis(self, segment: Segment, target: str, rank: int) -> Hypothesis:
            return Hypothesis((), score=-1.0, ended=True)

    engine = PivotEngine(Silent(Options(pairs=["fr-en"])), FakeEngine(Options(pairs=["en-zh"])), "en")
    [[hypothesis]] = await engine.translate(batch_of(engine, "un"))
    assert (hypothesis.text, hypothesis.ended) == ("", True)


async def test_attention_goes_through_the_pivot() -> None:
    """A word of the last translation looks at the word of the source that it comes from."""
    starter = await asyncio.to_thread(create_engine, "ctranslate2", {"model": "starter"})
    engine = PivotEngine(starter, starter, "en")
    batch = batch_of(engine, "Die Katze trinkt Wasser.", pair=Pair("de", "es"), found=True)
    [[hypothesis, *_]] = await engine.translate(batch)
    tokens = [token.text for token in batch.segments[0].tokens]
    assert hypothesis.alignment is not None
    for spanish, german in (("gato", "Katze"), ("agua", "Wasser")):
        [place] = [index for index, token in enumerate(hypothesis.tokens) if spanish in token.text]
        assert german in tokens[strongest(hypothesis.alignment[place])]
    await starter.aclose()
