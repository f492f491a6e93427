"""From a text to its pieces, with the real batcher and the fake engine behind them."""

import asyncio
import json
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.answer import Outcome, Piece
from dragoman.core.types import Decoding, Example, Format, Pair, Term
from dragoman.engines.fake import FakeEngine, Options
from dragoman.pipeline.formats.recognize import parse
from dragoman.pipeline.pipeline import translate_document
from dragoman.pipeline.prepare import NO_GUIDANCE, Guidance, prepare_parts
from dragoman.scheduling.batcher import Batcher, Claim
from tests.fakes import EndlessEngine, FailingEngine, RecordingEngine, ScrambledStreamEngine, SilentEngine

pytestmark = pytest.mark.anyio

EN_ZH, ZH_EN = Pair("en", "zh"), Pair("zh", "en")
DOCUMENT = "  Hello there.  How are you?\n\n\t42\n- See https://x.test!\r\n"


async def run(
    engine: FakeEngine,
    text: str,
    pair: Pair = EN_ZH,
    *,
    format: Format = "text",  # noqa: A002 # the name that clients use
    guidance: Guidance = NO_GUIDANCE,
    head: int | None = None,
    stream_tokens: bool = False,
    choices: int = 1,
    **limits: Any,
) -> tuple[list[Piece], Outcome]:
    """Translate a document; give its pieces and how it ended."""
    document, *others = prepare_parts(parse(text, format), pair, engine.tokenize, engine.info, guidance, head=head)
    limits["rest"] = lambda: asyncio.sleep(0, *others)
    translate = partial(Batcher(engine).translate, claim=Claim(stream_tokens=stream_tokens))
    limits["abilities"] = engine.info.abilities
    pieces: list[Piece] = []
    async with aclosing(translate_document(document, translate, Decoding(num_hypotheses=choices), **limits)) as events:
        async for event in events:
            if isinstance(event, Outcome):
                return pieces, event
            pieces.append(event)
    raise AssertionError("no outcome")


def text_of(pieces: list[Piece], choice: int = 0) -> str:
    """The answer of one choice."""
    return "".join(piece.text for piece in pieces if piece.choice == choice)


async def test_layout_stays_and_only_words_are_translated() -> None:
    """White space, line breaks and segments without a letter come back as they were."""
    pieces, outcome = await run(FakeEngine(Options()), DOCUMENT)

    assert text_of(pieces) == "  zh:Hello there.  zh:How are you?\n\n\t42\n- zh:See! https://x.test\r\n"
    assert outcome.finish_reasons == ("stop",)


async def test_space_is_added_between_sentences_that_had_none() -> None:
    """Chinese sentences follow each other without a space, English ones do not."""
    pieces, _ = await run(FakeEngine(Options()), "你好。我很好。.\n再见。", ZH_EN)

    assert text_of(pieces) == "en:你好。 en:我很好。.\nen:再见。"


async def test_same_language_comes_back_unchanged_and_unasked() -> None:
    """No engine is asked, and the tokens are still counted."""
    engine = RecordingEngine()

    pieces, outcome = await run(engine, DOCUMENT, Pair("en", "en"))

    assert text_of(pieces) == DOCUMENT
    assert engine.batches == []
    assert outcome.usage.prompt_tokens == outcome.usage.completion_tokens > 0


async def test_every_choice_is_whole() -> None:
    """Choice k is made of the k-th hypotheses, and has all the layout."""
    pieces, outcome = await run(FakeEngine(Options()), "One.\nTwo.", choices=2)

    assert text_of(pieces, 0) == "zh:One.\nzh:Two."
    assert text_of(pieces, 1) == "zh:One. #2\nzh:Two. #2"
    assert outcome.finish_reasons == ("stop", "stop")


async def test_fewer_hypotheses_than_choices_repeat_the_last() -> None:
    """An engine that finds one hypothesis only still gives every choice a text."""
    pieces, _ = await run(EndlessEngine(Options()), "One.", choices=2)

    assert text_of(pieces, 0) == text_of(pieces, 1) == "la la"


async def test_long_sentence_is_split_to_the_window_and_never_truncated() -> None:
    """Each part fits the engine, and every word arrives."""
    engine = RecordingEngine(max_source_tokens=8)
    text = "one two three, four five six; seven eight nine, ten eleven twelve."

    await run(engine, text, Pair("en", "fr"))

    parts = [segment for batch in engine.batches for segment in batch.segments]
    assert all(len(segment.tokens) <= 8 for segment in parts)
    assert " ".join(segment.text for segment in parts).split() == text.split()


async def test_hypothesis_that_did_not_end_is_reported_as_cut() -> None:
    """The reason is honest when the model ran into its length limit."""
    _, outcome = await run(EndlessEngine(Options()), "Sing.")

    assert outcome.finish_reasons == ("length",)


