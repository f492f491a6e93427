"""Models with several engines: the first that can answers, and the answer says which."""

from typing import Any

import httpx
import pytest

from dragoman.core.engine import Batch, Hypotheses, OnToken
from dragoman.core.errors import ConfigurationError, UpstreamFailed
from dragoman.core.types import Hypothesis, Segment
from dragoman.engines.fake import FakeEngine, Options
from dragoman.scheduling.breaker import Breaker
from tests.api.test_chat_stream import service_of
from tests.api.test_errors import envelope
from tests.chat import TO_CHINESE, chat, deltas, events, refusal
from tests.conftest import MakeClient
from tests.fakes import FailingEngine, GatedEngine

pytestmark = pytest.mark.anyio

KOREAN = {"name": "best", "pairs": ["en-ko"]}
ENGINES = {
    "best": {"kind": "fake", "languages": ["en", "zh"]},
    "other": {"kind": "fake", "languages": ["en", "zh", "fr"]},
}


class Failing(FakeEngine):
    """Raises what another server's failure raises, as often as it is told."""

    def __init__(self, times: int) -> None:
        super().__init__(Options())
        self.left = times
        self.asked = 0

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> list[Hypotheses]:
        """Fail, or translate."""
        self.asked += 1
        self.left -= 1
        if self.left >= 0:
            raise UpstreamFailed("It is gone.")
        return list(await super().translate(batch, on_token))


async def routed(make_client: MakeClient, failures: int = 0) -> tuple[httpx.AsyncClient, Failing]:
    """A client of a server whose models have two engines, of which the first fails so often."""
    client = await make_client(engines=ENGINES, default_engine=["best", "other"])
    engine = Failing(failures)
    service_of(client)._batchers["best"]._engine = engine
    return client, engine


def note(response: httpx.Response) -> tuple[str, tuple[str, ...]]:
    """Status and the engines that did not answer."""
    translation: dict[str, Any] = response.json()["choices"][0]["translation"]
    return response.json()["choices"][0]["message"]["content"], tuple(translation["skipped_engines"])


async def test_the_first_engine_answers_where_it_can(make_client: MakeClient) -> None:
    """Another takes over where it lacks the pair or fails, and the answer says so."""
    client, _ = await routed(make_client, failures=1)
    assert note(await chat(client, "Hello")) == ("zh:Hello", ("best",))
    assert note(await chat(client, "Hello")) == ("zh:Hello", ())
    french = {"source_lang": "English", "target_lang": "French"}
    assert note(await chat(client, "Hello", translation_options=french)) == ("fr:Hello", ("best",))
    german = {"source_lang": "English", "target_lang": "German"}
    assert "no en→de" in (await refusal(client, "Hello", translation_options=german))["message"]


async def test_an_answer_that_breaks_off_begins_anew_elsewhere(make_client: MakeClient) -> None:
    """Nobody has read a part of it, unless it is a stream; the operator hears of it."""
    client = await make_client(engines=ENGINES, default_engine=["best", "other"], cache=False)
    service_of(client)._batchers["best"]._engine = FailingEngine(max_batch_segments=1)

    whole = await chat(client, "One. Two. A boom. Four.")
    stream = await chat(client, "One. Two. A boom. Four.", stream=True)

    assert note(whole) == ("zh:One.zh:Two.zh:A boom.zh:Four.", ("best",))
    assert "zh:One." in stream.text
    assert '"error"' in stream.text
    assert 'dragoman_engine_failures_total{engine="best"} 2.0' in (await client.get("/metrics")).text


async def test_a_direct_engine_that_fails_is_replaced_by_a_pivot(make_client: MakeClient) -> None:
    """Others may have the two halves of its pair."""
    engines = {"best": {"kind": "fake"}, "halves": {"kind": "fake", "pairs": ["fr-en", "en-es"]}}
    client = await make_client(engines=engines, default_engine=["best", "halves"], cache=False)
    service_of(client)._batchers["best"]._engine = Failing(99)

    answer = await chat(client, "Bonjour.", translation_options={"source_lang": "fr", "target_lang": "es"})

    assert note(answer) == ("es:en:Bonjour.", ("best",))
    assert answer.json()["choices"][0]["translation"]["engine"] == "halves-en-halves"


