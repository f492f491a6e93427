"""Log-probabilities, penalties and seeds over HTTP, with the model in the box."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dragoman.api.chat_response import ChatCompletion, TokenLogprob
from dragoman.app import create_app
from dragoman.ops.settings import Settings
from tests.chat import body, chat, events, refusal
from tests.conftest import client_of

pytestmark = pytest.mark.anyio

TEXT = "Good morning. See https://x.test/a for the price of two cups of coffee.\n\n42"
TERMS = {"source_lang": "English", "target_lang": "Chinese", "terms": [{"source": "coffee", "target": "卡布奇诺"}]}


@pytest.fixture(scope="module")
def boxed_app() -> FastAPI:
    """A server with the model in the box, for all of these tests."""
    return create_app(Settings())


@pytest.fixture
def boxed(boxed_app: FastAPI) -> httpx.AsyncClient:
    """Its client."""
    return client_of(boxed_app)


def scored(response: httpx.Response, index: int = 0) -> list[TokenLogprob]:
    """The tokens of a choice, whose text joined is its content."""
    choice = ChatCompletion.model_validate_json(response.text).choices[index]
    assert choice.logprobs is not None
    assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
    assert bytes(byte for token in choice.logprobs.content for byte in token.bytes or []).decode() == (
        choice.message.content
    )
    return choice.logprobs.content


async def test_tokens_concatenate_to_the_content_whatever_was_put_in(boxed: httpx.AsyncClient) -> None:
    """Links and white space have log-probability 0 and no alternatives; the model's words, terms too, have theirs."""
    tokens = scored(await chat(boxed, TEXT, logprobs=True, top_logprobs=2, translation_options=TERMS))
    by_hand = {token.token.strip() for token in tokens if not token.top_logprobs}
    assert "https://x.test/a" in by_hand
    assert "卡布奇诺" in "".join(token.token for token in tokens)
    assert all(token.logprob == 0 for token in tokens if not token.top_logprobs)
    of_model = [token for token in tokens if token.top_logprobs]
    assert len(of_model) > 5
    assert all(token.logprob < 0 and len(token.top_logprobs) == 2 for token in of_model)
    assert all(a.logprob >= b.logprob for token in of_model for a, b in pairwise(token.top_logprobs))


async def test_log_probabilities_change_nothing_and_stream_as_they_are(boxed: httpx.AsyncClient) -> None:
    """The same words with and without them; the chunks' tokens are those of the whole."""
    plain = await chat(boxed, TEXT)
    whole = await chat(boxed, TEXT, logprobs=True)
    stream = await chat(boxed, TEXT, logprobs=True, stream=True)
    assert plain.json()["choices"][0]["logprobs"] is None
    assert plain.json()["choices"][0]["message"] == whole.json()["choices"][0]["message"]
    parts = [event["choices"][0]["logprobs"] for event in events(stream)]
    streamed = [token for part in parts if part for token in part["content"]]
    assert [token["token"] for token in streamed] == [token.token for token in scored(whole)]
    assert all(token["top_logprobs"] == [] for token in streamed)


async def test_cumulative_chunks_have_all_tokens_so_far(boxed: httpx.AsyncClient) -> None:
    """As they have all text so far."""
    response = await chat(boxed, TEXT, logprobs=True, stream=True, incremental_output=False)
    choices = [event["choices"][0] for event in events(response) if event["choices"]]
    with_tokens = [choice for choice in choices if choice["logprobs"]]
    assert len(with_tokens) > 1
    for choice in with_tokens:
        assert "".join(token["token"] for token in choice["logprobs"]["content"]) == choice["delta"]["content"]


