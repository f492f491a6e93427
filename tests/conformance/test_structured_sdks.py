"""What SDKs make of structured answers: the OpenAI SDK's helpers and LangChain, over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, pydantic_function_tool
from pydantic import BaseModel, Field

from dragoman.app import create_app
from dragoman.ops.settings import load_settings
from tests.live_server import live_server

pytestmark = pytest.mark.anyio

TEXT = "Good morning. The train is late."
OPTIONS = {"translation_options": {"source_lang": "English", "target_lang": "Chinese"}}


class Sentence(BaseModel):
    """A sentence and its translation."""

    source: str
    target: str


class Translated(BaseModel):
    """A translation."""

    translation: str = Field(description="The text in the target language")
    target_language: Literal["English", "Chinese"]
    confidence: float
    sentences: list[Sentence]
    note: str | None


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """The address of a server with the model in the box."""
    app = await asyncio.to_thread(lambda: create_app(load_settings()))
    async with live_server(app) as port:
        yield f"http://127.0.0.1:{port}/v1"


def check(found: Translated | None) -> None:
    """It is the translation, by sentences, too."""
    assert found is not None
    assert found.target_language == "Chinese"
    assert found.translation == "".join(each.target for each in found.sentences)
    assert [each.source for each in found.sentences] == ["Good morning.", "The train is late."]
    assert "火车" in found.translation
    assert 0 < found.confidence < 1
    assert found.note is None


def asked(**fields: Any) -> dict[str, Any]:
    """A request."""
    return {
        "model": "qwen-mt-turbo",
        "messages": [{"role": "user", "content": TEXT}],
        "extra_body": OPTIONS,
    } | fields


async def test_parse_gives_the_pydantic_model(url: str) -> None:
    """As a response format, and as the arguments of a tool."""
    async with AsyncOpenAI(base_url=url, api_key="any") as sdk:
        answer = await sdk.chat.completions.parse(**asked(response_format=Translated))
        check(answer.choices[0].message.parsed)
        tools = [pydantic_function_tool(Translated, name="save")]
        answer = await sdk.chat.completions.parse(**asked(tools=tools, tool_choice="required"))
        assert answer.choices[0].finish_reason == "tool_calls"
        [call] = answer.choices[0].message.tool_calls or []
        assert isinstance(call.function.parsed_arguments, Translated)
        check(call.function.parsed_arguments)


async def test_streaming_helpers_give_the_same(url: str) -> None:
    """Their events end with the parsed model; the deltas are its JSON."""
    async with AsyncOpenAI(base_url=url, api_key="any") as sdk:
        async with sdk.chat.completions.stream(**asked(response_format=Translated)) as stream:
            seen = [event async for event in stream]
        check((await stream.get_final_completion()).choices[0].message.parsed)
        deltas = [event.delta for event in seen if event.type == "content.delta"]
        assert len(deltas) > 2
        check(Translated.model_validate_json("".join(deltas)))
        tools = [pydantic_function_tool(Translated, name="save")]
        async with sdk.chat.completions.stream(**asked(tools=tools, tool_choice="required")) as stream:
            done = [event async for event in stream if event.type == "tool_calls.function.arguments.done"]
        assert [event.name for event in done] == ["save"]
        check(Translated.model_validate_json(done[0].arguments))


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
async def test_langchain_structured_output(url: str, method: Literal["function_calling", "json_schema"]) -> None:
    """`with_structured_output`, by each of its methods that knows the schema."""
    model = ChatOpenAI(base_url=url, api_key="any", model="qwen-mt-turbo", extra_body=OPTIONS)
    check(await model.with_structured_output(Translated, method=method).ainvoke(TEXT))  # type: ignore[arg-type]


async def test_langchain_json_mode(url: str) -> None:
    """By the method that does not."""
    model = ChatOpenAI(base_url=url, api_key="any", model="qwen-mt-turbo", extra_body=OPTIONS)
    found: Any = await model.with_structured_output(None, method="json_mode").ainvoke(TEXT)
    assert (found["source_lang"], found["target_lang"]) == ("en", "zh")
    assert "火车" in found["translation"]


async def test_langchain_streams_and_binds_tools(url: str) -> None:
    """Text in parts; a forced tool as a call."""
    model = ChatOpenAI(base_url=url, api_key="any", model="qwen-mt-turbo", extra_body=OPTIONS)
    parts = [part.text async for part in model.astream(TEXT)]
    assert "火车" in "".join(parts)
    called = await model.bind_tools([Translated], tool_choice="any").ainvoke(TEXT)
    assert [call["name"] for call in called.tool_calls] == ["Translated"]
    check(Translated.model_validate(called.tool_calls[0]["args"]))
