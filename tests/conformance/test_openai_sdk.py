"""The official OpenAI SDK, over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from dragoman.app import create_app
from dragoman.ops.settings import load_settings
from tests.conftest import fake_app
from tests.live_server import live_server

pytestmark = pytest.mark.anyio

SPECIFICATION = "I didn't laugh after watching this video."


@pytest.fixture
async def sdk() -> AsyncIterator[AsyncOpenAI]:
    """The SDK, pointed at a server with the fake engine and a key."""
    app = await asyncio.to_thread(lambda: fake_app(api_keys="sk-test", max_concurrent_requests=1))
    async with live_server(app) as port, AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-test") as sdk:
        yield sdk


@pytest.fixture
async def starter_sdk() -> AsyncIterator[AsyncOpenAI]:
    """The SDK, pointed at a server with the model in the box."""
    app = await asyncio.to_thread(lambda: create_app(load_settings()))
    async with live_server(app) as port, AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="any") as sdk:
        yield sdk


def ask(text: str, target: str) -> dict[str, Any]:
    """The arguments of the documentation's example."""
    return {
        "model": "qwen-mt-turbo",
        "messages": [{"role": "user", "content": text}],
        "extra_body": {"translation_options": {"source_lang": "auto", "target_lang": target}},
    }


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        (SPECIFICATION, "English", [SPECIFICATION]),
        (SPECIFICATION, "Chinese", ["视频", "笑"]),
        ("我看到这个视频后没有笑", "English", ["video"]),
    ],
)
async def test_model_in_the_box_translates_the_specification(
    starter_sdk: AsyncOpenAI, text: str, target: str, words: list[str]
) -> None:
    """Plain and streamed alike, with words that must be there."""
    answer = await starter_sdk.chat.completions.create(**ask(text, target))
    stream = await starter_sdk.chat.completions.create(**ask(text, target), stream=True)

    translation = answer.choices[0].message.content
    assert translation is not None
    assert all(word in translation for word in words)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == translation
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


async def test_stream_helper_collects_what_create_returns(sdk: AsyncOpenAI) -> None:
    """The SDK's own accumulator, with usage."""
    request = ask("One.\nTwo.", "Chinese")

    async with sdk.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
        final = await stream.get_final_completion()

    assert final.choices[0].message.content == "zh:One.\nzh:Two."
    assert final.choices[0].finish_reason == "stop"
    assert final.usage is not None


async def test_errors_become_the_sdks_exceptions(sdk: AsyncOpenAI) -> None:
    """Each status its class, with code and request id."""
    with pytest.raises(openai.BadRequestError) as bad:
        await sdk.chat.completions.create(**ask("x", "Klingon"))
    with pytest.raises(openai.NotFoundError) as unknown:
        await sdk.chat.completions.create(**(ask("x", "zh") | {"model": "gpt-4"}))
    with pytest.raises(openai.AuthenticationError) as stranger:
        await sdk.with_options(api_key="sk-other").models.list()

    assert (bad.value.code, bad.value.param) == ("invalid_parameter_error", "translation_options.target_lang")
    assert unknown.value.code == "model_not_found"
    assert stranger.value.code == "invalid_api_key"
    assert bad.value.request_id


async def test_models_are_listed(sdk: AsyncOpenAI) -> None:
    """And retrieved."""
    listed = [model.id async for model in sdk.models.list()]

    assert "qwen-mt-turbo" in listed
    assert (await sdk.models.retrieve("qwen-mt-plus")).id == "qwen-mt-plus"