@pytest.mark.parametrize(
    "fields",
    [
        {"top_k": 100, "temperature": 1.5, "top_p": 1, "seed": 7, "n": 2},
        {"top_k": 40, "seen": 7, "frequency_penalty": 1.0},
        {"presence_penalty": -1.0, "frequency_penalty": 0.5, "n": 2},
    ],
)
async def test_the_same_request_gives_the_same_answer_under_load(
    boxed: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    """Alone, and among others that decode other texts with the same and with other parameters."""
    headers = {"cache-control": "no-store"}
    asked = body(TEXT, logprobs=True, **fields)
    others = [body(f"Text number {index} is here.", **(fields if index % 2 else {})) for index in range(12)]
    alone = await boxed.post("/v1/chat/completions", json=asked, headers=headers)
    busy, *_ = await asyncio.gather(
        *(boxed.post("/v1/chat/completions", json=each, headers=headers) for each in (asked, *others))
    )
    for index in range(fields.get("n", 1)):
        first, second = scored(alone, index), scored(busy, index)
        assert [token.token for token in first] == [token.token for token in second]
        assert [token.logprob for token in first] == pytest.approx([token.logprob for token in second], abs=1e-3)


async def test_seeds_and_choices_differ(boxed: httpx.AsyncClient) -> None:
    """Another seed draws other words, and so does each choice."""
    fields = {"top_k": 100, "temperature": 1.2, "top_p": 1, "n": 3}
    answers = [
        ChatCompletion.model_validate_json((await chat(boxed, TEXT, seed=seed, **fields)).text) for seed in (1, 2)
    ]
    texts = [choice.message.content for answer in answers for choice in answer.choices]
    assert len(set(texts)) == 6


async def test_samples_differ_where_the_most_probable_words_leave_hardly_a_choice(boxed: httpx.AsyncClient) -> None:
    """Drawn again, and in the end begun with another token; some may be one sentence spelt in several ways."""
    response = await chat(boxed, "I like coffee.", top_k=None, seed=1, n=8)
    assert len({choice["message"]["content"] for choice in response.json()["choices"]}) > 3


async def test_the_chosen_token_is_among_the_likeliest_by_its_text(boxed: httpx.AsyncClient) -> None:
    """Blanks and bytes, which have none, too."""
    tokens = scored(await chat(boxed, "Where is the 😀 station?", logprobs=True, top_logprobs=20))
    of_model = [token for token in tokens if token.top_logprobs]
    assert sum(token.token in [each.token for each in token.top_logprobs] for token in of_model) == len(of_model)


async def test_text_that_stays_as_it_is_has_no_confidence(boxed: httpx.AsyncClient) -> None:
    """No model wrote it; an answer of the memory is a person's."""
    same = {"source_lang": "English", "target_lang": "English"}
    memory = {**TERMS, "terms": [], "tm_list": [{"source": "Hello you", "target": "你好你"}]}
    answers = [(await chat(boxed, "Hello you", translation_options=each)).json() for each in (same, memory)]
    assert [answer["choices"][0]["translation"]["confidence"] for answer in answers] == [None, 1.0]


async def test_tokens_of_a_text_can_be_banned(boxed: httpx.AsyncClient) -> None:
    """By the ids that the server shows."""
    plain = (await chat(boxed, "I like coffee.")).json()["choices"][0]["message"]["content"]
    shown = await boxed.get("/v1/models/qwen-mt-turbo/tokens", params={"text": plain})
    tokens = shown.json()["data"]
    assert "".join(token["text"] for token in tokens) == plain
    banned = next(token for token in tokens if len(token["text"]) > 1)
    changed = await chat(boxed, "I like coffee.", logit_bias={str(banned["id"]): -100}, logprobs=True)
    assert banned["text"] not in [token.token for token in scored(changed)]


async def test_an_id_beyond_the_vocabulary_is_refused(boxed: httpx.AsyncClient) -> None:
    """With the range that there is."""
    error = await refusal(boxed, logit_bias={"1000000": 1})
    assert (error["param"], error["code"]) == ("logit_bias", "invalid_parameter_error")
    assert "tokens?text=" in error["message"]


async def test_confidence_is_a_share(boxed: httpx.AsyncClient) -> None:
    """Lower for what the model has hardly seen than for what it knows well."""
    known, unknown = [
        (await chat(boxed, text)).json()["choices"][0]["translation"]["confidence"]
        for text in ("Thank you very much.", "Zygotic quincunx blivets absquatulate the frobnicated widdershins.")
    ]
    assert 0 < unknown < known < 1
