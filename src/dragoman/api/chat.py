"""`POST /v1/chat/completions`: Qwen-MT's dialect of OpenAI's chat completions."""

import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dragoman.api.answer_fill import filled
from dragoman.api.answer_form import answer_form
from dragoman.api.auth import authenticate
from dragoman.api.chat_render import Envelope, StreamMode, chunks, completion
from dragoman.api.chat_request import parse, to_translation_request, with_headers
from dragoman.api.chat_response import ChatCompletion
from dragoman.api.chat_schema import ChatRequest
from dragoman.api.connection import while_connected
from dragoman.api.errors import error_body
from dragoman.api.sse import DONE, EventStream, data_event
from dragoman.core.errors import DragomanError
from dragoman.core.types import TranslationRequest
from dragoman.route import Alias, Translation
from dragoman.service import TranslationService

log = structlog.get_logger(__name__)

# Clients that take every chunk of these models for the whole text so far, as Alibaba's service sends it.
_CUMULATIVE_CLIENTS = (("x-title", "Cherry Studio"), ("http-referer", "https://cherry-ai.com"))
_CUMULATIVE_MODELS = re.compile(r"qwen-mt-(turbo|plus)")


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What operators can set about this dialect."""

    strict_roles: bool
    heartbeat_seconds: float


async def create_chat_completion(request: Request) -> Response:
    """Translate the last user message, as `translation_options` say.

    A plain Starlette endpoint: FastAPI's machinery would cost as much time as all the rest that is not the engine.
    `openapi.py` describes it.
    """
    principal = await authenticate(request)
    service: TranslationService = request.app.state.service
    options: ChatOptions = request.app.state.chat_options
    service.check_admission()  # a refusal should cost as little as possible, or many of them are a load of their own
    body = parse(await request.body())
    job = replace(to_translation_request(body, strict_roles=options.strict_roles), principal=principal)
    form, job = answer_form(body).applied(with_headers(job, request.headers))
    request_id: str = request.state.request_id
    envelope = Envelope(
        f"chatcmpl-{request_id}",
        int(time.time()),
        body.model,
        choices=body.n or 1,
        logprobs=job.decoding.top_logprobs is not None,
        form=form,
    )
    if job.stream:
        mode = _stream_mode(body, service.alias(body.model), request.headers)
        return EventStream(
            _events(service, job, envelope, mode),
            render_error=lambda error: _error_event(error, request_id),
            heartbeat_seconds=options.heartbeat_seconds,
        )
    answer = await while_connected(request.receive, _complete(service, job, envelope))
    return Response(answer.model_dump_json(), media_type="application/json")


async def _complete(service: TranslationService, job: TranslationRequest, envelope: Envelope) -> ChatCompletion:
    async with service.open(job) as translation:
        return await completion(envelope, _in_form(translation, job, envelope))


async def _events(
    service: TranslationService, job: TranslationRequest, envelope: Envelope, mode: StreamMode
) -> AsyncGenerator[str]:
    async with (
        service.open(job) as translation,
        aclosing(chunks(envelope, _in_form(translation, job, envelope), mode)) as written,
    ):
        async for chunk in written:
            yield data_event(chunk)
    yield DONE


def _in_form(translation: Translation, job: TranslationRequest, envelope: Envelope) -> Translation:
    template = envelope.form.template
    return translation if template is None else filled(translation, job.text, template, envelope.choices)


def _stream_mode(body: ChatRequest, alias: Alias, headers: Mapping[str, str]) -> StreamMode:
    expected = _CUMULATIVE_MODELS.search(body.model) is not None and any(
        headers.get(name, "").rstrip("/") == value for name, value in _CUMULATIVE_CLIENTS
    )
    asked = None if body.incremental_output is None else not body.incremental_output
    include_usage = body.stream_options is not None and bool(body.stream_options.include_usage)
    return StreamMode(alias.cumulative or expected if asked is None else asked, include_usage)


def _error_event(error: Exception, request_id: str) -> str:
    if not isinstance(error, DragomanError):
        log.error("stream failed", exc_info=error)
    return data_event(error_body(error, request_id))
