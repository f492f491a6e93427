"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dragoman.api.connection import while_connected

HEARTBEAT = ": still here\n\n"
DONE = "data: [DONE]\n\n"


def data_event(json: str) -> str:
    """An event that carries a JSON document.

    Some clients split the stream on `data:`, so inside strings, the only place where it can stand, it is escaped.
    """
    escaped = json.replace("data:", "data\\u003a")
    return f"data: {escaped}\n\n"


class EventStream(Response):
    """Sends events as they come, and comments while none comes.

    The first event is awaited before the status line goes out, so an exception before it is an ordinary error response.
    Later exceptions become the event that `render_error` makes of them. When the client leaves, the events are closed.
    """

    media_type = "text/event-stream"
    charset = "utf-8"

    def __init__(
        self, events: AsyncGenerator[str], *, render_error: Callable[[Exception], str], heartbeat_seconds: float
    ) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._render_error = render_error
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the whole response."""
        await while_connected(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        async with aclosing(self._events):
            event = await anext(self._events)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                await _send_text(send, event)
                await self._send_rest(send)
            except Exception as error:  # noqa: BLE001 # the status line is out: the stream itself must tell
                await _send_text(send, self._render_error(error))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_rest(self, send: Send) -> None:
        while True:
            upcoming = asyncio.ensure_future(anext(self._events, None))
            try:
                while not (await asyncio.wait({upcoming}, timeout=self._heartbeat_seconds))[0]:
                    await _send_text(send, HEARTBEAT)
                event = await upcoming
            finally:
                upcoming.cancel()
            if event is None:
                return
            await _send_text(send, event)


async def _send_text(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
