"""A server of chat completions as engines meet them, with the habits and faults of real ones, chosen by model id."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


async def aiter_of(part: bytes) -> AsyncIterator[bytes]:
    """One part, and no more."""
    yield part


class Upstream:
    """Translates `Hello` into `<Hello>`; remembers what it was asked. Streams are cumulative for `translation_options`.

    Models: `plain`; `thinking`, `chatty`, `fenced`: what they say around it; `busy-N`: 429 N times before; `down-N`:
    503 N times; `forbidden`; `broken`: an error in mid-stream; `half`: the stream ends without an end; `stalls`;
    `empty`; `nonsense`: no JSON; `cut`: the connection closes in the middle of it; `doubled`: two stop chunks and a
    chunk of usage; `strict`: takes only OpenAI's own parameters.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.left = asyncio.Event()
        self.models_status = 200
        routes = [Route("/v1/chat/completions", self._answer, methods=["POST"]), Route("/v1/models", self._models)]
        self.app = Starlette(routes=routes)

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": []}, self.models_status)

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        kind, _, times = body["model"].partition("-")
        fault = self._fault(kind, times, body)
        if fault is not None:
            return fault
        text = self._text(kind, body)
        self._options = body.get("translation_options")
        if body.get("stream"):
            return StreamingResponse(self._events(kind, text), media_type="text/event-stream")
        if kind == "stalls":
            await asyncio.sleep(60)
        message = {"role": "assistant", "content": text}
        choices = [{"index": n, "message": message, "finish_reason": "stop"} for n in range(body.get("n", 1))]
        return JSONResponse({"choices": [] if kind == "empty" else choices})

    def _fault(self, kind: str, times: str, body: dict[str, Any]) -> Response | None:
        if times and len(self.bodies) <= int(times):
            status = {"busy": 429, "down": 503}[kind]
            return JSONResponse({"error": {"message": "no"}}, status, {"retry-after": "7"} if kind == "busy" else {})
        if kind == "strict" and {"top_k", "repetition_penalty"} & body.keys():
            return JSONResponse({"detail": "Unexpected fields in the request"}, 422)
        faults: dict[str, Response] = {
            "forbidden": JSONResponse({"error": {"message": "your key sk-secret is wrong"}}, 401),
            "cut": StreamingResponse(aiter_of(b'{"choices"'), headers={"content-length": "1000"}),
            "nonsense": Response("<html>"),
        }
        return faults.get(kind)

    @staticmethod
    def _text(kind: str, body: dict[str, Any]) -> str:
        content = body["messages"][-1]["content"]
        source = content[0]["text"] if isinstance(content, list) else content.rpartition("\n\n")[2]
        around = {
            "thinking": f"<think>\nWhat is {source}?\n</think>\n\n<{source}>",
            "chatty": f'Translation: "<{source}>"',
            "fenced": f"```text\n<{source}>\n```",
        }
        return around.get(kind, f"<{source}>")

    async def _events(self, kind: str, text: str) -> AsyncIterator[str]:
        def event(delta: dict[str, Any], reason: str | None = None) -> str:
            return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': reason}]})}\n\n"

        try:
            yield ": hello\n\n" + event({"role": "assistant", "content": ""})
            for start in range(0, len(text), 3):
                if kind in {"broken", "half", "stalls"} and start:
                    if kind == "broken":
                        yield 'data: {"error": {"message": "out of memory"}}\n\n'
                    if kind == "stalls":
                        await asyncio.sleep(60)
                    return
                yield event({"content": text[: start + 3] if self._options else text[start : start + 3]})
                await asyncio.sleep(0)
            last = event({"content": text} if self._options else {}, "stop")  # as Alibaba's service has it
            yield last
            if kind == "doubled":
                yield last + 'data: {"choices": [], "usage": {"total_tokens": 3}}\n\n'
            yield "data: [DONE]\n\n"
        finally:
            self.left.set()
