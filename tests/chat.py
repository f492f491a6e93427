"""How tests speak to the chat route."""

import json
from typing import Any

import httpx

from dragoman.api.chat_response import ChatCompletion, ChatCompletionChunk

TO_CHINESE = {"source_lang": "English", "target_lang": "Chinese"}


def body(content: Any = "Hello there", **fields: Any) -> dict[str, Any]:
    """A request that translates English into Chinese, with fields changed or added."""
    messages = [{"role": "user", "content": content}]
    return {"model": "qwen-mt-turbo", "messages": messages, "translation_options": TO_CHINESE} | fields


async def chat(client: httpx.AsyncClient, content: Any = "Hello there", **fields: Any) -> httpx.Response:
    """Post such a request."""
    return await client.post("/v1/chat/completions", json=body(content, **fields))


async def translate(client: httpx.AsyncClient, content: Any = "Hello there", **fields: Any) -> str:
    """The text of the first choice."""
    response = await chat(client, content, **fields)
    assert response.status_code == 200, response.text
    return ChatCompletion.model_validate_json(response.text).choices[0].message.content or ""


async def refusal(client: httpx.AsyncClient, content: Any = "Hello there", **fields: Any) -> dict[str, Any]:
    """The error of a request that must be refused with 400."""
    response = await chat(client, content, **fields)
    assert response.status_code == 400, response.text
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """The chunks of a stream, which must end with `[DONE]`."""
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    *chunks, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    documents = [chunk.removeprefix("data: ") for chunk in chunks if not chunk.startswith(":")]
    for document in documents:
        ChatCompletionChunk.model_validate_json(document)
    return [json.loads(document) for document in documents]


def deltas(response: httpx.Response, index: int = 0) -> list[str]:
    """The contents of one choice's chunks, the empty role chunk included."""
    choices = [choice for event in events(response) for choice in event["choices"] if choice["index"] == index]
    return [choice["delta"]["content"] for choice in choices if "content" in choice["delta"]]