async def test_a_stream_begins_with_the_engine_that_answers(make_client: MakeClient) -> None:
    """Nothing of the one that failed is in it."""
    client, _ = await routed(make_client, failures=1)
    response = await chat(client, "Hello. Bye.", stream=True)
    assert "".join(deltas(response)) == "zh:Hello.zh:Bye."
    assert events(response)[-1]["choices"][0]["translation"]["skipped_engines"] == ["best"]
    assert service_of(client).requests_in_progress == 0


async def test_an_engine_that_keeps_failing_is_left_alone_for_a_while(make_client: MakeClient) -> None:
    """Its models stay ready by the others; health shows it."""
    client, engine = await routed(make_client, failures=99)
    for number in range(5):  # other texts, or the cache would know them
        assert note(await chat(client, f"Hello {number}"))[1] == ("best",)
    assert engine.asked == 3
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["engines"]) == (200, {"best": False, "other": True})
    [model, *_] = (await client.get("/v1/models")).json()["data"]
    assert [each["ready"] for each in model["engines"]] == [False, True]


async def test_a_client_may_insist_on_an_engine(make_client: MakeClient) -> None:
    """Then its failure is the answer; one that the model has not is refused."""
    client, _ = await routed(make_client, failures=1)
    response = await chat(client, "Hello", translation_options=TO_CHINESE | {"require_engine": "best"})
    assert response.status_code == 502
    assert envelope(response)["code"] == "upstream_error"
    error = await refusal(client, "Hello", translation_options=TO_CHINESE | {"require_engine": "best of all"})
    assert error["param"] == "translation_options.require_engine"
    assert "best, other" in error["message"]


async def test_when_all_fail_the_last_says_why(make_client: MakeClient) -> None:
    """And nothing stays in progress."""
    client, _ = await routed(make_client, failures=99)
    service_of(client)._batchers["other"]._engine = Failing(99)
    statuses = [(await chat(client, "Hello")).status_code for _ in range(5)]
    assert statuses == [502] * 5
    assert service_of(client).requests_in_progress == 0


def test_a_breaker_opens_rests_and_lets_one_try() -> None:
    """Its time goes by a clock; one success closes it."""
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(3):
        assert not breaker.is_open
        breaker.note(worked=False)
    assert breaker.is_open
    now = 31.0
    assert not breaker.is_open
    breaker.begin()
    assert breaker.is_open
    breaker.note(worked=True)
    assert not breaker.is_open


async def test_a_route_sends_pairs_and_domains_where_they_are_wanted(make_client: MakeClient) -> None:
    """A step with domains is for requests that say so, one with pairs for these; the rest goes on."""
    fake = {"kind": "fake", "languages": ["en", "zh", "fr"]}
    route = [{"name": "legal", "domains": ["law"]}, {"name": "chinese", "pairs": ["*-zh"]}, "rest"]
    client = await make_client(
        engines=dict.fromkeys(("legal", "chinese", "rest"), fake),
        default_engine="rest",
        aliases={"mine": {"engine": route}},
    )
    french = {"source_lang": "English", "target_lang": "French"}
    asked = [TO_CHINESE, TO_CHINESE | {"domains": "The text is about Law, not lawns."}, french]
    answers = [await chat(client, "Hello", model="mine", translation_options=each) for each in asked]
    assert [note(answer)[1] for answer in answers] == [(), (), ("chinese",)]
    names = [answer.json()["choices"][0]["translation"]["engine"] for answer in answers]
    assert names == ["chinese", "legal", "rest"]
    lawns = await chat(client, "Hi", model="mine", translation_options=TO_CHINESE | {"domains": "About lawns."})
    assert lawns.json()["choices"][0]["translation"]["engine"] == "chinese"
    required = await chat(client, "Hi", model="mine", translation_options=TO_CHINESE | {"require_engine": "legal"})
    assert required.status_code == 200


async def test_pairs_that_an_engine_has_not_keep_the_server_from_starting(make_client: MakeClient) -> None:
    """Rather than a model that answers nothing."""
    with pytest.raises(ConfigurationError, match="'best' has none of the `pairs`"):
        await make_client(
            engines=ENGINES,
            default_engine="other",
            aliases={"mine": {"engine": [{"name": "best", "pairs": ["en-ko"]}]}},
        )


