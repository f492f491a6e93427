"""Domain errors as OpenAI's error envelope: `{"error": {message, type, param, code}, "request_id"}`."""

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from dragoman.api.chat_response import ErrorBody, ErrorResponse
from dragoman.core.errors import (
    DeadlineExceeded,
    DragomanError,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    RequestTooLarge,
    ShuttingDown,
    Unauthenticated,
    UpstreamFailed,
)

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"

# Status and `type` by the nearest class in the tree of `core/errors.py`.
_RENDERING: dict[type[BaseException], tuple[int, str]] = {
    InvalidRequest: (400, INVALID_REQUEST),
    Unauthenticated: (401, INVALID_REQUEST),
    ModelNotFound: (404, INVALID_REQUEST),
    RequestTooLarge: (413, INVALID_REQUEST),
    Overloaded: (429, "limit_requests"),
    UpstreamFailed: (502, SERVER_ERROR),
    ShuttingDown: (503, SERVER_ERROR),
    DeadlineExceeded: (504, SERVER_ERROR),
}


def status_and_type(error: type[BaseException]) -> tuple[int, str]:
    """The HTTP status and `error.type` of a class of exceptions."""
    return next((_RENDERING[cls] for cls in error.__mro__ if cls in _RENDERING), (500, SERVER_ERROR))


def error_body(error: BaseException, request_id: str) -> str:
    """The envelope as JSON. What is no `DragomanError` says nothing of its cause."""
    _, kind = status_and_type(type(error))
    body = (
        ErrorBody(message=error.message, type=kind, param=error.param, code=error.code)
        if isinstance(error, DragomanError)
        else ErrorBody(
            message=f"Something went wrong here; the log knows it by request id {request_id}.",
            type=kind,
            param=None,
            code="internal_error",
        )
    )
    return ErrorResponse(error=body, request_id=request_id).model_dump_json()


def error_response(error: BaseException, request_id: str) -> Response:
    """The envelope as a response."""
    status, _ = status_and_type(type(error))
    headers = {"www-authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
    if isinstance(error, Overloaded):
        headers["retry-after"] = str(error.retry_after_seconds)
    return Response(error_body(error, request_id), status, headers, "application/json")


def install_error_handlers(app: FastAPI) -> None:
    """Give every error of every route the one envelope."""

    async def on_domain_error(request: Request, error: Exception) -> Response:
        return error_response(error, request.state.request_id)

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException), "this is a bug: the handler is registered for HTTPException"
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
        message = f"{request.method} {request.url.path[:100]}: {error.detail}. GET /openapi.json lists what is here."
        body = ErrorBody(message=message, type=INVALID_REQUEST, param=None, code=code)
        content = ErrorResponse(error=body, request_id=request.state.request_id).model_dump_json()
        return Response(content, error.status_code, error.headers, "application/json")

    app.add_exception_handler(DragomanError, on_domain_error)
    app.add_exception_handler(HTTPException, on_http_error)
