"""What every engine must do, whatever translates inside."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dragoman.core.engine import Batch, Engine
from dragoman.core.types import Decoding, Hypothesis, Occurrence, Pair, Segment, Term, Token
from dragoman.engines.pivot import PivotEngine
from dragoman.engines.registry import create_engine
from tests.fake_apertium import write_apertium
from tests.live_server import live_server
from tests.tiny_models import build_language_model, build_model_directory
from tests.upstream_server import Upstream

pytestmark = pytest.mark.anyio

EN_ZH = Pair("en", "zh")
TEXTS = ("Hello there.", "I like it", "你好 mixed", "a", "!")


@pytest.fixture(params=["fake", "starter", "tiny", "pivot", "llm", "apertium", "openai_chat", "qwen_mt"])
async def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Engine]:
    """Each engine, made through the registry; those that ask another server have one."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
    if request.param not in {"openai_chat", "qwen_mt"}:
        yield await asyncio.to_thread(local_engine, request.param, tmp_path)
        return
    async with live_server(Upstream().app) as port:
        options = {"base_url": f"http://127.0.0.1:{port}/v1", "model": "plain"}
        engine = await asyncio.to_thread(create_engine, request.param, options)
        yield engine
        await engine.aclose()


def local_engine(kind: str, tmp_path: Path) -> Engine:
    """An engine in this process."""
    if kind == "tiny":
        languages = {"en": "eng_Latn", "zh": "zho_Hans"}
        directory = build_model_directory(
            tmp_path / "m",
            languages=languages,
            source_tokens=["{source}", "{text}", "</s>"],
            target_prefix=["{target}"],
        )
        return create_engine("ctranslate2", {"model": str(directory), "compute_type": "float32"})
    if kind == "apertium":
        return create_engine("apertium", {"program": str(write_apertium(tmp_path))})
    if kind == "llm":
        return create_engine("llm", {"model": str(build_language_model(tmp_path / "m")), "max_source_tokens": 16})
    if kind == "pivot":
        return PivotEngine(create_engine("fake", {}), create_engine("fake", {"max_source_tokens": 64}), "fr")
    return create_engine("fake", {}) if kind == "fake" else create_engine("ctranslate2", {"model": "starter"})


def batch_of(engine: Engine, decoding: Decoding, *texts: str) -> Batch:
    """A batch as the pipeline makes them."""
    return Batch(tuple(Segment(text, tokens=engine.tokenize(text)) for text in texts), EN_ZH, decoding)


@pytest.mark.parametrize("choices", [1, 3])
@pytest.mark.parametrize("top_k", [1, 10])
async def test_one_entry_per_segment_with_the_hypotheses_asked_for(engine: Engine, choices: int, top_k: int) -> None:
    """Each has at least one hypothesis and at most as many as asked, best first when searched."""
    decoding = Decoding(num_hypotheses=choices, top_k=top_k)

    outputs = await engine.translate(batch_of(engine, decoding, *TEXTS))

    assert len(outputs) == len(TEXTS)
    assert all(1 <= len(hypotheses) <= choices for hypotheses in outputs)
    if top_k == 1:
        assert all([h.score for h in each] == sorted((h.score for h in each), reverse=True) for each in outputs)


async def test_greedy_decoding_is_deterministic(engine: Engine) -> None:
    """The same batch gives the same translations."""
    batch = batch_of(engine, Decoding(), *TEXTS)

    first, second = await engine.translate(batch), await engine.translate(batch)

    assert first == second


async def test_tokens_tile_source_and_translation(engine: Engine) -> None:
    """Source tokens join to the source, and are at most the engine's window for a short text."""
    for text in TEXTS:
        tokens = engine.tokenize(text)
        assert "".join(token.text for token in tokens) == text
        assert 1 <= len(tokens) <= engine.info.max_source_tokens


