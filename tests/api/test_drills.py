"""Failure drills: a server behind an engine misbehaves, over real connections, and nobody's request is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.api.test_chat_stream import service_of
from tests.api.test_routes import note
from tests.chat import chat, translate
from tests.conftest import MakeClient
from tests.live_server import live_server
from tests.upstream_server import Upstream

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def behind(
    make_client: MakeClient, model: str, *, budget_seconds: float = 5, stream_tokens: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that asks a misbehaving one first, and then the fake engine."""
    async with live_server(Upstream().app) as port:
        llm = {"kind": "openai_chat", "base_url": f"http://127.0.0.1:{port}/v1", "model": model, "max_retries": 0}
        first = {"name": "llm", "budget_seconds": budget_seconds}
        client = await make_client(
            engines={"llm": llm, "fake": {"kind": "fake"}},
            default_engine="fake",
            aliases={"qwen-mt-turbo": {"engine": [first, "fake"], "stream_tokens": stream_tokens}},
        )
        try:
            yield client
        finally:
            await service_of(client).aclose()


@pytest.mark.parametrize("model", ["down-99", "busy-99", "forbidden", "nonsense", "empty", "cut"])
async def test_a_server_that_is_down_or_lies_is_replaced(make_client: MakeClient, model: str) -> None:
    """By the next engine, for every one of many requests at once; the breaker shows where an operator looks."""
    async with behind(make_client, model) as client:
        answers = await asyncio.gather(*(chat(client, f"Hello {number}") for number in range(20)))

        assert {note(answer) for answer in answers} == {(f"zh:Hello {number}", ("llm",)) for number in range(20)}
        health = (await client.get("/health")).json()
        assert health["engines"] == {"llm": False, "fake": True}
        assert (await client.get("/health/ready")).status_code == 200
        assert service_of(client).requests_in_progress == 0


async def test_a_server_that_stalls_is_replaced_within_its_budget(make_client: MakeClient) -> None:
    """Its connection is closed."""
    async with behind(make_client, "stalls", budget_seconds=0.05) as client:
        assert note(await chat(client, "Hello")) == ("zh:Hello", ("llm",))


@pytest.mark.parametrize("model", ["half", "broken"])
async def test_a_stream_that_breaks_off_says_so(make_client: MakeClient, model: str) -> None:
    """Where words were passed on already, no other engine goes on in their middle: the stream ends with an error."""
    async with behind(make_client, model, stream_tokens=True) as client:
        response = await chat(client, "Hello. Bye.", stream=True)

        assert '"content":"He' in response.text.replace("<", "")
        assert '"code":"upstream_error"' in response.text.split("\n\n")[-2]
        assert service_of(client).requests_in_progress == 0


async def test_a_server_that_comes_back_is_asked_again(make_client: MakeClient) -> None:
    """After its rest, by one request."""
    async with behind(make_client, "down-3") as client:
        for _ in range(3):
            await chat(client, "Hello")
        breaker = service_of(client)._breakers["llm"]
        assert breaker.is_open
        breaker._rests_until = 0
        assert await translate(client, "Hello you") == "Hello you"
        assert not breaker.is_open
