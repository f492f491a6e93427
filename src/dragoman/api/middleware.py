"""What happens to every request: an id, a log line, metrics, a limit on the body. Pure ASGI."""

import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dragoman.api.errors import error_response
from dragoman.core.errors import RequestTooLarge
from dragoman.ops.metrics import Metrics

log = structlog.get_logger(__name__)

CLIENT_CLOSED_REQUEST = 499
"""The status that nginx gave to requests whose client went away; it is only logged and counted."""


class RequestContext:
    """Names each request, times it, writes its log line, and turns an unexpected exception into an opaque 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["openai-processing-ms"] = str(round((time.perf_counter() - started) * 1000))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except ClientDisconnect:
                status = CLIENT_CLOSED_REQUEST
            except Exception as error:
                log.exception("request failed")
                if status:  # the answer has begun: only breaking it off can tell the client
                    raise
                await error_response(error, request_id)(scope, receive, send_with_headers)
            finally:
                self._settle(scope, status, time.perf_counter() - started)

    def _settle(self, scope: Scope, status: int, seconds: float) -> None:
        endpoint = getattr(scope.get("endpoint"), "__name__", "unmatched")
        self._metrics.requests.labels(endpoint=endpoint, status=status).inc()
        self._metrics.request_seconds.labels(endpoint=endpoint).observe(seconds)
        log.info(
            "request",
            method=scope["method"],
            endpoint=endpoint,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            principal=scope["state"].get("principal"),
        )


class BodyLimit:
    """Refuses a body over the limit, whether its length is declared or comes out while it is read."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            if declared.isdecimal() and int(declared) > self._max_bytes:
                raise self._too_large()
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, receive_within_limit, send)

    def _too_large(self) -> RequestTooLarge:
        return RequestTooLarge(f"The body is over this server's limit of {self._max_bytes} bytes. Send it in parts.")
