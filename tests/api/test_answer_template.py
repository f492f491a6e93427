"""Whatever schema a client sends: it is refused with the property at fault, or every translation fits it."""

import json
from itertools import pairwise
from typing import Any, Literal, Optional

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from dragoman.api.answer_template import JSON_OBJECT, Facts, Slot, Template, compile_template, escaped, render
from dragoman.core.errors import InvalidRequest

STRING = {"type": "string"}
STRINGS = {"type": "array", "items": STRING}
SEGMENTS = (('He said "yes".', 'Er sagte "ja".'), ("Good.", "Gut."))
FACTS = Facts('Er sagte "ja".\nGut.', 'He said "yes".\nGood.', "en", "zh_tw", 0.87654, ("A", "B", "C"), SEGMENTS)
LANGUAGES = st.sampled_from(["en", "zh_tw", "yue"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PAIRS = st.lists(st.tuples(TEXTS, TEXTS)).map(tuple)
ANY_FACTS = st.builds(
    Facts, TEXTS, TEXTS, LANGUAGES, LANGUAGES, st.floats(0, 1), st.lists(TEXTS).map(tuple), segments=PAIRS
)


class Pair(BaseModel):
    """A sentence and its translation."""

    translated: str
    original: str


class Report(BaseModel):
    """Most of what pydantic puts into a schema."""

    kind: Literal["report"]
    translation: str = Field(description="The text.", title="T")
    sentences: list[Pair]
    target_language: Literal["German", "zh-TW", "auto"]
    alternatives: list[str] = Field(default=[], max_length=2)
    confidence: float | None = Field(ge=0, le=1)
    style: str = "formal"
    summary: str | None


class Envelope(BaseModel):
    """A model in models."""

    result: Report = Field(description="Described references become `allOf`, or a reference with siblings.")
    extra: Optional["Envelope"] = None


def schema_of(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object."""
    return {"type": "object", "properties": properties, "required": list(required)}


def strict(**properties: Any) -> dict[str, Any]:
    """The same as OpenAI's strict mode wants it."""
    return {**schema_of(*properties, **properties), "additionalProperties": False}


def written(template: Template, facts: Facts = FACTS) -> str:
    """The document with its slots filled."""
    return "".join(part if isinstance(part, str) else render(part, facts) for part in template.parts)


def answer(schema: object, facts: Facts = FACTS) -> Any:
    """What a schema is answered with."""
    return json.loads(written(compile_template(schema, "parameters"), facts))


def refusal(schema: object, facts: Facts = FACTS) -> str:
    """Why there is no answer."""
    with pytest.raises(InvalidRequest) as error:
        answer(schema, facts)
    assert error.value.param == "parameters"
    return error.value.message


def test_pydantic_models_are_filled_by_role() -> None:
    """With literals, models in models, limits, defaults and optional fields; optional recursion ends with null."""
    filled = answer(Envelope.model_json_schema())
    report = Envelope.model_validate(filled).result

    assert filled["extra"] is None
    assert (report.kind, report.style, report.summary) == ("report", "formal", None)
    assert (report.translation, report.target_language) == (FACTS.translation, "zh-TW")
    assert list(filled["result"]["sentences"][1].items()) == [("translated", "Gut."), ("original", "Good.")]
    assert (report.alternatives, report.confidence) == (["A", "B"], 0.8765)


def test_strict_schema_keeps_its_order() -> None:
    """The document is written as the schema lists its properties, in OpenAI's spacing and without escapes."""
    schema = strict(target_lang=STRING, übersetzung={"description": "The translation."}, confidence={"type": "number"})
    facts = Facts("Grüße", "Hi", "en", "de", confidence=1.0)

    document = written(compile_template(schema, "parameters"), facts)

    assert document == '{"target_lang": "de", "übersetzung": "Grüße", "confidence": 1.0}'


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, {"type": "object", "additionalProperties": STRING}])
def test_schema_without_properties_gets_the_usual_object(schema: object) -> None:
    """As does a client that asks for JSON without a schema."""
    assert compile_template(schema, "parameters") == JSON_OBJECT
    assert answer(schema) == {"translation": FACTS.translation, "source_lang": "en", "target_lang": "zh_tw"}


@given(ANY_FACTS)
def test_every_answer_is_valid(facts: Facts) -> None:
    """Whatever the texts are; an array has as many items as there are sentences."""
    pairs = {"type": "array", "items": strict(source=STRING, target=STRING)}
    meta = strict(score={"type": "number", "minimum": 0, "maximum": 1}, to=STRING, other_translations=STRINGS)
    schema = strict(translation=STRING, text=STRING, translations=STRINGS, sentences=STRINGS, pairs=pairs, meta=meta)

    filled = answer(schema, facts)

    jsonschema_rs.validate(schema, filled)
    assert (filled["translation"], filled["text"]) == (facts.translation, facts.source)
    assert [(pair["source"], pair["target"]) for pair in filled["pairs"]] == list(facts.segments)
    assert list(zip(filled["sentences"], filled["translations"], strict=True)) == list(facts.segments)


@given(st.lists(TEXTS))
def test_pieces_are_escaped_one_by_one(pieces: list[str]) -> None:
    """A translation can be streamed into a string of JSON."""
    text = "".join(pieces)

    assert json.loads(f'"{escaped(text)}"') == text
    assert "".join(map(escaped, pieces)) == escaped(text)


@given(st.lists(st.sampled_from(["translation", "source", "a", "b", "to"]), unique=True))
def test_text_between_slots_is_one_part(names: list[str]) -> None:
    """A stream sends all that is known at once."""
    fixed = {"a": {"const": 1}, "b": strict(c={"const": None})}
    schema = strict(**{name: fixed.get(name, STRING) for name in names}, result=STRING, end={"const": []})

    template = compile_template(schema, "parameters")

    assert not any(isinstance(one, str) and isinstance(two, str) for one, two in pairwise(template.parts))
    assert [slot.path for slot in template.slots] == [name for name in [*names, "result"] if name not in fixed]
    assert template.roles == {slot.role for slot in template.parts if isinstance(slot, Slot)}


@pytest.mark.parametrize(
    ("name", "schema", "role"),
    [
        ("translatedText", {"type": ["string", "null"]}, "translation"),
        ("translation", STRINGS, "translations"),
        ("source-text", {}, "source"),
        ("detected_source_language_code", STRING, "source_lang"),
        ("tgtLang", STRING, "target_lang"),
        ("qualityScore", {"type": "number"}, "confidence"),
        ("x", {"description": "The French translation of the user's message."}, "translation"),
        ("x", {"description": "ISO 639-1 code of the source language"}, "source_lang"),
        ("language", {"description": "The language to translate into"}, "target_lang"),
        ("source", {"description": "Source language, as a code"}, "source_lang"),
    ],
)
def test_names_and_descriptions_tell_the_role(name: str, schema: dict[str, Any], role: str) -> None:
    """In any convention; the type makes the difference between a text and its sentences."""
    template = compile_template(schema_of(**{name: schema}, translated_text=STRING), "parameters")

    assert template.slots[0].role == role


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("explanation", {"type": "string", "description": "Explanation of the translation"}),
        ("x", {"type": "string", "description": "Translation notes"}),
        ("result_code", STRING),
        ("target_audience", {"type": "string", "title": "Target Audience"}),
        ("language", {"type": "string", "description": "Language of the source or the translation"}),
        ("alternatives", STRING),
        ("confidence", {"type": "integer"}),
    ],
)
def test_what_is_no_part_of_a_translation_is_not_guessed(name: str, schema: object) -> None:
    """It is left out if it may be, and refused by its path if not."""
    data = strict(**{name: schema}, result=STRING)
    assert f'"data.{name}" is no part of a translation' in refusal(strict(data=data))
    assert answer({**data, "required": []}) == {"result": FACTS.translation}