async def test_segment_of_the_longest_length_is_translated(engine: Engine) -> None:
    """The window that the engine announces is one that it can take."""
    text = "a" * 10_000
    while len(engine.tokenize(text)) > engine.info.max_source_tokens:
        text = text[: len(text) * engine.info.max_source_tokens // len(engine.tokenize(text))]

    [hypotheses] = await engine.translate(batch_of(engine, Decoding(), text))

    assert hypotheses


async def test_streamed_events_agree_with_the_return_value(engine: Engine) -> None:
    """For each segment its tokens, then its hypothesis, as returned."""
    seen: dict[int, list[Token | Hypothesis]] = {index: [] for index in range(len(TEXTS))}

    outputs = await engine.translate(
        batch_of(engine, Decoding(beam_size=1), *TEXTS), lambda index, event: seen[index].append(event)
    )
    await asyncio.sleep(0)

    for index, [hypothesis] in enumerate(outputs):
        *tokens, last = seen[index]
        assert isinstance(last, Hypothesis)
        assert "".join(token.text for token in tokens if isinstance(token, Token)) == last.text == hypothesis.text


async def test_terms_are_in_the_translation_where_the_engine_can_constrain(engine: Engine) -> None:
    """In those of its words; a segment without terms in the same batch gets a translation too."""
    if "constraints" not in engine.info.abilities:
        assert engine.info.id in {"fake", "fake-fr-fake", "apertium", "tiny-llm", "plain"}
        return
    terms = (Occurrence(Term("you", "世界"), 0, 1), Occurrence(Term("like", "你好"), 1, 2))
    segments = (
        Segment("I like you", tokens=engine.tokenize("I like you"), terms=terms[:1]),
        Segment("a", tokens=engine.tokenize("a")),
    )
    both = replace(segments[0], terms=terms)

    outputs = await engine.translate(Batch((*segments, both), EN_ZH, Decoding(must_include_terms=True)))

    assert "世界" in outputs[0][0].text
    assert outputs[1][0].tokens
    assert "世界" in outputs[2][0].text or "你好" in outputs[2][0].text
    assert len(outputs[0][0].alignment or ()) == len(outputs[0][0].tokens)


async def test_scores_are_shown_where_the_engine_can(engine: Engine) -> None:
    """Each token's log-probability is among those of its best alternatives, or below them; the text is the same."""
    if "scores" not in engine.info.abilities:
        assert engine.target_tokens("Hello") == ()
        return
    plain = await engine.translate(batch_of(engine, Decoding(num_hypotheses=2), *TEXTS))
    scored = await engine.translate(batch_of(engine, Decoding(num_hypotheses=2, top_logprobs=3), *TEXTS))
    assert [[each.text for each in found] for found in scored] == [[each.text for each in found] for found in plain]
    for token in scored[0][0].tokens:
        best = [each.logprob for each in token.alternatives]
        assert token.logprob is not None
        assert (len(best), best) == (3, sorted(best, reverse=True))
        assert token.logprob in best or token.logprob <= best[-1]
    assert scored[0][0].score == pytest.approx(plain[0][0].score, abs=1e-3)


async def test_a_token_that_is_banned_is_not_written(engine: Engine) -> None:
    """Others take its place, in every choice; one that is favoured is."""
    if "scores" not in engine.info.abilities:
        return
    [first, *_] = (await engine.translate(batch_of(engine, Decoding(), TEXTS[0])))[0][0].tokens
    [banned] = {index for index, token in engine.target_tokens(first.text) if token.model_token == first.model_token}
    decoding = Decoding(num_hypotheses=2, logit_bias=((banned, -100.0),))
    for hypothesis in (await engine.translate(batch_of(engine, decoding, TEXTS[0])))[0]:
        assert first.model_token not in [token.model_token for token in hypothesis.tokens]


async def test_a_seed_draws_the_same_whatever_else_is_in_the_batch(engine: Engine) -> None:
    """And another seed something else, in some sentence."""
    if "scores" not in engine.info.abilities:
        return
    decoding = Decoding(num_hypotheses=2, top_k=0, seed=3)
    alone = [(await engine.translate(batch_of(engine, decoding, text)))[0] for text in TEXTS]
    together = await engine.translate(batch_of(engine, decoding, *reversed(TEXTS)))
    other = await engine.translate(batch_of(engine, replace(decoding, seed=4), *TEXTS))
    assert [[each.text for each in found] for found in alone] == [
        [each.text for each in found] for found in reversed(together)
    ]
    assert other != alone


async def test_cancelled_call_leaves_the_engine_usable(engine: Engine) -> None:
    """Cancellation ends the call, and the next one works."""
    task = asyncio.create_task(engine.translate(batch_of(engine, Decoding(beam_size=1), *TEXTS)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert len(await engine.translate(batch_of(engine, Decoding(), "Hello"))) == 1


async def test_engine_is_healthy_until_closed(engine: Engine) -> None:
    """And closes without complaint."""
    assert await engine.health()
    await engine.aclose()