async def test_nothing_is_translated_after_the_answer_was_cut() -> None:
    """Once every choice is cut, the engine gets no further batch but the one that it had begun."""
    engine = RecordingEngine(max_batch_segments=1)

    pieces, outcome = await run(engine, "One.\nTwo.\nThree.\nFour.", stop=["One"])

    assert text_of(pieces) == "zh:"
    assert outcome.finish_reasons == ("stop",)
    assert engine.texts in ([["One."]], [["One."], ["Two."]])


async def test_stop_string_across_segments_cuts() -> None:
    """The border between two segments and their line break does not hide a stop string."""
    pieces, _ = await run(FakeEngine(Options()), "One.\nTwo.", stop=["e.\nzh:T"])

    assert text_of(pieces) == "zh:On"


async def test_max_tokens_counts_over_segments() -> None:
    """Three tokens: two of the first segment and one of the second."""
    pieces, outcome = await run(FakeEngine(Options()), "One more.\nTwo more.", max_tokens=3)

    assert text_of(pieces) == "zh:One more.\nzh:Two"
    assert (outcome.finish_reasons, outcome.usage.completion_tokens) == (("length",), 3)


@pytest.mark.parametrize("stream_tokens", [False, True])
async def test_empty_translation_leaves_the_source(stream_tokens: bool) -> None:  # noqa: FBT001
    """Nothing is lost when a model has nothing to say."""
    pieces, _ = await run(SilentEngine(Options()), DOCUMENT, stream_tokens=stream_tokens)

    assert text_of(pieces) == DOCUMENT


@pytest.mark.parametrize("engine_class", [FakeEngine, ScrambledStreamEngine, EndlessEngine])
async def test_streaming_tokens_gives_the_same_text(engine_class: type[FakeEngine]) -> None:
    """In document order, whichever segment the engine finishes first, and with engines that do not stream."""
    plain, outcome = await run(engine_class(Options()), DOCUMENT)

    streamed, streamed_outcome = await run(engine_class(Options()), DOCUMENT, stream_tokens=True)

    assert text_of(streamed) == text_of(plain)
    assert streamed_outcome == outcome
    if engine_class is FakeEngine:
        assert len(streamed) > len(plain)


@pytest.mark.parametrize("head", [1, 2, 4])
@pytest.mark.parametrize("limits", [{}, {"max_tokens": 12}, {"stop": ["[en>zh] are"]}])
async def test_in_parts_the_answer_is_the_same(head: int, limits: dict[str, Any]) -> None:
    """Text, usage, terms, memory hits and warnings, wherever the rest begins and however the answer ends."""
    guidance = Guidance((Term("Fine", "好"), Term("see", "看")), (Example("How are you?", "你好吗？"),), "Chat.")
    text = DOCUMENT + "Fine. How are you? See you! 7"
    whole = await run(FakeEngine(Options()), text, guidance=guidance, **limits)
    parted = await run(FakeEngine(Options()), text, guidance=guidance, head=head, **limits)
    assert text_of(parted[0]) == text_of(whole[0])
    assert parted[1] == whole[1]


async def test_a_cut_answer_may_keep_the_layout_of_all() -> None:
    """A JSON document that is cut is one all the same, in every choice; nothing is translated after the cut."""
    text = '{"a": "One two. Three four.", "b": ["Five six seven", 8, {"c": "Nine"}]}'
    for head in (None, 1):
        pieces, outcome = await run(
            FakeEngine(Options()), text, format="json", choices=2, head=head, max_tokens=3, keep_layout=True
        )
        for choice, written in enumerate(("zh:One two.zh:Three", "zh:One two. #2")):
            assert json.loads(text_of(pieces, choice)) == {"a": written, "b": ["", 8, {"c": ""}]}
        assert outcome.finish_reasons == ("length", "length")
    assert outcome.sources == ("One two.", "Three four.", "Five six seven", "Nine")


async def test_failure_of_the_engine_ends_the_stream_with_its_exception() -> None:
    """After what was translated before, with tokens streamed or not."""
    for stream_tokens in (False, True):
        with pytest.raises(RuntimeError, match="engine room"):
            await run(FailingEngine(), "One.\nboom.", stream_tokens=stream_tokens)


@given(st.text(alphabet="aB.!\n\t 。你", max_size=80))
async def test_tokens_of_pieces_are_their_text(text: str) -> None:
    """Every character of the answer belongs to a token, of the model or of the layout."""
    pieces, outcome = await run(FakeEngine(Options()), text, choices=2)

    tokens = [token for piece in pieces for token in piece.tokens]
    assert "".join(token.text for token in tokens) == "".join(piece.text for piece in pieces)
    assert sum(token.model_token is not None for token in tokens) == outcome.usage.completion_tokens