def test_neighbours_decide_about_a_text() -> None:
    """`text` is the translation, unless another property is, or the object around it is the source."""
    side = strict(text=STRING, language=STRING)

    assert answer(strict(text=STRING, source=STRING))["text"] == FACTS.translation
    assert answer(strict(text=STRING, translation=STRING))["text"] == FACTS.source
    assert answer(strict(source=side, target=side)) == {
        "source": {"text": FACTS.source, "language": "en"},
        "target": {"text": FACTS.translation, "language": "zh_tw"},
    }


def test_what_the_schema_fixes_is_written() -> None:
    """Constants, defaults of what has no role, and null where nothing else is known."""
    nullable = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    fixed = {"text": {"const": "x"}, "kind": {"enum": [7]}, "tone": {"type": "string", "default": "dry"}}

    filled = answer(strict(**fixed, count=nullable, result=STRING))

    assert filled == {"text": "x", "kind": 7, "tone": "dry", "count": None, "result": FACTS.translation}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (STRING, "zh_tw"),
        ({"type": "string", "description": "English name of the language"}, "Traditional Chinese"),
        ({"type": "string", "minLength": 10}, "Traditional Chinese"),
        ({"enum": ["auto", "en", "zh-CN", "zh-TW", None]}, "zh-TW"),
        ({"enum": ["zh-HK", "ZH_TW"]}, "ZH_TW"),
        ({"anyOf": [{"const": "zh-Hans"}, {"const": "zh-Hant"}]}, "zh-Hant"),
    ],
)
def test_languages_are_spelled_as_the_schema_wants(schema: dict[str, Any], expected: str) -> None:
    """By code, name or tag."""
    assert answer(strict(target_lang=schema, translation=STRING))["target_lang"] == expected


