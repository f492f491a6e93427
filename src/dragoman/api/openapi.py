"""Completes the OpenAPI description: the chat route, which is none of FastAPI's, and the keys."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from dragoman.api.chat_response import ChatCompletion, ChatCompletionChunk, ErrorResponse
from dragoman.api.chat_schema import ChatRequest

CHAT_PATH = "/v1/chat/completions"
_REF = "#/components/schemas/{model}"
_CHAT_ERRORS = {
    "400": "The request is wrong; `param` names the field.",
    "401": "The API key is missing or unknown.",
    "404": "No such model.",
    "413": "The body is too large.",
    "429": "The server is full; `Retry-After` says when to come back.",
    "500": "Something went wrong here.",
}


def describe(app: FastAPI) -> None:
    """Make `/openapi.json` say everything about the API."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(get_openapi(title=app.title, version=app.version, routes=app.routes))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [
            (ChatRequest, "validation"),
            (ChatCompletion, "serialization"),
            (ChatCompletionChunk, "serialization"),
            (ErrorResponse, "serialization"),
        ],
        ref_template=_REF,
    )
    schema["components"]["schemas"] |= definitions["$defs"]
    schema["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{}, {"bearer": []}]
    schema["paths"][CHAT_PATH] = {"post": _chat()}
    for path in schema["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # FastAPI's own; ours are 400
    return schema


def _chat() -> dict[str, Any]:
    answer = {"application/json": {"schema": _ref(ChatCompletion)}, "text/event-stream": {"schema": _event()}}
    error = {"application/json": {"schema": _ref(ErrorResponse)}}
    errors = {status: {"description": text, "content": error} for status, text in _CHAT_ERRORS.items()}
    return {
        "tags": ["chat"],
        "operationId": "create_chat_completion",
        "summary": "Translate the last user message",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(ChatRequest)}}},
        "responses": {"200": {"description": "The translation, or with `stream` its events.", "content": answer}}
        | errors,
    }


def _event() -> dict[str, Any]:
    """One event of the stream."""
    chunk = {"contentMediaType": "application/json", "contentSchema": _ref(ChatCompletionChunk)}
    error = {"contentMediaType": "application/json", "contentSchema": _ref(ErrorResponse)}
    data = {"type": "string", "anyOf": [{"const": "[DONE]"}, chunk, error]}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}


def _ref(model: type) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
