"""What clients send to chat completions, Qwen-MT's and OpenAI's fields, as pydantic models.

Source: Alibaba's Qwen-MT API reference and OpenAI's `openapi.json` 2.3. Null means absent everywhere; unknown fields
are ignored.
"""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    WithJsonSchema,
)

from dragoman.core.languages import LANGUAGES
from dragoman.core.types import FORMATS


def _whole_number(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


_MOST_STOPS = 4
_MOST_PAIRS = 5000

Integer = Annotated[int, BeforeValidator(_whole_number), Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Stop = Annotated[
    list[StrictStr],
    BeforeValidator(_one_or_more),
    Field(max_length=_MOST_STOPS),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": _MOST_STOPS}]}
    ),
]


_TAG = "^(" + "|".join(code for code in LANGUAGES if code.isalpha()) + ")([-_][A-Za-z]{2,8})?$"
_LANGUAGE_SCHEMA: list[dict[str, Any]] = [
    {"type": "string", "enum": [language.name for language in LANGUAGES.values()]},
    {"type": "string", "pattern": _TAG},
    {"type": "null"},
]
_FORMAT_SCHEMA: dict[str, Any] = {"enum": ["auto", *FORMATS, None]}
_TEXT_SCHEMA = {"type": "string", "minLength": 1}
_PART_SCHEMA = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": _TEXT_SCHEMA},
    "required": ["type", "text"],
}
_CONTENT_SCHEMA = {"anyOf": [_TEXT_SCHEMA, {"type": "array", "items": _PART_SCHEMA, "minItems": 1}]}
_TOOL_CHOICE_SCHEMA = {
    "anyOf": [{"enum": ["none", "auto", "required", None]}, {"type": "object", "required": ["type", "function"]}]
}
_FUNCTION_CALL_SCHEMA = {"anyOf": [{"enum": ["none", "auto", None]}, {"type": "object", "required": ["name"]}]}
_RESPONSE_FORMAT_SCHEMA = {
    "anyOf": [
        {"type": "object", "properties": {"type": {"enum": ["text", "json_object"]}}, "required": ["type"]},
        {"type": "object", "properties": {"type": {"const": "json_schema"}}, "required": ["type", "json_schema"]},
        {"type": "null"},
    ]
}


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore")


class TextPart(_Request):
    """A part of a message's content. Only parts of type `text` can be translated."""

    type: StrictStr
    text: StrictStr | None = None


class Message(_Request):
    """A message. The last user message is what is translated."""

    model_config = ConfigDict(json_schema_extra={"required": ["role", "content"]})

    role: StrictStr = Field(examples=["user", "assistant", "system", "developer", "tool"])
    content: Annotated[StrictStr | list[TextPart] | None, WithJsonSchema(_CONTENT_SCHEMA)] = None


class ExamplePair(_Request):
    """A source text and its translation."""

    source: StrictStr
    target: StrictStr


class TranslationOptions(_Request):
    """What Qwen-MT adds to OpenAI's request. Languages by English name, code, alias or BCP-47 tag, in any case."""

    source_lang: Annotated[
        StrictStr | None, WithJsonSchema({"anyOf": [{"type": "string", "const": "auto"}, *_LANGUAGE_SCHEMA]})
    ] = None
    target_lang: Annotated[StrictStr | None, WithJsonSchema({"anyOf": _LANGUAGE_SCHEMA})] = None
    terms: list[ExamplePair] | None = Field(
        None, max_length=_MOST_PAIRS, description="Translations that words must get. An equal target: not translated."
    )
    tm_list: list[ExamplePair] | None = Field(None, max_length=_MOST_PAIRS, description="Translation memory.")
    domains: StrictStr | None = Field(None, description="Topic and style, for engines that take instructions.")
    format: Annotated[StrictStr | None, WithJsonSchema(_FORMAT_SCHEMA)] = None
    require_engine: StrictStr | None = Field(None, description="No other engine of the model's route may answer.")


class StreamOptions(_Request):
    """Options of a stream."""

    include_usage: StrictBool | None = None


class ChatRequest(_Request):
    """The body of `POST /v1/chat/completions`."""

    model: StrictStr = Field(min_length=1)
    messages: list[Message] = Field(min_length=1)
    translation_options: TranslationOptions | None = None
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    incremental_output: StrictBool | None = Field(None, description="False: every chunk repeats the text so far.")
    max_tokens: Annotated[Integer, Field(ge=0)] | None = None
    max_completion_tokens: Annotated[Integer, Field(ge=0)] | None = None
    stop: Stop | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    top_k: Annotated[Integer, Field(ge=0)] | None = Field(1, description="1: greedy. Null or over 100: no limit.")
    repetition_penalty: Annotated[Number, Field(gt=0)] | None = None
    n: Annotated[Integer, Field(ge=1, le=8)] | None = None
    tools: list[Any] | None = None
    tool_choice: Annotated[str | dict[str, Any] | None, WithJsonSchema(_TOOL_CHOICE_SCHEMA)] = Field(
        None, description="A function that is forced gets the translation as its arguments."
    )
    parallel_tool_calls: StrictBool | None = None
    functions: list[dict[str, Any]] | None = None
    function_call: Annotated[str | dict[str, Any] | None, WithJsonSchema(_FUNCTION_CALL_SCHEMA)] = None
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, Annotated[Number, Field(ge=-100, le=100)]] | None = Field(
        None, description="Added to the logits of tokens, by id: see GET /v1/models/{model}/tokens."
    )
    logprobs: StrictBool | None = None
    top_logprobs: Annotated[Integer, Field(ge=0, le=20)] | None = Field(None, description="Needs `logprobs`.")
    seed: Integer | None = Field(None, description="Makes sampling repeatable.")
    seen: Integer | None = Field(None, description="The specification's spelling of `seed`.")
    response_format: Annotated[dict[str, Any] | None, WithJsonSchema(_RESPONSE_FORMAT_SCHEMA)] = Field(
        None, description="`text`, `json_object` or `json_schema`."
    )
