"""Engines behind another server's chat completions, over real connections to a server with the faults of real ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dragoman.core.engine import Batch
from dragoman.core.errors import ConfigurationError, DeadlineExceeded, DragomanError, Overloaded, UpstreamFailed
from dragoman.core.types import Decoding, Example, Hypothesis, Occurrence, Pair, Segment, Term, Token
from dragoman.engines.model_family import load_family
from dragoman.engines.openai_chat import OpenAIChatEngine, Options
from dragoman.engines.registry import create_engine
from dragoman.engines.upstream import Upstream
from tests.live_server import live_server
from tests.upstream_server import Upstream as UpstreamServer

pytestmark = pytest.mark.anyio

EN_ZH = Pair("en", "zh")


@asynccontextmanager
async def engine_of(model: str, **options: Any) -> AsyncIterator[tuple[OpenAIChatEngine, UpstreamServer, list[float]]]:
    """An engine, the server that it asks, and the pauses between its tries, which take no time."""
    server, pauses = UpstreamServer(), list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with live_server(server.app) as port:
        parsed = Options(base_url=f"http://127.0.0.1:{port}/v1/", model=model, **options)
        upstream = Upstream(parsed, pause=pause, chance=lambda: 0.5)
        family = await asyncio.to_thread(load_family, parsed.family)
        engine = OpenAIChatEngine(parsed, family, upstream)
        yield engine, server, pauses
        await engine.aclose()


def batch_of(engine: OpenAIChatEngine, text: str, decoding: Decoding | None = None, **fields: Any) -> Batch:
    """A batch of one segment."""
    return Batch((Segment(text, tokens=engine.tokenize(text), **fields),), EN_ZH, decoding or Decoding())


async def streamed(engine: OpenAIChatEngine, text: str) -> tuple[list[str], Hypothesis]:
    """The tokens as they came, and what they ended with."""
    seen: list[Token | Hypothesis] = []
    [[returned]] = await engine.translate(batch_of(engine, text), lambda _, event: seen.append(event))
    *tokens, last = seen
    assert last == returned
    return [token.text for token in tokens if isinstance(token, Token)], returned


@pytest.mark.parametrize("model", ["plain", "thinking", "chatty", "fenced", "doubled"])
async def test_only_the_translation_is_left(model: str) -> None:
    """Of what the model says around it nothing, whole or streamed."""
    async with engine_of(model) as (engine, _, _):
        [[whole]] = await engine.translate(batch_of(engine, "Hello there, you."))
        tokens, hypothesis = await streamed(engine, "Hello there, you.")
    assert whole.text == hypothesis.text == "".join(tokens) == "<Hello there, you.>"
    assert whole.ended
    assert hypothesis.ended


async def test_placeholders_go_there_and_back_as_tokens() -> None:
    """Also when a stream cuts them."""
    async with engine_of("plain") as (engine, server, _):
        tokens = (*engine.tokenize("See "), Token("", "⟦0⟧"), *engine.tokenize(" now"))
        batch = Batch((Segment("See x now", tokens=tokens),), EN_ZH, Decoding())
        for on_token in (None, lambda _, __: None):
            [[found]] = await engine.translate(batch, on_token)
            assert [token.model_token for token in found.tokens if not token.text] == ["⟦0⟧"]
            assert found.text == "<See  now>"
    assert server.bodies[0]["messages"][-1]["content"].endswith("See ⟦0⟧ now")


async def test_terms_examples_and_domains_are_in_the_prompt() -> None:
    """In the words of the family; braces in them are text."""
    terms = (Occurrence(Term("cat", "{text}猫"), 0, 1),)
    async with engine_of("plain", api_key="sk-1", headers={"x-team": "a"}, body={"seed": 1}) as (engine, server, _):
        await engine.translate(
            batch_of(engine, "A cat", terms=terms, examples=(Example("A dog", "一条狗"),), domains="Pets.")
        )
    prompt = server.bodies[0]["messages"][-1]["content"]
    assert all(part in prompt for part in ("cat = {text}猫", "A dog = 一条狗", "Pets.", "from English into Chinese"))
    assert server.bodies[0] | {"temperature": 0, "seed": 1} == server.bodies[0]
    assert (server.headers[0]["authorization"], server.headers[0]["x-team"]) == ("Bearer sk-1", "a")


async def test_what_a_client_asks_of_sampling_is_passed_on() -> None:
    """In place of what the family is used to."""
    async with engine_of("plain", family="hy-mt") as (engine, server, _):
        found = await engine.translate(batch_of(engine, "Hi", Decoding(num_hypotheses=2, top_k=5, temperature=0.3)))
        await engine.translate(batch_of(engine, "Hi"))
    asked, usual = server.bodies
    assert len(found[0]) == asked["n"] == 2
    assert (asked["temperature"], asked["top_k"], asked["repetition_penalty"]) == (0.3, 5, 1.05)
    assert (usual["temperature"], usual["top_p"], usual["top_k"]) == (0.7, 0.6, 20)
    assert "翻译为中文" in usual["messages"][-1]["content"]


async def test_a_strict_server_is_asked_without_extensions() -> None:
    """Once it has refused them; what it refuses without them, too, is an error."""
    async with engine_of("strict", family="hy-mt") as (engine, server, _):
        await engine.translate(batch_of(engine, "Hi"))
        await engine.translate(batch_of(engine, "Hi"))
    assert ["top_k" in body for body in server.bodies] == [True, False, False]
    assert server.bodies[-1]["top_p"] == 0.6


async def test_another_try_is_another_draw() -> None:
    """A wider beam, with which the pipeline asks again, means sampling here."""
    async with engine_of("plain") as (engine, server, _):
        for beam_size in (None, 8):
            await engine.translate(batch_of(engine, "Hi", Decoding(beam_size=beam_size)))
    assert [body["temperature"] for body in server.bodies] == [0, 0.7]


async def test_a_busy_server_is_asked_again_as_it_says() -> None:
    """`Retry-After`, else longer each time; then the client is told to come back."""
    async with engine_of("busy-1") as (engine, server, pauses):
        await engine.translate(batch_of(engine, "Hi"))
        assert (len(server.bodies), pauses) == (2, [7.0])
    async with engine_of("down-2") as (engine, server, pauses):
        await engine.translate(batch_of(engine, "Hi"))
        assert (len(server.bodies), pauses) == (3, [0.25, 0.5])
    async with engine_of("busy-9") as (engine, _, _):
        with pytest.raises(Overloaded) as refused:
            await engine.translate(batch_of(engine, "Hi"))
        assert refused.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("model", "stream", "expected"),
    [
        ("forbidden", False, UpstreamFailed),
        ("down-9", False, UpstreamFailed),
        ("nonsense", False, UpstreamFailed),
        ("empty", False, UpstreamFailed),
        ("broken", True, UpstreamFailed),
        ("half", True, UpstreamFailed),
        ("stalls", False, DeadlineExceeded),
        ("stalls", True, DeadlineExceeded),
    ],
)
async def test_every_fault_is_an_error_that_shows_no_secret(
    model: str,
    stream: bool,  # noqa: FBT001
    expected: type[DragomanError],
) -> None:
    """Of the client's, with a status; the other server's words stay private."""
    async with engine_of(model, first_byte_timeout_seconds=0.5, chunk_timeout_seconds=0.05) as (engine, _, _):
        with pytest.raises(expected) as failed:
            await engine.translate(batch_of(engine, "Hello there"), (lambda _, __: None) if stream else None)
    assert "sk-secret" not in failed.value.message
    assert "127.0.0.1" not in failed.value.message


async def test_a_server_that_is_not_there_is_an_error_after_some_tries() -> None:
    """And makes the engine unwell."""
    options = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "max_retries": 0}
    engine = await asyncio.to_thread(create_engine, "openai_chat", options)
    with pytest.raises(UpstreamFailed):
        await engine.translate(Batch((Segment("Hi", tokens=engine.tokenize("Hi")),), EN_ZH, Decoding()))
    assert not await engine.health()
    await engine.aclose()


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (404, True), (500, True), (401, False), (503, False)])
async def test_health_tells_a_wrong_key_from_a_page_that_is_missing(status: int, is_well: bool) -> None:  # noqa: FBT001
    """Some servers do not list their models."""
    async with engine_of("plain") as (engine, server, _):
        server.models_status = status
        assert await engine.health() is is_well


async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    """As often as a connection that is refused."""
    async with engine_of("cut", max_retries=2) as (engine, server, _):
        with pytest.raises(UpstreamFailed, match="broke off its answer"):
            await engine.translate(batch_of(engine, "Hi"))
    assert len(server.bodies) == 3


async def test_a_client_who_leaves_closes_the_connection() -> None:
    """The other server can stop, too."""
    async with engine_of("stalls") as (engine, server, _):
        task = asyncio.create_task(engine.translate(batch_of(engine, "Hello there"), lambda _, __: None))
        while not server.bodies:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 10)


async def test_qwen_mt_gets_its_own_options_and_cumulative_streams_are_read_once() -> None:
    """Languages by English name, terms, memory and domains as they are; no prompt."""
    terms = (Occurrence(Term("cat", "猫"), 0, 1),)
    async with engine_of("doubled", family="qwen-mt") as (engine, server, _):
        tokens, hypothesis = await streamed(engine, "Hello there, Hello there")
        await engine.translate(batch_of(engine, "A cat", terms=terms, examples=(Example("A", "甲"),), domains="Pets."))
    assert "".join(tokens) == hypothesis.text == "<Hello there, Hello there>"
    assert server.bodies[1]["messages"] == [{"role": "user", "content": "A cat"}]
    assert server.bodies[1]["translation_options"] == {
        "source_lang": "English",
        "target_lang": "Chinese",
        "terms": [{"source": "cat", "target": "猫"}],
        "tm_list": [{"source": "A", "target": "甲"}],
        "domains": "Pets.",
    }


async def test_requests_keep_to_what_a_minute_may_have() -> None:
    """The third of two a minute waits for the first to be a minute ago; who would wait too long is refused."""
    async with engine_of("plain", requests_per_minute=2) as (engine, server, pauses):
        engine._upstream._clock = lambda: 100.0
        for _ in range(4):
            await engine.translate(batch_of(engine, "Hi"))
        with pytest.raises(Overloaded) as refused:  # its turn would be in two minutes
            await engine.translate(batch_of(engine, "Hi"))
    assert pauses == [60.0, 60.0]
    assert len(server.bodies) == 4
    assert refused.value.retry_after_seconds == 120


@pytest.mark.parametrize("family", ["chat", "qwen3", "hy-mt", "lmt", "translategemma", "seed-x"])
def test_families_ask_with_the_text_once_and_nothing_unfilled(family: str) -> None:
    """In both directions of a pair that each has."""
    found = load_family(family)
    segment = Segment("The cat", terms=(Occurrence(Term("cat", "猫"), 0, 1),))
    for pair in (EN_ZH, Pair("de", "en")):
        said = str(found.messages(segment, "The cat", pair)[-1]["content"])
        assert said.count("The cat") == 1
        assert family in {"translategemma", "seed-x"} or "猫" in said
        assert family == "translategemma" or "{" not in said
    assert (found.system is not None) == (family in {"chat", "qwen3"})


def test_families_of_ones_own_are_files(tmp_path: Any) -> None:
    """What is wrong with one is said by its name."""
    path = tmp_path / "mine.toml"
    path.write_text('extends = "chat"\nprompt = "{text}!"\n')
    assert load_family(str(path)).messages(Segment("Hi"), "Hi", EN_ZH)[-1]["content"] == "Hi!"
    path.write_text("prompts = 5")
    with pytest.raises(ConfigurationError, match="prompts"):
        load_family(str(path))
    with pytest.raises(ConfigurationError, match="one of: chat, gemma3"):
        load_family("nope")
    with pytest.raises(ConfigurationError, match="NO_SUCH_KEY"):
        create_engine("openai_chat", {"base_url": "http://x", "model": "m", "api_key_env": "NO_SUCH_KEY"})
