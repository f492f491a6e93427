"""Deadlines, the cache and the end of the server, as a client sees them."""

import threading

import httpx
import pytest

from tests.api.test_chat_stream import service_of, use_engine
from tests.api.test_errors import envelope
from tests.chat import body, chat, translate
from tests.conftest import MakeClient
from tests.fakes import GatedEngine, RecordingEngine

pytestmark = pytest.mark.anyio


async def test_an_answer_that_is_late_is_504_and_its_work_is_dropped(make_client: MakeClient) -> None:
    """By the header; a stream that has begun ends with the error. Nothing stays in progress."""
    client = await make_client()
    engine = GatedEngine()
    use_engine(client, engine)
    headers = {"x-request-timeout": "0.01"}
    response = await client.post("/v1/chat/completions", json=body(), headers=headers)
    assert response.status_code == 504
    assert envelope(response)["code"] == "request_timeout"
    headers = {"x-request-timeout": "0.3"}  # the text is cut by then, the engine never answers
    stream = await client.post("/v1/chat/completions", json=body(stream=True), headers=headers)
    assert '"code":"request_timeout"' in stream.text.split("\n\n")[-2]
    await engine.cancelled.wait()
    assert service_of(client).requests_in_progress == 0


async def test_the_time_runs_while_a_text_is_cut(make_client: MakeClient) -> None:
    """A long text that waits for other texts to be cut is late, too."""
    client = await make_client()
    release = threading.Event()
    service_of(client)._preparer.submit(release.wait)
    response = await client.post(
        "/v1/chat/completions", json=body("Hello. " * 100), headers={"x-request-timeout": "0.01"}
    )
    release.set()
    assert response.status_code == 504
    assert service_of(client).requests_in_progress == 0


async def test_the_operator_sets_the_longest_time(make_client: MakeClient) -> None:
    """A client may ask for less, not for more."""
    client = await make_client(request_timeout_seconds=0.01)
    use_engine(client, GatedEngine())
    response = await client.post("/v1/chat/completions", json=body(), headers={"x-request-timeout": "100"})
    assert response.status_code == 504


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "nan", "inf"])
async def test_a_time_that_is_none_is_400(client: httpx.AsyncClient, seconds: str) -> None:
    """It names the header."""
    response = await client.post("/v1/chat/completions", json=body(), headers={"x-request-timeout": seconds})
    assert response.status_code == 400
    assert envelope(response)["param"] == "x-request-timeout"


@pytest.mark.parametrize(("headers", "times"), [({}, 1), ({"cache-control": "No-Store"}, 2)])
async def test_the_same_again_comes_from_the_cache(
    make_client: MakeClient, headers: dict[str, str], times: int
) -> None:
    """Unless the client wants nothing stored."""
    client = await make_client()
    engine = RecordingEngine()
    use_engine(client, engine)
    for _ in range(2):
        response = await client.post("/v1/chat/completions", json=body("Hello there"), headers=headers)
        assert response.json()["choices"][0]["message"]["content"] == "zh:Hello there"
    assert len(engine.batches) == times


async def test_the_cache_can_be_turned_off(make_client: MakeClient) -> None:
    """`cache = false`."""
    client = await make_client(cache=False)
    engine = RecordingEngine()
    use_engine(client, engine)
    assert [await translate(client), await translate(client)] == ["zh:Hello there"] * 2
    assert len(engine.batches) == 2


async def test_before_it_stops_the_server_says_so(make_client: MakeClient) -> None:
    """Not ready, and 503 for new work; alive all the same."""
    client = await make_client()
    service_of(client).drain()
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200
    response = await chat(client)
    assert response.status_code == 503
    assert envelope(response)["code"] == "service_unavailable"


async def test_an_engine_that_hangs_makes_the_server_unready(make_client: MakeClient) -> None:
    """So that an orchestrator starts it anew."""
    client = await make_client()
    use_engine(client, GatedEngine())
    service_of(client)._batchers["fake"]._batch_timeout_seconds = 0.01
    assert (await chat(client)).status_code == 504
    assert (await client.get("/health/ready")).status_code == 503
