"""API keys."""

import asyncio
from pathlib import Path

import httpx
import pytest

from dragoman.accounts.keys import Keys
from dragoman.core.types import Principal
from tests.chat import body
from tests.conftest import MakeClient, fake_app
from tests.live_server import live_server

pytestmark = pytest.mark.anyio

PATHS = [("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/v1/models/qwen-mt-plus")]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong", "beta", "Basic beta", "Bearer beta beta"]
)
async def test_without_a_known_key_the_answer_is_401(
    make_client: MakeClient, method: str, path: str, authorization: str | None
) -> None:
    """On every route of the API."""
    client = await make_client(api_keys="alpha,beta")
    headers = {} if authorization is None else {"authorization": authorization}

    response = await client.request(method, path, headers=headers, json=body())

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (401, "invalid_api_key")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("authorization", ["Bearer alpha", "bearer beta", "Bearer gamma"])
async def test_known_keys_pass(
    make_client: MakeClient, tmp_path: Path, method: str, path: str, authorization: str
) -> None:
    """Those of the setting and those of the file."""
    keys = tmp_path / "keys"
    keys.write_text("# ours\ngamma # theirs\n\n")
    client = await make_client(api_keys="alpha, beta", api_keys_file=keys)

    response = await client.request(method, path, headers={"authorization": authorization}, json=body())

    assert response.status_code == 200


async def test_without_keys_any_credential_passes(client: httpx.AsyncClient) -> None:
    """SDKs insist on sending one."""
    response = await client.get("/v1/models", headers={"authorization": "Bearer sk-anything"})

    assert response.status_code == 200


async def test_health_needs_no_key(make_client: MakeClient) -> None:
    """Orchestrators have none."""
    client = await make_client(api_keys="alpha")

    assert (await client.get("/health/ready")).status_code == 200


@pytest.mark.parametrize(
    ("trusted", "address"), [(["127.0.0.1"], "203.0.113.9"), (["192.0.2.1"], "127.0.0.1"), ([], "127.0.0.1")]
)
async def test_forwarded_address_counts_from_trusted_peers_only(trusted: list[str], address: str) -> None:
    """`X-Forwarded-For` names the principal then; `X-Forwarded-Host` never has an effect."""
    app = await asyncio.to_thread(fake_app)
    seen: list[Principal] = []

    class RecordingKeys(Keys):
        def authenticate(self, credential: str | None, peer: str) -> Principal:
            seen.append(super().authenticate(credential, peer))
            return seen[-1]

    app.state.keys = RecordingKeys([])
    headers = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "x-forwarded-host": "localhost:5173"}

    async with live_server(app, forwarded_allow_ips=trusted) as port, httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{port}/v1/models", headers=headers)

    assert response.status_code == 200
    assert seen == [Principal(f"address:{address}")]
