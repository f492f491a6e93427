"""Limits, choices, sampling, and parameters that wait for their issue."""

from typing import Any

import httpx
import pytest

from dragoman.api.chat_request import parse, to_translation_request
from dragoman.core.types import Decoding
from tests.chat import body, chat, refusal, translate

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_token_limit_cuts_with_reason_length(client: httpx.AsyncClient, name: str) -> None:
    """Under both names; the smaller counts when both are there."""
    response = await chat(client, "one two three four", **{name: 2}, user="u")
    both = await translate(client, "one two three", max_tokens=1, max_completion_tokens=2)

    assert response.json()["choices"][0]["message"]["content"] == "zh:one two"
    assert response.json()["choices"][0]["finish_reason"] == "length"
    assert response.json()["usage"]["completion_tokens"] == 2
    assert both == "zh:one"


@pytest.mark.parametrize("value", [0, None, 100, 2.0])
async def test_no_limit(client: httpx.AsyncClient, value: Any) -> None:
    """0 and null mean absent, and a whole number may be written as a float."""
    response = await chat(client, max_tokens=value, max_completion_tokens=0)

    assert response.json()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("stop", ["two", ["x", "two"], ["two", "one two th", "a", ""]])
async def test_stop_cuts_before_the_string(client: httpx.AsyncClient, stop: Any) -> None:
    """One string, or up to four."""
    response = await chat(client, "one two three", stop=stop)

    assert response.json()["choices"][0]["message"]["content"] == "zh:one "
    assert response.json()["choices"][0]["finish_reason"] == "stop"


async def test_stop_works_across_segments_and_stream_pieces(client: httpx.AsyncClient) -> None:
    """The line break between two sentences is part of the answer."""
    text = "One.\nTwo.\nThree."
    streamed = await chat(client, text, stop=".\nzh:Tw", stream=True)

    assert await translate(client, text, stop=".\nzh:Tw") == "zh:One"
    assert "zh:One" in streamed.text
    assert "Tw" not in streamed.text


@pytest.mark.parametrize("n", [1, 3, 8, 2.0])
async def test_choices_are_n_best(client: httpx.AsyncClient, n: float) -> None:
    """Each with its index; usage counts all of them, the prompt once."""
    response = await chat(client, n=n)
    choices = response.json()["choices"]

    assert [choice["index"] for choice in choices] == list(range(int(n)))
    assert len({choice["message"]["content"] for choice in choices}) == n
    assert response.json()["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Decoding(top_k=1, temperature=0.65, top_p=0.8)),
        ({"top_k": 1, "temperature": 2, "top_p": 0}, Decoding(top_k=1, temperature=2, top_p=0)),
        ({"top_k": 5}, Decoding(top_k=5, temperature=0.65, top_p=0.8)),
        ({"top_k": None, "temperature": 0.5}, Decoding(top_k=0, temperature=0.5, top_p=0.8)),
        ({"top_k": 101, "top_p": 1}, Decoding(top_k=0, temperature=0.65, top_p=1)),
        ({"top_k": 0}, Decoding(top_k=1, temperature=0.65, top_p=0.8)),
        ({"n": 2, "repetition_penalty": 1.1}, Decoding(None, 2, 1, 0.8, 0.65, 1.1)),
    ],
)
async def test_sampling_as_qwen_mt(fields: dict[str, Any], expected: Decoding) -> None:
    """`top_k` 1 is greedy; more, or null in the request, samples with Qwen-MT's defaults."""
    request = to_translation_request(parse(json_bytes(**fields)), strict_roles=False)

    assert request.decoding == expected
    assert request.decoding.samples == (fields.get("top_k", 1) not in {0, 1})


