"""A real server of large language models behind ours: `transformers serve` with a tiny model that writes noise."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from dragoman.app import create_app
from dragoman.ops.settings import load_settings
from tests.interop.checkpoints import chat_model

pytestmark = pytest.mark.anyio

HELLO = {
    "model": "qwen-mt-turbo",
    "messages": [{"role": "user", "content": "Hello you. Where is the station?"}],
    "translation_options": {"source_lang": "en", "target_lang": "zh"},
}


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of the server, and the id of its model."""
    home = tmp_path_factory.mktemp("llm")
    model = str(chat_model(home / "tiny-chat"))
    (home / "hub").mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", model, "--device", "cpu"]
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
    try:
        for _ in range(600):
            assert server.poll() is None, (home / "log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
async def client(llm: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of our server, which asks that one."""
    url, model = llm
    engine = {"kind": "openai_chat", "base_url": url, "model": model, "family": "hy-mt", "languages": ["en", "zh"]}
    options = {"first_byte_timeout_seconds": 120, "chunk_timeout_seconds": 120}
    settings = await asyncio.to_thread(load_settings, engines={"llm": engine | options}, default_engine=["llm"])
    app = await asyncio.to_thread(create_app, settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=240) as made:
        yield made
    await app.state.service.aclose()


async def test_noise_comes_back_as_an_answer_with_warnings(client: httpx.AsyncClient) -> None:
    """The real server takes the family's prompt and, once it has refused the extensions, its sampling."""
    answer = (await client.post("/v1/chat/completions", json=HELLO)).json()

    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["translation"]["engine"]
    assert answer["choices"][0]["translation"]["warnings"]
    assert answer["usage"]["prompt_tokens"] > 0


async def test_a_stream_comes_in_pieces(client: httpx.AsyncClient) -> None:
    """Deltas join to a text, and `[DONE]` ends them."""
    parts = []
    async with client.stream("POST", "/v1/chat/completions", json=HELLO | {"stream": True}) as response:
        lines = [line async for line in response.aiter_lines() if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    for line in lines[:-1]:
        parts += [choice["delta"].get("content") or "" for choice in json.loads(line[6:])["choices"]]
    assert "".join(parts)


async def test_health_and_models_know_it(client: httpx.AsyncClient) -> None:
    """It is ready, and its languages are listed."""
    assert (await client.get("/health/ready")).json()["engines"] == {"llm": True}
    [row, *_] = (await client.get("/v1/models")).json()["data"]
    assert "zh" in json.dumps(row)
