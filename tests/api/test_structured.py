"""JSON answers and calls of functions, over HTTP with the fake engine."""

import json
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.chat import chat, deltas, events, refusal, translate

pytestmark = pytest.mark.anyio

JSON_OBJECT = {"type": "json_object"}
WHOLE = {"translation": "zh:Hello there", "source_lang": "en", "target_lang": "zh"}
PAIRS = {"type": "array", "items": {"$ref": "#/$defs/Pair"}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "target_language": {"enum": ["Chinese", "English"]},
        "translation": {"type": "string"},
        "pairs": PAIRS,
        "alternatives": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    },
    "required": ["target_language", "translation", "pairs", "alternatives"],
    "additionalProperties": False,
    "$defs": {
        "Pair": {
            "type": "object",
            "properties": {"source": {"type": "string"}, "target": {"type": "string"}},
            "required": ["source", "target"],
        }
    },
}
FUNCTION = {"name": "save", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
SMALL_TOOL = {
    "type": "function",
    "function": {
        "name": "show",
        "parameters": {"type": "object", "properties": {"to": {}, "text": {"type": "string"}}},
    },
}
SMALL_CALL = {"type": "function", "function": {"name": "show", "arguments": ""}}
OTHER = {"type": "function", "function": {"name": "weather", "parameters": {"properties": {"city": {}}}}}


def by_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A response format."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


async def test_json_object_says_what_was_translated(client: httpx.AsyncClient) -> None:
    """Also in a stream, whose first words need not wait for the last."""
    assert json.loads(await translate(client, response_format=JSON_OBJECT)) == WHOLE
    stream = await chat(client, 'He said "a\\b".\nHello there', response_format=JSON_OBJECT, stream=True)
    parts = deltas(stream)
    assert json.loads("".join(parts))["translation"] == 'zh:He said "a\\b".\nzh:Hello there'
    assert len(parts) > 4


async def test_a_json_document_comes_back_as_one(client: httpx.AsyncClient) -> None:
    """Keys, order, types and placeholders as they were; whole, streamed and cut."""
    document = '{"b": "Hello there. Bye.", "{name}": [1, null, {"c": "Two words"}, "{name}"]}'
    whole = await translate(client, document, response_format=JSON_OBJECT)
    assert whole == '{"b": "zh:Hello there.zh:Bye.", "{name}": [1, null, {"c": "zh:Two words"}, "{name}"]}'
    stream = await chat(client, document, response_format=JSON_OBJECT, stream=True)
    assert "".join(deltas(stream)) == whole
    cut = (await chat(client, document, response_format=JSON_OBJECT, max_tokens=1)).json()["choices"][0]
    assert cut["finish_reason"] == "length"
    assert json.loads(cut["message"]["content"])["{name}"][:3] == [1, None, {"c": ""}]
    assert (await refusal(client, document, response_format=JSON_OBJECT, stop="x"))["param"] == "stop"


@pytest.mark.parametrize("limits", [{}, {"max_tokens": 3}, {"n": 2}, {"stop": "there"}])
async def test_a_schema_is_filled_by_role_and_holds_however_the_answer_ends(
    client: httpx.AsyncClient, limits: dict[str, Any]
) -> None:
    """In each choice, and in a stream the same."""
    response = await chat(client, "Hello there. How are you?", response_format=by_schema(SCHEMA), **limits)
    stream = await chat(client, "Hello there. How are you?", response_format=by_schema(SCHEMA), stream=True, **limits)
    assert len(response.json()["choices"]) == limits.get("n", 1)
    for index, choice in enumerate(response.json()["choices"]):
        answer = json.loads(choice["message"]["content"])
        jsonschema_rs.validate(SCHEMA, answer)
        assert "".join(deltas(stream, index)) == choice["message"]["content"]
        assert choice["finish_reason"] == ("length" if "max_tokens" in limits else "stop")
        assert "".join(pair["target"] for pair in answer["pairs"]).strip() == answer["translation"].strip()
        assert answer["target_language"] == "Chinese"
        assert len(answer["alternatives"]) == (0 if "stop" in limits else 2)  # cut there, all are equal
        assert answer["translation"] not in answer["alternatives"]


@pytest.mark.parametrize(
    ("asked", "param", "word"),
    [
        ({"type": "xml"}, "response_format", "xml"),
        ({"type": "json_schema"}, "response_format.json_schema.schema", "missing"),
        (by_schema({"type": 5}), "response_format.json_schema.schema", "schema"),
        (
            by_schema({"properties": {"translation": {}, "mood": {"type": "string"}}, "required": ["mood"]}),
            None,
            '"mood"',
        ),
        (by_schema({"properties": {"confidence": {"type": "number"}, "translation": {}}}), None, '"confidence"'),
        (by_schema({"properties": {"target_lang": {"enum": ["fr"]}, "translation": {}}}), None, '"target_lang"'),
    ],
)
async def test_a_schema_that_cannot_be_filled_names_the_property(
    client: httpx.AsyncClient, asked: dict[str, Any], param: str | None, word: str
) -> None:
    """With 400, also where only the language or the engine shows it, also in a stream."""
    for stream in (False, True):
        error = await refusal(client, response_format=asked, stream=stream)
        assert word in error["message"]
        assert error["param"] == (param or "response_format.json_schema.schema")


async def test_layout_belongs_to_no_sentence(client: httpx.AsyncClient) -> None:
    """Numbers of a list and tags are in the translation, but in no pair."""
    for text in ("1. Come in.\n2. Go out.", "<p>Come in.</p>\n<p>Go out.</p>"):
        answer = json.loads(await translate(client, text, response_format=by_schema(SCHEMA)))
        assert answer["pairs"] == [
            {"source": "Come in.", "target": "zh:Come in."},
            {"source": "Go out.", "target": "zh:Go out."},
        ]
        assert answer["translation"].count("zh:") == 2
        assert len(answer["translation"]) > len("zh:Come in.zh:Go out.")


@pytest.mark.parametrize("text", ['{"a": "b"}\n{"a": "c"}', '\ufeff{"a": "b"}', "[" * 9000])
async def test_what_is_not_one_json_document_is_a_text(client: httpx.AsyncClient, text: str) -> None:
    """The answer is one object all the same."""
    assert list(json.loads(await translate(client, text, response_format=JSON_OBJECT))) == list(WHOLE)


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "function": {"name": "save"}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [TOOL]}},
    ],
)
async def test_a_forced_function_gets_the_translation(client: httpx.AsyncClient, choice: Any) -> None:
    """Of several, the first that can be filled; streamed as OpenAI streams calls."""
    nothing = {"type": "function", "function": {"name": "now", "parameters": {"properties": {}}}}
    fields = {"tools": [nothing, OTHER, TOOL], "tool_choice": choice, "parallel_tool_calls": False}
    answer = (await chat(client, **fields)).json()["choices"][0]
    [call] = answer["message"]["tool_calls"]
    assert (answer["finish_reason"], answer["message"]["content"]) == ("tool_calls", None)
    assert (call["type"], call["function"]["name"]) == ("function", "save")
    jsonschema_rs.validate(SCHEMA, json.loads(call["function"]["arguments"]))
    chunks = [event["choices"][0] for event in events(await chat(client, stream=True, **fields))]
    calls = [each for chunk in chunks for each in chunk["delta"].get("tool_calls", [])]
    assert (calls[0]["id"][:5], calls[0]["function"]["name"]) == ("call_", "save")
    assert "".join(each["function"]["arguments"] for each in calls) == call["function"]["arguments"]
    assert chunks[-1]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"response_format": JSON_OBJECT},
            [
                {"role": "assistant", "content": ""},
                {"content": '{"translation": "'},
                {"content": "zh:Hello."},
                {"content": "zh:Bye!"},
                {"content": '", "source_lang": "en", "target_lang": "zh"}'},
                {},
            ],
        ),
        (
            {"tools": [SMALL_TOOL], "tool_choice": "required"},
            [
                {"role": "assistant", "content": None, "tool_calls": [{"index": 0, "id": "*", **SMALL_CALL}]},
                *(
                    {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
                    for part in ('{"to": "zh", "text": "', "zh:Hello.", "zh:Bye!", '"}')
                ),
                {},
            ],
        ),
    ],
)
async def test_streams_are_these_chunks(
    client: httpx.AsyncClient, fields: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    """Delta by delta; what is known at once comes at once, sentences as they are done, the rest at the end."""
    chunks = events(await chat(client, "Hello. Bye!", stream=True, **fields))
    found = [chunk["choices"][0]["delta"] for chunk in chunks]
    for delta in found:
        for call in delta.get("tool_calls", []):
            call.update({"id": "*"} if "id" in call else {})
    assert found == expected


async def test_the_older_fields_call_as_they_did(client: httpx.AsyncClient) -> None:
    """`functions` and `function_call`."""
    fields: dict[str, Any] = {"functions": [FUNCTION], "function_call": {"name": "save"}}
    answer = (await chat(client, **fields)).json()["choices"][0]
    assert answer["finish_reason"] == "function_call"
    assert answer["message"]["function_call"]["name"] == "save"
    assert "tool_calls" not in answer["message"]
    chunks = [event["choices"][0] for event in events(await chat(client, stream=True, **fields))]
    parts = [chunk["delta"]["function_call"]["arguments"] for chunk in chunks if "function_call" in chunk["delta"]]
    assert "".join(parts) == answer["message"]["function_call"]["arguments"]
    assert await translate(client, functions=[FUNCTION], function_call="auto") == "zh:Hello there"
    assert (await refusal(client, functions=[FUNCTION], function_call={"name": "x"}))["param"] == "function_call"


@pytest.mark.parametrize(
    ("tools", "choice", "param"),
    [
        ([OTHER], "required", "tools.weather.parameters"),
        ([{"type": "function", "function": {"name": "now"}}], "required", "tools"),
        ([], "required", "tool_choice"),
        ([TOOL], {"type": "function", "function": {"name": "x"}}, "tool_choice"),
        ([TOOL], {"type": "custom", "custom": {"name": "x"}}, "tool_choice"),
        (["save"], "required", "tool_choice"),
        ([TOOL], "always", "tool_choice"),
        ([TOOL], {"type": "function", "function": "save"}, "tool_choice"),
        ([TOOL], {"type": "function", "function": {"name": ["save"]}}, "tool_choice"),
        ([TOOL], {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": None}}, "tool_choice"),
        ([TOOL], {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": ["save"]}}, "tool_choice"),
    ],
)
async def test_a_function_that_cannot_be_called_is_refused(
    client: httpx.AsyncClient, tools: list[Any], choice: Any, param: str
) -> None:
    """By what is wrong with it."""
    assert (await refusal(client, tools=tools, tool_choice=choice))["param"] == param