def test_facts_that_do_not_fit_are_refused_by_the_property() -> None:
    """A language that an enum does not have, and a confidence that the engine does not give."""
    facts = Facts("Ja", "Yes", "en", "de")

    assert '"out.to"' in refusal(strict(out=strict(text=STRING, to={"enum": ["fr", "French"]})), facts)
    assert '"score" cannot be filled' in refusal(strict(text=STRING, score={"type": "number"}), facts)
    assert answer(strict(text=STRING, score={"type": ["number", "null"]}), facts)["score"] is None


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("translation", {"type": "string", "maxLength": 9999}),
        ("translation", {"type": "string", "minLength": 1}),
        ("source", {"type": "string", "pattern": "^.*$"}),
        ("translations", {**STRINGS, "maxItems": 99}),
        ("sources", {**STRINGS, "uniqueItems": True}),
        ("sources", {"type": "array", "items": {"type": "string", "maxLength": 9999}}),
        ("confidence", {"type": "number", "minimum": 0.1}),
        ("confidence", {"type": "number", "maximum": 100}),
        ("target_lang", {"type": "string", "enum": ["formal", "informal"]}),
        ("pairs", {"type": "array", "items": strict(source=STRING, target=STRING, id=STRING)}),
        ("pairs", {"type": "array", "items": strict(target=STRING)}),
        ("pairs", {"type": "array", "items": strict(source=STRING, target={**STRING, "format": "uri"})}),
    ],
)
def test_limits_that_no_translation_can_promise_are_refused(name: str, limits: dict[str, Any]) -> None:
    """Before anything is translated; a property that is not required is left out instead."""
    assert f'"{name}' in refusal(strict(**{"result": STRING, name: limits}))
    assert answer(schema_of(**{"result": STRING, name: limits})) == {"result": FACTS.translation}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ([], "must be the JSON schema of an object"),
        ({"$ref": "#"}, "must be the JSON schema of an object"),
        ({"type": "banana"}, "not a valid JSON schema"),
        ({"$ref": "http://127.0.0.1/schema"}, "not a valid JSON schema"),
        ({"x": {"anyOf": []}, "$ref": "#/x"}, "'#/x' refers to no schema"),
        ({**strict(text=STRING), "x": {"$ref": "#/nope"}}, "'#/nope' refers to no schema"),
        ({**strict(text=STRING), "$dynamicRef": "#x", "$dynamicAnchor": "x"}, "$dynamicRef is not supported"),
        ({"type": "object", "additionalProperties": False}, '"additionalProperties"'),
        ({**schema_of(text=STRING), "not": {"required": ["text"]}}, '"not"'),
        (strict(result=strict(text={"type": "string", "not": {"maxLength": 3}})), '"result.text"'),
        (schema_of("text", "x", text=STRING), '"x" is required but not described'),
        (strict(text=STRING, child={"$ref": "#"}), '"child" contains itself'),
        (strict(source=STRING), "no place for the translation"),
        (schema_of(text={"type": "string", "maxLength": 1}), 'The property "text" has "maxLength"'),
    ],
)
def test_schemas_that_cannot_be_filled_are_refused(schema: object, said: str) -> None:
    """With what is wrong, and where; nothing is fetched."""
    assert said in refusal(schema)


def test_first_alternative_that_can_be_filled_is_taken() -> None:
    """At the top, and for a property."""
    error, good = strict(error=STRING), {"$ref": "#/definitions/a~1b", **schema_of("to", to=STRING)}
    text = {"oneOf": [{"type": "integer"}, {"allOf": [{"type": "string"}, {"title": "T"}]}]}

    filled = answer({"definitions": {"a/b": schema_of("text", text=text)}, "anyOf": [error, good]})

    assert filled == {"text": FACTS.translation, "to": "zh_tw"}


def test_references_cannot_keep_the_server_busy() -> None:
    """A page of definitions that use each other twice has as many branches as there are grains of sand."""
    levels = {f"L{level}": {"oneOf": [{"$ref": f"#/$defs/L{level + 1}"}] * 2} for level in range(40)}
    schema = {**strict(text={"$ref": "#/$defs/L0"}), "$defs": {**levels, "L40": STRING}}

    assert "too large with its references" in refusal(schema)
