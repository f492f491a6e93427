"""From pieces to chat completions, whole or as a stream. Not streaming is collecting the stream."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from dragoman.api.answer_form import AnswerForm
from dragoman.api.chat_response import (
    AssistantMessage,
    CallingMessage,
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    CompletionUsage,
    Delta,
    Function,
    FunctionDelta,
    Logprobs,
    MemoryNote,
    MovedSegment,
    TermNote,
    TermsNote,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    TopLogprob,
    TranslationNote,
    WarningNote,
    WireFinishReason,
)
from dragoman.core.answer import FinishReason, Outcome, Piece, Report, Usage
from dragoman.core.types import Term, Token
from dragoman.route import Translation

# A cumulative chunk repeats the text so far; one that adds less than this share of it waits for the next, or a long
# document's stream would grow with the square of its length.
_SMALLEST_CUMULATIVE_GROWTH = 1 / 50


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every part of one answer repeats."""

    id: str
    created: int
    model: str
    choices: int
    logprobs: bool
    form: AnswerForm

    def call_id(self, choice: int) -> str:
        """Of the call that a choice is."""
        return f"call_{self.id.removeprefix('chatcmpl-').replace('-', '')}{choice}"

    def finish_reason(self, reason: FinishReason) -> WireFinishReason:
        """Why a choice ended, as OpenAI says it."""
        if self.form.function is None or reason == "length":
            return reason
        return "function_call" if self.form.is_legacy else "tool_calls"


@dataclass(frozen=True, slots=True)
class StreamMode:
    """How a stream is written."""

    cumulative: bool
    include_usage: bool


async def completion(envelope: Envelope, translation: Translation) -> ChatCompletion:
    """Read a translation to its end and make one answer of it."""
    tokens: list[list[Token]] = [[] for _ in range(envelope.choices)]
    outcome = None
    async for event in translation.events:
        if isinstance(event, Piece):
            tokens[event.choice] += event.tokens
        else:
            outcome = event
    assert outcome is not None, "this is a bug: a translation ends with its outcome"
    return ChatCompletion(
        id=envelope.id,
        created=envelope.created,
        model=envelope.model,
        choices=[
            Choice(
                index=index,
                message=_message(envelope, index, "".join(token.text for token in written)),
                logprobs=_logprobs(written) if envelope.logprobs else None,
                finish_reason=envelope.finish_reason(outcome.finish_reasons[index]),
                translation=_note(translation, outcome.reports[index]),
            )
            for index, written in enumerate(tokens)
        ],
        usage=_usage(outcome.usage),
        system_fingerprint=_fingerprint(translation),
    )


def _message(envelope: Envelope, choice: int, text: str) -> AssistantMessage | CallingMessage:
    form = envelope.form
    if form.function is None:
        return AssistantMessage(content=text)
    function = Function(name=form.function, arguments=text)
    if form.is_legacy:
        return CallingMessage(function_call=function)
    return CallingMessage(tool_calls=[ToolCall(id=envelope.call_id(choice), function=function)])


async def chunks(envelope: Envelope, translation: Translation, mode: StreamMode) -> AsyncGenerator[str]:
    """Give the JSON of each chunk: the role, then the text as it comes, then the end of each choice, then the usage."""
    write = _ChunkWriter(envelope, _fingerprint(translation), include_usage=mode.include_usage)
    texts = ["" for _ in range(envelope.choices)]
    tokens: list[list[Token]] = [[] for _ in texts]
    sent = [0 for _ in texts]
    for index in range(envelope.choices):
        yield write(ChunkChoice(index=index, delta=_first_delta(envelope, index), finish_reason=None))
    async for event in translation.events:
        if isinstance(event, Outcome):
            for index, reason in enumerate(event.finish_reasons):
                delta = _delta(envelope, texts[index]) if mode.cumulative else Delta()
                note = _note(translation, event.reports[index])
                ended = envelope.finish_reason(reason)
                yield write(ChunkChoice(index=index, delta=delta, finish_reason=ended, translation=note))
            if mode.include_usage:
                yield write(usage=event.usage)
        elif not mode.cumulative:
            yield write(_text_chunk(envelope, event.choice, event.text, event.tokens))
        else:
            text = texts[event.choice] = texts[event.choice] + event.text
            tokens[event.choice] += event.tokens if envelope.logprobs else ()
            if len(text) - sent[event.choice] >= len(text) * _SMALLEST_CUMULATIVE_GROWTH:
                sent[event.choice] = len(text)
                yield write(_text_chunk(envelope, event.choice, text, tokens[event.choice]))


