"""What chat completions answer, as OpenAI's `openapi.json` 2.3 has it, with Qwen-MT's and our own fields."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from dragoman.core.answer import WarningCode

WireFinishReason = Literal["stop", "length", "tool_calls", "function_call"]


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AssistantMessage(_Response):
    """The translation."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Function(_Response):
    """A function that is called. `arguments` are JSON, in a stream a part of it."""

    name: str
    arguments: str


class ToolCall(_Response):
    """A call of a tool."""

    id: str
    type: Literal["function"] = "function"
    function: Function


class CallingMessage(_Response):
    """The translation as the arguments of a function: in `tool_calls`, or in the older `function_call`."""

    role: Literal["assistant"] = "assistant"
    content: None = None
    refusal: None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None

    @model_serializer(mode="wrap")
    def _without_the_other(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        kept: dict[str, Any] = serialize(self)
        return {key: value for key, value in kept.items() if value is not None or key in ("content", "refusal")}


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


class MovedSegment(_Response):
    """A segment that another engine translated, since the first one's translation failed the checks."""

    segment: int
    engine: str


class TranslationNote(_Response):
    """What was decided and checked. A source confidence of 0: undecidable, the configured fallback was taken; null:
    the client named the language. `confidence`: the quality to be expected, 0 to 1, by how probable the model finds its
    translation; null where that was not measured for the engine. `skipped_engines`: those that come first for
    the model, but could not answer. `pivot_lang`: the language through which the text went. Segments count from 0.
    """

    source_lang: str
    source_confidence: float | None
    target_lang: str
    engine: str
    engine_version: str
    confidence: float | None
    skipped_engines: list[str]
    pivot_lang: str | None
    moved_segments: list[MovedSegment]
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
    message: AssistantMessage | CallingMessage
    logprobs: Logprobs | None = None
    finish_reason: WireFinishReason
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


class FunctionDelta(_Response):
    """What a chunk adds to a call: its name, then parts of its arguments."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(_Response):
    """What a chunk adds to the call of a tool."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionDelta


class Delta(_Response):
    """What a chunk adds to a message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    function_call: FunctionDelta | None = None


class ChunkChoice(_Response):
    """One choice's part of a chunk."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: WireFinishReason | None = None
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
