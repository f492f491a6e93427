"""Streams: OpenAI's chunks, Qwen-MT's cumulative ones, heartbeats, failures."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from dragoman.api.sse import data_event
from dragoman.engines.fake import FakeEngine, Options
from dragoman.route import Step
from dragoman.service import TranslationService
from tests.chat import chat, deltas, events, translate
from tests.conftest import MakeClient
from tests.fakes import FailingEngine, GatedEngine, ScrambledStreamEngine

pytestmark = pytest.mark.anyio

TEXT = "One is here.\nTwo are there.  Three."
ANSWER = "zh:One is here.\nzh:Two are there.  zh:Three."
CHERRY_STUDIO = [{"X-Title": "Cherry Studio"}, {"HTTP-Referer": "https://cherry-ai.com"}]


def use_engine(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    """Put another engine behind a client's server."""
    service = service_of(client)
    service.engines = {"fake": engine}
    service._batchers["fake"]._engine = engine
    route = (Step("fake", engine.info.pairs),)
    service.aliases = {model: replace(alias, route=route) for model, alias in service.aliases.items()}


def service_of(client: httpx.AsyncClient) -> TranslationService:
    """The service of a client's server."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    assert isinstance(transport.app, FastAPI)
    service: TranslationService = transport.app.state.service
    return service


async def test_chunks_come_in_openais_order(client: httpx.AsyncClient) -> None:
    """Role, text in document order, finish without text, all with one id, and no usage unless asked."""
    chunks = events(await chat(client, TEXT, stream=True))

    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == ANSWER
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
    assert all("usage" not in chunk for chunk in chunks)
    assert chunks[-1]["choices"][0]["translation"]["target_lang"] == "zh"


async def test_usage_comes_last_when_asked(client: httpx.AsyncClient) -> None:
    """A chunk without choices; all others have a null there."""
    *others, last = events(await chat(client, TEXT, stream=True, stream_options={"include_usage": True}))

    plain = (await chat(client, TEXT)).json()
    assert (last["choices"], last["usage"]) == ([], plain["usage"])
    assert all(chunk["usage"] is None for chunk in others)


@pytest.mark.parametrize("n", [1, 2])
async def test_every_choice_has_its_role_text_and_end(client: httpx.AsyncClient, n: int) -> None:
    """And the texts are those of the plain answer."""
    plain = (await chat(client, TEXT, n=n)).json()

    response = await chat(client, TEXT, n=n, stream=True)

    for index in range(n):
        choices = [choice for e in events(response) for choice in e["choices"] if choice["index"] == index]
        assert "".join(deltas(response, index)) == plain["choices"][index]["message"]["content"]
        assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
        assert choices[0]["delta"]["role"] == "assistant"


@given(st.text(alphabet='aé你😀.!? \n\t\u2028:"\\', max_size=60).filter(bool), st.integers(0, 5))
async def test_stream_equals_the_plain_answer(app: FastAPI, text: str, max_tokens: int) -> None:
    """For any text and limit, in delta and in cumulative mode."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://dragoman.test") as client:
        plain = await translate(client, text, max_tokens=max_tokens)
        delta = await chat(client, text, max_tokens=max_tokens, stream=True)
        cumulative = await chat(client, text, max_tokens=max_tokens, stream=True, incremental_output=False)

    assert "".join(deltas(delta)) == plain
    assert deltas(cumulative)[-1] == plain


def is_cumulative(response: httpx.Response) -> bool:
    """Whether every chunk repeats what was there, the finish chunk all of it."""
    contents = deltas(response)
    return contents[-1] == ANSWER and all(b.startswith(a) for a, b in pairwise(contents))


@pytest.mark.parametrize(
    ("model", "fields", "headers", "cumulative"),
    [
        ("qwen-mt-turbo", {}, {}, False),
        ("qwen-mt-turbo", {"incremental_output": True}, {}, False),
        ("qwen-mt-turbo", {"incremental_output": False}, {}, True),
        ("qwen-mt-turbo", {}, CHERRY_STUDIO[0], True),
        ("qwen/qwen-mt-plus", {}, CHERRY_STUDIO[1], True),
        ("qwen-mt-flash", {}, CHERRY_STUDIO[0], False),
        ("qwen-mt-plus", {"incremental_output": True}, CHERRY_STUDIO[0], False),
        ("qwen-mt-plus", {}, {"X-Title": "Other"}, False),
        ("alibaba", {}, {}, True),
        ("alibaba", {"incremental_output": True}, {}, False),
    ],
)
async def test_streams_are_deltas_unless_told_or_known_otherwise(
    make_client: MakeClient,
    model: str,
    fields: dict[str, Any],
    headers: dict[str, str],
    cumulative: bool,  # noqa: FBT001
) -> None:
    """The request decides, then the alias, then what the client is known to expect."""
    client = await make_client(aliases={"alibaba": {"stream": "cumulative"}})
    client.headers.update(headers)

    response = await chat(client, TEXT, model=model, stream=True, **fields)

    assert is_cumulative(response) == cumulative
    assert cumulative or "".join(deltas(response)) == ANSWER