def _text_chunk(envelope: Envelope, choice: int, text: str, tokens: Sequence[Token]) -> ChunkChoice:
    logprobs = _logprobs(tokens) if envelope.logprobs else None
    return ChunkChoice(index=choice, delta=_delta(envelope, text), logprobs=logprobs, finish_reason=None)


def _first_delta(envelope: Envelope, choice: int) -> Delta:
    """The role, and the name of the function that is called."""
    form = envelope.form
    if form.function is None:
        return Delta(role="assistant", content="")
    function = FunctionDelta(name=form.function, arguments="")
    if form.is_legacy:
        return Delta(role="assistant", content=None, function_call=function)
    call = ToolCallDelta(index=0, id=envelope.call_id(choice), type="function", function=function)
    return Delta(role="assistant", content=None, tool_calls=[call])


def _delta(envelope: Envelope, text: str) -> Delta:
    function = FunctionDelta(arguments=text)
    if envelope.form.function is None:
        return Delta(content=text)
    return (
        Delta(function_call=function)
        if envelope.form.is_legacy
        else Delta(tool_calls=[ToolCallDelta(index=0, function=function)])
    )


class _ChunkWriter:
    """Writes chunks of one stream as JSON, without the fields that OpenAI leaves out."""

    def __init__(self, envelope: Envelope, fingerprint: str, *, include_usage: bool) -> None:
        self._envelope = envelope
        self._fingerprint = fingerprint
        self._include_usage = include_usage

    def __call__(self, choice: ChunkChoice | None = None, usage: Usage | None = None) -> str:
        chunk = ChatCompletionChunk(
            id=self._envelope.id,
            object="chat.completion.chunk",
            created=self._envelope.created,
            model=self._envelope.model,
            choices=[choice.model_copy(update={"logprobs": choice.logprobs})] if choice else [],
            system_fingerprint=self._fingerprint,
        )
        if self._include_usage:
            chunk.usage = _usage(usage) if usage else None
        return chunk.model_dump_json(exclude_unset=True)


def _note(translation: Translation, report: Report) -> TranslationNote:
    confidence = translation.confidence(report)
    return TranslationNote(
        source_lang=translation.pair.source,
        source_confidence=translation.detection.confidence if translation.detection else None,
        target_lang=translation.pair.target,
        engine=translation.engine,
        engine_version=translation.engine_version,
        confidence=None if confidence is None else round(confidence, 4),
        skipped_engines=list(translation.skipped),
        pivot_lang=translation.pivot,
        moved_segments=[MovedSegment(segment=segment, engine=engine) for segment, engine in report.elsewhere],
        terms=TermsNote(applied=_terms(report.terms_applied), missing=_terms(report.terms_missing)),
        memory=[MemoryNote(segment=hit.segment, kind=hit.kind, score=round(hit.score, 3)) for hit in report.memory],
        warnings=[WarningNote(code=warning.code, segment=warning.segment) for warning in report.warnings],
    )


def _logprobs(tokens: Sequence[Token]) -> Logprobs:
    """Of all tokens that have text, or might have had."""
    return Logprobs(
        content=[
            TokenLogprob(
                token=token.text,
                logprob=token.logprob or 0.0,
                bytes=list(token.text.encode()),
                top_logprobs=[
                    TopLogprob(token=each.text, logprob=each.logprob, bytes=list(each.text.encode()))
                    for each in token.alternatives
                ],
            )
            for token in tokens
            if token.text or token.model_token is not None
        ]
    )


def _terms(terms: Sequence[Term]) -> list[TermNote]:
    return [TermNote(source=term.source, target=term.target) for term in terms]


def _usage(usage: Usage) -> CompletionUsage:
    return CompletionUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
    )


def _fingerprint(translation: Translation) -> str:
    return f"{translation.engine_id}-{translation.engine_version}"