async def test_an_engine_that_dawdles_is_replaced_within_its_budget(make_client: MakeClient) -> None:
    """The next one answers; the last one has all the time there is."""
    client = await make_client(
        engines=ENGINES,
        default_engine="other",
        aliases={"mine": {"engine": [{"name": "best", "budget_seconds": 0.01}, "other"]}},
    )
    service_of(client)._batchers["best"]._engine = GatedEngine()
    assert note(await chat(client, "Hello", model="mine")) == ("zh:Hello", ("best",))
    assert service_of(client).requests_in_progress == 0


async def test_pairs_that_no_engine_has_go_through_english(make_client: MakeClient) -> None:
    """The answer says so; direct pairs do not; without pivots they are refused."""
    engines = {"in": {"kind": "fake", "pairs": ["fr-en", "en-fr"]}, "out": {"kind": "fake", "pairs": ["en-zh"]}}
    client = await make_client(engines=engines, default_engine=["in", "out"])
    options = {"source_lang": "French", "target_lang": "Chinese"}

    answer = (await chat(client, "Bonjour tout le monde.", translation_options=options)).json()["choices"][0]
    direct = (await chat(client, "Hello.")).json()["choices"][0]
    languages = (await client.get("/v1/languages")).json()["data"]

    assert answer["message"]["content"] == "zh:en:Bonjour tout le monde."
    assert (answer["translation"]["pivot_lang"], answer["translation"]["engine"]) == ("en", "in-en-out")
    assert (direct["message"]["content"], direct["translation"]["pivot_lang"]) == ("zh:Hello.", None)
    assert next(each for each in languages if each["code"] == "fr")["pivoted_targets"] == ["zh", "zh_tw"]
    client = await make_client(engines=engines, default_engine=["in", "out"], pivot_languages=[])
    assert "no fr→zh" in (await refusal(client, "Bonjour.", translation_options=options))["message"]


async def test_terms_and_tags_survive_a_pivot(make_client: MakeClient) -> None:
    """They are between the source and the last translation, whatever was between."""
    engines = {"in": {"kind": "fake", "pairs": ["fr-en"]}, "out": {"kind": "fake", "pairs": ["en-zh"]}}
    client = await make_client(engines=engines, default_engine=["in", "out"])
    options = {"source_lang": "fr", "target_lang": "zh", "terms": [{"source": "chat", "target": "猫咪"}]}

    answer = await chat(client, "<p>Le chat <b>dort</b> {here}.</p>", translation_options=options)

    [choice] = answer.json()["choices"]
    assert choice["translation"]["terms"]["missing"] == []
    assert choice["message"]["content"].count("猫咪") == 1
    for part in ("<p>", "<b>", "</b>", "{here}", "</p>"):
        assert choice["message"]["content"].count(part) == 1


async def test_a_segment_that_fails_its_checks_moves_on(make_client: MakeClient) -> None:
    """To the next engine, with its term and its tag; the answer says which, and `require_engine` forbids it."""
    client = await make_client(engines=ENGINES, default_engine=["best", "other"], cache=False)

    class Refusing(FakeEngine):
        def _hypothesis(self, segment: Segment, target: str, rank: int) -> Hypothesis:
            text = "no " * 20 if "cat" in segment.text else "zh:" + segment.text
            return Hypothesis(self.tokenize(text), score=-1.0, ended=True)

    service_of(client)._batchers["best"]._engine = Refusing(Options())
    options = TO_CHINESE | {"terms": [{"source": "cat", "target": "猫咪"}]}

    text = "One. The <b>cat</b> sleeps here."
    [choice] = (await chat(client, text, translation_options=options)).json()["choices"]
    required = await chat(client, "The cat sleeps.", translation_options=TO_CHINESE | {"require_engine": "best"})

    assert choice["message"]["content"].startswith("zh:One.zh:The")
    assert choice["message"]["content"].count("<b>猫咪</b>") == 1
    assert choice["translation"]["moved_segments"] == [{"segment": 1, "engine": "other"}]
    assert "no no no" in required.json()["choices"][0]["message"]["content"]