def json_bytes(**fields: Any) -> bytes:
    """A request's body."""
    return httpx.Request("POST", "http://x", json=body(**fields)).content


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("temperature", 2.1, "less than or equal to 2"),
        ("temperature", -0.1, "greater than or equal to 0"),
        ("temperature", "hot", "valid number"),
        ("top_p", 1.1, "less than or equal to 1"),
        ("top_p", -1, "greater than or equal to 0"),
        ("top_k", -1, "greater than or equal to 0"),
        ("top_k", 1.5, "valid integer"),
        ("repetition_penalty", 0, "greater than 0"),
        ("n", 0, "greater than or equal to 1"),
        ("n", 9, "less than or equal to 8"),
        ("n", "2", "valid integer"),
        ("max_tokens", -1, "greater than or equal to 0"),
        ("max_completion_tokens", True, "valid integer"),
        ("stop", ["a", "b", "c", "d", "e"], "at most 4 items"),
        ("stop", 5, "valid array"),
        ("stream", "yes", "valid boolean"),
        ("stream_options", {"include_usage": 1}, "valid boolean"),
        ("presence_penalty", 3, "less than or equal to 2"),
        ("top_logprobs", 21, "less than or equal to 20"),
        ("logit_bias", [1], "should be an object"),
        ("tools", "none", "valid array"),
        ("model", "", "at least 1 character"),
        ("model", None, "valid string"),
    ],
)
async def test_out_of_range_is_refused_with_the_range(
    client: httpx.AsyncClient, name: str, value: Any, expected: str
) -> None:
    """And with the name of the field."""
    error = await refusal(client, **{name: value})

    assert str(error["param"]).startswith(name)
    assert expected in error["message"]
    assert error["code"] == "invalid_parameter_error"


@pytest.mark.parametrize("value", [1, 1.0, 1e300])
async def test_numbers_of_either_kind_are_accepted(client: httpx.AsyncClient, value: float) -> None:
    """An integer where a float is meant, and the reverse."""
    assert await translate(client, repetition_penalty=value, temperature=1, top_k=1.0) == "zh:Hello there"


@pytest.mark.parametrize("tool_choice", [None, {}, "none", "auto"])
@pytest.mark.parametrize("tools", [None, [], ["a", "b"], [{"type": "function", "function": {"name": "f"}}]])
async def test_tools_without_force_translate_as_a_message(
    client: httpx.AsyncClient, tools: Any, tool_choice: Any
) -> None:
    """The specification requires both fields, and strings as tools."""
    assert await translate(client, tools=tools, tool_choice=tool_choice) == "zh:Hello there"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("presence_penalty", [0, 0.0, None]),
        ("frequency_penalty", [0, None]),
        ("logit_bias", [{}, None, {"foo": 0}]),
        ("logprobs", [False, None]),
        ("top_logprobs", [0, None]),
        ("response_format", [{}, None, {"type": "text"}]),
        ("tool_choice", [{}, "auto"]),
        ("seed", [0, 7, -1, None]),
        ("seen", [0, 7, None]),
    ],
)
async def test_neutral_values_pass_on_every_engine(client: httpx.AsyncClient, name: str, values: list[Any]) -> None:
    """Clients send them by habit."""
    for value in values:
        assert await translate(client, **{name: value}) == "zh:Hello there"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"frequency_penalty": -2}, "frequency_penalty"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"logprobs": True}, "logprobs"),
        ({"seed": 7, "top_k": 5}, "seed"),
        ({"seen": 7, "top_k": 5}, "seed"),
    ],
)
async def test_what_an_engine_without_scores_cannot_do_is_refused_by_name(
    client: httpx.AsyncClient, fields: dict[str, Any], param: str
) -> None:
    """Silence about a parameter that has no effect would be worse."""
    error = await refusal(client, **fields)

    assert (error["code"], error["param"]) == ("unsupported_parameter", param)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"logit_bias": {"the": 1}}, "'the' is no token id"),
        ({"logit_bias": {"-5": 1}}, "'-5' is no token id"),
        ({"logit_bias": {"5": 101}}, "100"),
        ({"top_logprobs": 3}, "logprobs: true"),
        ({"top_logprobs": 21, "logprobs": True}, "20"),
    ],
)
async def test_what_no_engine_can_do_is_refused_with_what_to_send(
    client: httpx.AsyncClient, fields: dict[str, Any], problem: str
) -> None:
    """Token ids, and OpenAI's ranges."""
    assert problem in (await refusal(client, **fields))["message"]
