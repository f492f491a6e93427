"""Traditional Chinese from an engine that knows Simplified."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.engine import Batch
from dragoman.core.types import Decoding, Hypothesis, Occurrence, Pair, Protected, Segment, Term, Token
from dragoman.engines.fake import FakeEngine, Options
from dragoman.engines.traditional_chinese import TraditionalChinese, with_traditional_chinese
from tests.fakes import RecordingEngine

pytestmark = pytest.mark.anyio


def chinese_engine(*pairs: tuple[str, str]) -> RecordingEngine:
    """An echoing engine with these pairs."""
    engine = RecordingEngine()
    engine._info = replace(engine._info, pairs=frozenset(Pair(*pair) for pair in pairs))
    return engine


@pytest.fixture
def inner() -> RecordingEngine:
    """What is behind the engine."""
    return chinese_engine(("zh", "en"), ("en", "zh"))


@pytest.fixture
def engine(inner: RecordingEngine) -> TraditionalChinese:
    """Made before the event loop runs: OpenCC reads files."""
    return TraditionalChinese(inner)


ENGINE = TraditionalChinese(FakeEngine(Options()))


def batch(engine: TraditionalChinese, text: str, pair: Pair, **segment: Any) -> Batch:
    """One segment."""
    return Batch((Segment(text, tokens=engine.tokenize(text), **segment),), pair, Decoding(beam_size=1))


def test_each_pair_with_chinese_gets_its_twin() -> None:
    """Both directions, and nothing for languages that are not Chinese; one form becomes the other, too."""
    engine = with_traditional_chinese(chinese_engine(("zh", "en"), ("en", "zh"), ("fr", "en")))

    assert sorted(map(str, engine.info.pairs)) == [
        "en→zh",
        "en→zh_tw",
        "fr→en",
        "zh_tw→en",
        "zh_tw→zh",
        "zh→en",
        "zh→zh_tw",
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("pair", "text", "converted"),
    [(Pair("zh", "zh_tw"), "开关门。", "開關門。"), (Pair("zh_tw", "zh"), "開關門。", "开关门。")],
)
async def test_one_form_becomes_the_other_without_the_engine(pair: Pair, text: str, converted: str) -> None:
    """Token by token, so that spans and terms stay at their places; a stream gets them, too."""
    engine = await asyncio.to_thread(with_traditional_chinese, chinese_engine(("zh", "en")))
    protected = (Protected("{x}", 1, space_before=False, space_after=False),)
    segment = Segment(text, tokens=engine.tokenize(text), protected=protected)
    seen: list[object] = []

    [[best]] = await engine.translate(Batch((segment,), pair, Decoding()), lambda index, event: seen.append(event))

    assert best.text == converted
    assert best.alignment is not None
    assert len(best.alignment) == len(segment.tokens)
    assert seen == [*best.tokens, best]


@pytest.mark.parametrize("pairs", [[("fr", "en")], [("zh", "en"), ("zh_tw", "en")]])
def test_other_engines_are_left_alone(pairs: list[tuple[str, str]]) -> None:
    """Without Chinese, or with both forms, an engine is used as it is."""
    engine = chinese_engine(*pairs)

    assert with_traditional_chinese(engine) is engine


@given(st.text(alphabet="我們试試髮发頭头ab 。ー"))
def test_tokens_keep_the_text_of_the_client(text: str) -> None:
    """The model reads Simplified, the server what was sent."""
    assert "".join(token.text for token in ENGINE.tokenize(text)) == text


async def test_the_engine_reads_simplified_and_is_asked_for_it(
    inner: RecordingEngine, engine: TraditionalChinese
) -> None:
    """Of Traditional Chinese, and of Chinese that is called Simplified but is not; Japanese stays as it is."""
    for source in ("zh_tw", "zh"):
        await engine.translate(batch(engine, "頭髮", Pair(source, "en")))

    assert [each.pair for each in inner.batches] == [Pair("zh", "en")] * 2
    assert ["".join(str(token.model_token) for token in each.segments[0].tokens) for each in inner.batches] == [
        "头发"
    ] * 2
    assert "".join(str(token.model_token) for token in engine.tokenize("頭の髪")) == "頭の髪"


async def test_answers_are_traditional(engine: TraditionalChinese) -> None:
    """Characters are converted by the words that they stand in, and tokens keep their number."""
    [[hypothesis]] = await engine.translate(batch(engine, "头发发现", Pair("en", "zh_tw")))

    assert hypothesis.text == "zh:頭髮發現"


async def test_streams_are_traditional(engine: TraditionalChinese) -> None:
    """A token is converted with those before it; the end has the whole."""
    heard: list[Token | Hypothesis] = []

    await engine.translate(batch(engine, "头发", Pair("en", "zh_tw")), lambda _, token: heard.append(token))

    assert "".join(token.text for token in heard if isinstance(token, Token)) == "zh:頭髮"
    assert [token.text for token in heard if isinstance(token, Hypothesis)] == ["zh:頭髮"]


async def test_terms_reach_the_engine_in_its_own_writing(inner: RecordingEngine, engine: TraditionalChinese) -> None:
    """A Traditional target is what the client wants; the model can write it in Simplified."""
    terms = (Occurrence(Term("hair", "頭髮"), 0, 1),)

    await engine.translate(batch(engine, "hair", Pair("en", "zh_tw"), terms=terms))

    assert inner.batches[0].segments[0].terms[0].term.target == "头发"
    assert await engine.health()
    await engine.aclose()
