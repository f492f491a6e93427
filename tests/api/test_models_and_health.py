"""The small routes."""

import httpx
import pytest

from dragoman.engines.fake import FakeEngine, Options
from dragoman.ops.logging import configure_logging
from tests.api.test_chat_stream import use_engine
from tests.chat import chat
from tests.conftest import MakeClient

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("prefix", ["/v1", "/compatible-mode/v1"])
async def test_models_are_listed_and_retrieved(make_client: MakeClient, prefix: str) -> None:
    """Aliases, but not the wildcard; a vendor prefix may contain slashes."""
    client = await make_client(aliases={"mine": {}, "*": {}})

    listed = (await client.get(f"{prefix}/models")).json()
    one = (await client.get(f"{prefix}/models/any/vendor/model")).json()

    ids = [model["id"] for model in listed["data"]]
    assert ids == ["mine", "qwen-mt-flash", "qwen-mt-lite", "qwen-mt-plus", "qwen-mt-turbo"]
    assert listed["object"] == "list"
    assert (one["id"], one["object"], one["owned_by"]) == ("any/vendor/model", "model", "dragoman")
    assert isinstance(one["created"], int)


async def test_models_and_languages_say_what_can_be_translated(make_client: MakeClient) -> None:
    """The engine behind a model and whether it can; each language with those into which."""
    options = {"kind": "fake", "languages": ["en", "zh", "fr"]}
    client = await make_client(engines={"fake": options})
    [model, *_] = (await client.get("/v1/models")).json()["data"]
    languages = (await client.get("/v1/languages", params={"model": "qwen/qwen-mt-plus"})).json()
    fake = {"name": "fake", "id": "fake", "version": "1", "licence": "Apache-2.0", "ready": True}
    assert model["engines"] == [fake]
    assert model["languages"] == ["en", "fr", "zh", "zh_tw"]
    english = next(each for each in languages["data"] if each["code"] == "en")
    assert english == {"code": "en", "name": "English", "targets": ["fr", "zh", "zh_tw"], "pivoted_targets": []}
    assert (await client.get("/v1/languages", params={"model": "nope"})).status_code == 404


async def test_health_follows_the_engines(make_client: MakeClient) -> None:
    """Alive in any case, ready only when every engine can translate."""
    client = await make_client()

    class Sick(FakeEngine):
        async def health(self) -> bool:
            return False

    assert (await client.get("/health")).json()["engines"] == {"fake": True}
    use_engine(client, Sick(Options()))

    assert (await client.get("/health/live")).json() == {"status": "ok"}
    for path in ("/health/ready", "/health"):
        response = await client.get(path)
        assert (response.status_code, response.json()["status"]) == (503, "unavailable")


async def test_metrics_count_requests_segments_and_tokens(make_client: MakeClient) -> None:
    """By labels of closed sets: no text, key or path of a client's making appears."""
    client = await make_client(aliases={"*": {}})
    await chat(client, "One two.\nThree secretword.", model="secretmodel")
    await chat(client, n=99)
    await client.get("/secretpath")

    text = (await client.get("/metrics")).text

    for line in (
        'dragoman_requests_total{endpoint="create_chat_completion",status="200"} 1.0',
        'dragoman_requests_total{endpoint="create_chat_completion",status="400"} 1.0',
        'dragoman_requests_total{endpoint="unmatched",status="404"} 1.0',
        'dragoman_segments_total{engine="fake"} 2.0',
        'dragoman_tokens_total{engine="fake",kind="prompt"} 4.0',
        'dragoman_tokens_total{engine="fake",kind="completion"} 4.0',
        'dragoman_batch_segments_count{engine="fake"} 1.0',
        'dragoman_cached_segments_total{result="miss"} 2.0',
        "dragoman_requests_in_progress 0.0",
        "dragoman_queued_segments 0.0",
        'dragoman_phase_seconds_count{phase="read"} 1.0',
        'dragoman_phase_seconds_count{phase="prepare"} 1.0',
        'dragoman_phase_seconds_count{phase="translate"} 1.0',
        'dragoman_request_seconds_count{endpoint="create_chat_completion"} 2.0',
    ):
        assert line in text
    assert "secret" not in text


async def test_texts_and_keys_are_never_logged(make_client: MakeClient, capfd: pytest.CaptureFixture[str]) -> None:
    """A line has the request's id, route, status and time."""
    configure_logging("info", "console")  # on the captured standard error
    client = await make_client(api_keys="secretkey")
    client.headers["authorization"] = "Bearer secretkey"

    for text in ("secretword", "boom secretword"):
        response = await chat(client, text, user="secretuser", model="qwen-mt-turbo")

    logged = capfd.readouterr()
    assert response.headers["x-request-id"] in logged.err
    assert "secret" not in logged.err + logged.out


async def test_openapi_describes_the_chat_route(client: httpx.AsyncClient) -> None:
    """With its full request, the completion, the stream, and the errors."""
    schema = (await client.get("/openapi.json")).json()
    chat_route = schema["paths"]["/v1/chat/completions"]["post"]

    assert "translation_options" in schema["components"]["schemas"]["ChatRequest"]["properties"]
    assert chat_route["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/ChatRequest")
    assert set(chat_route["responses"]) == {"200", "400", "401", "404", "413", "429", "500"}
    assert set(chat_route["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
