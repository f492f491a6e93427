"""A client that goes away stops its own work, over real connections."""

import asyncio
from typing import Any

import httpx
import pytest

from dragoman.service import TranslationService
from tests.chat import body
from tests.conftest import fake_app
from tests.fakes import GatedEngine
from tests.live_server import live_server

pytestmark = pytest.mark.anyio


async def gated_app(engine: GatedEngine) -> Any:
    """A server whose engine waits at a gate."""
    app = await asyncio.to_thread(fake_app)
    app.state.service._batchers["fake"]._engine = engine
    return app


async def send(port: int, **fields: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request and leave the connection open."""
    content = httpx.Request("POST", "http://x", json=body("One.\nTwo.\nThree.", **fields)).content
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("free", [0, 1])
async def test_work_stops_when_the_client_leaves(stream: bool, free: int) -> None:  # noqa: FBT001
    """Before the first segment and in the middle, streamed or not; the place is free again."""
    engine = GatedEngine(free)
    app = await gated_app(engine)
    service: TranslationService = app.state.service

    async with live_server(app) as port:
        _, writer = await send(port, stream=stream)
        await engine.waiting.wait()
        writer.close()
        await engine.cancelled.wait()
        while service._admission.in_progress:
            await asyncio.sleep(0.001)

    assert len(engine.batches) == free


async def test_stream_flows_while_later_segments_wait() -> None:
    """The first sentence is sent before the second is translated."""
    engine = GatedEngine(free=1)
    app = await gated_app(engine)

    async with live_server(app) as port:
        reader, writer = await send(port, stream=True)
        await reader.readuntil(b"zh:One.")
        await engine.waiting.wait()
        assert len(engine.batches) == 1
        engine.gate.set()
        await reader.readuntil(b"data: [DONE]")
        writer.close()
        await writer.wait_closed()


async def test_client_that_leaves_while_sending_does_no_harm() -> None:
    """Half a body is nobody's error; the server goes on."""
    app = await asyncio.to_thread(fake_app)

    async with live_server(app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/health/live")).status_code == 200
