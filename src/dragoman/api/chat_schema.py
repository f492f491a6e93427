"""The wire format of chat completions, Qwen-MT's and OpenAI's, as pydantic models.

Source: Alibaba's Qwen-MT API reference and OpenAI's `openapi.json` 2.3. Null means absent everywhere; unknown fields
are ignored.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, WithJsonSchema

from dragoman.core.answer import WarningCode
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


def _only(*values: object) -> dict[str, Any]:
    """Describe a field by the values that reach an answer, though validation takes more and refuses them by name."""
    return {"anyOf": [{"enum": list(values)}, {"type": "null"}]}


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
    tool_choice: Annotated[str | dict[str, Any] | None, WithJsonSchema(_only("none", "auto", {}))] = None
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, Annotated[Number, Field(ge=-100, le=100)]] | None = Field(
        None, description="Added to the logits of tokens, by id: see GET /v1/models/{model}/tokens."
    )
    logprobs: StrictBool | None = None
    top_logprobs: Annotated[Integer, Field(ge=0, le=20)] | None = Field(None, description="Needs `logprobs`.")
    seed: Integer | None = Field(None, description="Makes sampling repeatable.")
    seen: Integer | None = Field(None, description="The specification's spelling of `seed`.")
    response_format: Annotated[dict[str, Any] | None, WithJsonSchema(_only({}, {"type": "text"}))] = None


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AssistantMessage(_Response):
    """The translation."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class TermNote(_Response):
    """A term of the request."""

    source: str
    target: str


class TermsNote(_Response):
    """The terms that occur in the text, and whether the answer has them wherever it must."""

    applied: list[TermNote]
    missing: list[TermNote]


class MemoryNote(_Response):
    """What the translation memory knew of a segment, and how alike both are, 0 to 1."""

    segment: int
    kind: Literal["exact", "adapted", "example"]
    score: float


class WarningNote(_Response):
    """What is wrong with the translation of a segment; without one, of the request."""

    code: WarningCode
    segment: int | None


class TranslationNote(_Response):
    """What was decided and checked. A source confidence of 0: undecidable, the configured fallback was taken; null:
    the client named the language. `confidence`: the quality to be expected, 0 to 1, by how probable the model finds its
    translation; null where that was not measured for the engine. Segments count from 0.
    """

    source_lang: str
    source_confidence: float | None
    target_lang: str
    engine: str
    engine_version: str
    confidence: float | None
    terms: TermsNote
    memory: list[MemoryNote]
    warnings: list[WarningNote]


class TopLogprob(_Response):
    """A token that might have stood in a place."""

    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(TopLogprob):
    """A token of the answer, and what might have stood in its place. Text that no model wrote has logprob 0."""

    top_logprobs: list[TopLogprob]


class Logprobs(_Response):
    """The tokens of a content, which is their text joined."""

    content: list[TokenLogprob]
    refusal: None = None


class Choice(_Response):
    """One answer."""

    index: int
    message: AssistantMessage
    logprobs: Logprobs | None = None
    finish_reason: Literal["stop", "length"]
    translation: TranslationNote


class CompletionUsage(_Response):
    """Tokens of the model that answered."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(_Response):
    """The answer to a request that does not stream."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: CompletionUsage
    system_fingerprint: str


class Delta(_Response):
    """What a chunk adds to a message."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(_Response):
    """One choice's part of a chunk."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: Literal["stop", "length"] | None = None
    translation: TranslationNote | None = None


class ChatCompletionChunk(_Response):
    """One event of a stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    system_fingerprint: str
    usage: CompletionUsage | None = None


class ErrorBody(_Response):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(_Response):
    """Every error, whatever its status."""

    error: ErrorBody
    request_id: str