async def test_long_cumulative_stream_does_not_grow_quadratically(client: httpx.AsyncClient) -> None:
    """A document of 500 sentences takes less than 100 times its size, not 250 times."""
    text = "A sentence of some length is here.\n" * 500

    response = await chat(client, text, stream=True, incremental_output=False)

    assert deltas(response)[-1] == await translate(client, text)
    assert len(response.content) < 100 * len(text)


async def test_token_streaming_releases_words_and_equals_the_plain_answer(make_client: MakeClient) -> None:
    """In document order, whichever segment the engine decodes first."""
    client = await make_client(aliases={"live": {"stream_tokens": True}})
    use_engine(client, ScrambledStreamEngine(Options()))

    response = await chat(client, TEXT, model="live", stream=True)

    assert deltas(response)[1:5] == ["zh:One", " is", " here.", "\n"]
    assert "".join(deltas(response)) == await translate(client, TEXT, model="live") == ANSWER


async def test_token_streaming_decodes_with_beam_1_in_both_modes(make_client: MakeClient) -> None:
    """So that both give the same words; several choices are released by segment."""
    client = await make_client(aliases={"live": {"stream_tokens": True}})
    engine = GatedEngine(free=100)
    use_engine(client, engine)

    for stream in (True, False):
        await chat(client, "One.", model="live", stream=stream)
    several = await chat(client, "One.", model="live", stream=True, n=2)

    assert {batch.decoding.beam_size for batch in engine.batches} == {1}
    assert deltas(several, 1) == ["", "zh:One. #2"]


async def test_error_before_the_first_byte_is_an_ordinary_error(client: httpx.AsyncClient) -> None:
    """With its status."""
    response = await chat(client, stream=True, translation_options={"target_lang": "Klingon"})

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"


async def test_failure_in_mid_stream_is_an_error_event(make_client: MakeClient) -> None:
    """After what was translated before; the cause stays private, and no `[DONE]` pretends success."""
    client = await make_client()
    use_engine(client, FailingEngine())

    response = await chat(client, "One.\nboom.", stream=True)

    *_, last, end = response.text.split("\n\n")
    assert response.status_code == 200
    assert "zh:One." in response.text
    assert last.startswith('data: {"error":{"message":"Something went wrong here')
    assert (end, "secret" in response.text) == ("", False)


async def test_failure_without_stream_is_an_opaque_500(make_client: MakeClient) -> None:
    """In the envelope, with the request id that the log has."""
    client = await make_client()
    use_engine(client, FailingEngine())

    response = await chat(client, "boom")

    error = response.json()
    assert response.status_code == 500
    assert error["request_id"] in error["error"]["message"]
    assert error["error"]["code"] == "internal_error"
    assert "secret" not in response.text


async def test_heartbeats_fill_silence(make_client: MakeClient) -> None:
    """Comments, which clients ignore, while the engine is at work."""
    client = await make_client(heartbeat_seconds=0.001)

    class Slow(FakeEngine):
        async def translate(self, *args: Any) -> Sequence[Any]:
            await asyncio.sleep(0.05)
            return await super().translate(*args)

    use_engine(client, Slow(Options()))
    response = await chat(client, stream=True)

    assert response.text.count(": still here\n\n") > 1
    assert "".join(deltas(response)) == "zh:Hello there"


async def test_data_colon_within_a_string_is_escaped(client: httpx.AsyncClient) -> None:
    """Some clients split the stream there; JSON readers see no difference."""
    response = await chat(client, "data: x\ndata: y", stream=True)

    assert response.text.count("data:") == response.text.count("\n\n")
    assert "".join(deltas(response)) == "zh:data: x\nzh:data: y"
    assert data_event('"\\\\data:"') == 'data: "\\\\data\\u003a"\n\n'
