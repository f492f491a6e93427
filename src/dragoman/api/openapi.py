"""Completes the OpenAPI description with the chat route's request and stream, which FastAPI does not see."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from dragoman.api.chat_schema import ChatCompletionChunk, ChatRequest

CHAT_PATH = "/v1/chat/completions"
_REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> None:
    """Make `/openapi.json` say everything about the chat route."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(get_openapi(title=app.title, version=app.version, routes=app.routes))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(ChatRequest, "validation"), (ChatCompletionChunk, "serialization")], ref_template=_REF
    )
    schema["components"]["schemas"] |= definitions["$defs"]
    chat = schema["paths"][CHAT_PATH]["post"]
    chat["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model="ChatRequest")}}},
    }
    chat["responses"]["200"]["content"]["text/event-stream"] = {"schema": _event()}
    return schema


def _event() -> dict[str, Any]:
    """One event of the stream."""
    chunk = {
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": _REF.format(model="ChatCompletionChunk")},
    }
    error = {"contentMediaType": "application/json", "contentSchema": {"$ref": _REF.format(model="ErrorResponse")}}
    data = {"type": "string", "anyOf": [{"const": "[DONE]"}, chunk, error]}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}
