"""Whatever a client sends, the answer is OpenAI's envelope and never a 500."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dragoman.api import errors
from dragoman.core import errors as domain
from dragoman.scheduling.admission import Admission
from tests.api.test_chat_stream import service_of, use_engine
from tests.chat import body, chat
from tests.conftest import MakeClient
from tests.fakes import GatedEngine

pytestmark = pytest.mark.anyio


def envelope(response: httpx.Response) -> dict[str, Any]:
    """The error, after a look at the envelope around it."""
    answer = response.json()
    assert set(answer) == {"error", "request_id"}
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert answer["request_id"] == response.headers["x-request-id"]
    error: dict[str, Any] = answer["error"]
    return error


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"model": "qwen-mt-turbo", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "qwen-mt-turbo", "messages": [{"role": "user", "content": "a"}], "temperature": NaN}',
        b'{"model": "qwen-mt-turbo", "messages": [{"role": "user", "content": "a"}], "temperature": 1e999}',
        b'{"model": "qwen-mt-turbo", "messages": [{"role": "user", "content": "a"}], "n": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 5000,
    ],
    ids=range(12),
)
async def test_bad_json_is_400(client: httpx.AsyncClient, content: bytes) -> None:
    """Broken, of another kind, with lone surrogates, not numbers, or nested too deep."""
    response = await client.post("/v1/chat/completions", content=content)

    assert response.status_code == 400
    assert envelope(response)["type"] == "invalid_request_error"


async def test_content_type_does_not_matter(client: httpx.AsyncClient) -> None:
    """Some clients send none."""
    content = client.build_request("POST", "/", json=body()).content

    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"content-type": content_type}
        assert (await client.post("/v1/chat/completions", content=content, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("POST", "/v1/chat", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/nope", 404, "model_not_found"),
    ],
)
async def test_unknown_routes_and_methods(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    """Have the envelope too."""
    response = await client.request(method, path)

    assert (response.status_code, envelope(response)["code"]) == (status, code)


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_over_the_limit_is_413(make_client: MakeClient, chunked: bool) -> None:  # noqa: FBT001
    """Whether its length is declared or comes out while it is read; at the limit it passes."""
    client = await make_client(max_body_bytes=2000)

    async def post(size: int) -> httpx.Response:
        content = client.build_request("POST", "/", json=body()).content.ljust(size)

        async def parts() -> AsyncIterator[bytes]:
            for start in range(0, size, 100):
                yield content[start : start + 100]

        return await client.post("/v1/chat/completions", content=parts() if chunked else content)

    assert (await post(2000)).status_code == 200
    refused = await post(2001)
    assert (refused.status_code, envelope(refused)["code"]) == (413, "request_too_large")


async def test_full_server_refuses_at_once_with_retry_after(make_client: MakeClient) -> None:
    """And takes requests again when one has ended."""
    client = await make_client(max_concurrent_requests=1)
    engine = GatedEngine()
    use_engine(client, engine)
    first = asyncio.create_task(chat(client))
    await engine.waiting.wait()

    for stream in (False, True):
        refused = await chat(client, stream=stream)
        assert (refused.status_code, envelope(refused)["code"]) == (429, "limit_burst_rate")
        assert 1 <= int(refused.headers["retry-after"]) <= 120

    engine.gate.set()
    assert (await first).status_code == 200
    assert (await chat(client)).status_code == 200


async def test_places_are_given_back_whatever_happens(make_client: MakeClient) -> None:
    """After answers, refusals, failures and streams."""
    client = await make_client()
    requests: list[dict[str, Any]] = [{}, {"stream": True}, {"translation_options": {"target_lang": "x"}}, {"n": 99}]

    for fields in requests:
        await chat(client, **fields)

    admission: Admission = service_of(client)._admission
    assert admission.in_progress == 0


def test_every_domain_error_has_a_status_of_its_own() -> None:
    """Only those that no request can cause fall back to 500."""
    classes = [each for each in vars(domain).values() if isinstance(each, type) and each.__module__ == domain.__name__]

    by_default = {cls.__name__ for cls in classes if errors.status_and_type(cls)[0] == 500}

    assert by_default == {"DragomanError", "ConfigurationError", "ModelUnavailable"}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("http://127.0.0.1", True),
        ("chrome-extension://abcdef", True),
        ("moz-extension://1234-5678", True),
        ("https://example.com", False),
        ("https://localhost.example.com", False),
    ],
)
async def test_cors_is_for_localhost_and_extensions(client: httpx.AsyncClient, origin: str, allowed: bool) -> None:  # noqa: FBT001
    """A preflight and the answer itself."""
    asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "x-a"}

    preflight = await client.options("/v1/chat/completions", headers=asked)
    answer = await client.post("/v1/chat/completions", json=body(), headers={"origin": origin})

    assert (preflight.headers.get("access-control-allow-origin") == origin) == allowed
    assert (answer.headers.get("access-control-allow-origin") == origin) == allowed
    assert not allowed or "x-request-id" in answer.headers["access-control-expose-headers"]


async def test_cors_is_configurable(make_client: MakeClient) -> None:
    """By a regular expression."""
    client = await make_client(cors_origin_regex="https://app[.]example")

    answer = await client.post("/v1/chat/completions", json=body(), headers={"origin": "https://app.example"})

    assert answer.headers["access-control-allow-origin"] == "https://app.example"
