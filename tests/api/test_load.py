"""Many clients at once, some of whom fail, leave or wait too long, over real connections."""

import asyncio

import httpx
import pytest

from dragoman.service import TranslationService
from tests.api.test_disconnect import send
from tests.chat import body
from tests.conftest import fake_app
from tests.fakes import FailingEngine
from tests.live_server import live_server

pytestmark = pytest.mark.anyio

CLIENTS = 48


async def test_whatever_others_do_each_client_gets_its_own_answer() -> None:
    """Of six one leaves, one sends what the engine fails at, one gives it no time at all; and nothing stays behind."""
    app = await asyncio.to_thread(fake_app)
    service: TranslationService = app.state.service
    service._batchers["fake"]._engine = FailingEngine()
    before = asyncio.all_tasks()

    async with live_server(app) as port, httpx.AsyncClient(timeout=20) as client:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"

        async def visit(number: int) -> None:
            kind = number % 6
            if kind == 0:
                _, writer = await send(port, stream=number % 4 == 0)
                writer.close()
                return
            text = f"boom {number}" if kind == 1 else f"word {number}.\nAnother {number}."
            headers = {"x-request-timeout": "0.000001"} if kind == 2 else {}
            response = await client.post(url, json=body(text, stream=kind == 3), headers=headers)
            if kind in (1, 2):
                assert response.status_code == {1: 500, 2: 504}[kind]
            elif kind == 3:
                assert f"word {number}." in response.text
                assert response.text.endswith("data: [DONE]\n\n")
            else:
                content = response.json()["choices"][0]["message"]["content"]
                assert content == f"zh:word {number}.\nzh:Another {number}."

        await asyncio.gather(*(visit(number) for number in range(CLIENTS)))
        while service.requests_in_progress:
            await asyncio.sleep(0.001)
        assert not service._batchers["fake"].queued
        assert not service._batchers["fake"]._shared

    leftover = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not leftover
