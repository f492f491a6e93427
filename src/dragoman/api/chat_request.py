"""From the body of a chat completion to a `TranslationRequest`; from here on nobody sees JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from pydantic import ValidationError

from dragoman.api.chat_schema import ChatRequest, ExamplePair, Message, TranslationOptions
from dragoman.core.errors import InvalidRequest, UnsupportedLanguage
from dragoman.core.languages import resolve
from dragoman.core.types import FORMATS, Decoding, Example, Format, Term, TranslationRequest
from dragoman.ops.validation import first_problem

# Qwen-MT's defaults, which matter only to sampling; its `top_k` of 1 makes the rest greedy.
_DEFAULT_TEMPERATURE = 0.65
_DEFAULT_TOP_P = 0.8
_LARGEST_TOP_K = 100
_LONGEST_TERM = 200
_ALL = 0
_AUTO = "auto"
TIMEOUT_HEADER = "x-request-timeout"


def parse(body: bytes) -> ChatRequest:
    """Validate a body. Raises `InvalidRequest`, which names the field."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        param, problem = first_problem(error)
        message = f"{param}: {problem}." if param else f"The body is not a JSON object as expected: {problem}."
        raise InvalidRequest(message, param=param or None) from error


def to_translation_request(body: ChatRequest, *, strict_roles: bool) -> TranslationRequest:
    """What the body asks for. Raises `InvalidRequest`."""
    decoding = _decoding(body)
    options = body.translation_options or TranslationOptions()
    source, target = options.source_lang, options.target_lang
    detect = not source or source.strip().lower() in ("", _AUTO)
    if target and target.strip().lower() == _AUTO:
        raise UnsupportedLanguage("`auto` is for source_lang; name a target.", param="translation_options.target_lang")
    text, turns = conversation(body.messages, strict_roles=strict_roles)
    return TranslationRequest(
        model=body.model,
        text=text,
        source=None if detect else resolve(str(source), param="translation_options.source_lang").code,
        target=resolve(target, param="translation_options.target_lang").code if target and target.strip() else None,
        decoding=decoding,
        max_tokens=min((limit for limit in (body.max_tokens, body.max_completion_tokens) if limit), default=None),
        stop=tuple(each for each in body.stop or () if each),
        stream=bool(body.stream),
        format=_format(options.format),
        terms=_terms(options.terms or []),
        memory=tuple(Example(each.source, each.target) for each in options.tm_list or [] if each.target.strip()),
        turns=turns,
        domains=(options.domains or "").strip(),
        require_engine=options.require_engine or None,
    )


def with_headers(job: TranslationRequest, headers: Mapping[str, str]) -> TranslationRequest:
    """The job with what headers ask for: `x-request-timeout` in seconds, `cache-control: no-store`."""
    asked = headers.get(TIMEOUT_HEADER)
    try:
        timeout_seconds = float(asked) if asked else None
    except ValueError:
        timeout_seconds = math.nan
    if timeout_seconds is not None and not 0 < timeout_seconds < math.inf:
        raise InvalidRequest(f"The header {TIMEOUT_HEADER} must be a number of seconds above 0.", param=TIMEOUT_HEADER)
    use_cache = "no-store" not in headers.get("cache-control", "").lower()
    return replace(job, timeout_seconds=timeout_seconds, use_cache=use_cache)


def _format(name: str | None) -> Format | None:
    wanted = (name or _AUTO).strip().lower()
    if wanted in ("", _AUTO):
        return None
    for known in FORMATS:
        if known == wanted:
            return known
    raise InvalidRequest(
        f"translation_options.format {wanted[:40]!r} is unknown; use one of auto, {', '.join(FORMATS)}.",
        param="translation_options.format",
    )


def _terms(pairs: Sequence[ExamplePair]) -> tuple[Term, ...]:
    """The terms without duplicates. Raises `InvalidRequest`, which names the one that cannot be enforced."""
    terms: dict[str, Term] = {}
    for index, pair in enumerate(pairs):
        term = Term(" ".join(pair.source.split()), pair.target.strip())
        where = f"translation_options.terms[{index}]"
        if max(len(term.source), len(term.target)) > _LONGEST_TERM:
            raise InvalidRequest(
                f"{where} is longer than {_LONGEST_TERM} characters; that is no term, but `tm_list` takes sentences.",
                param=where,
            )
        if not term.source or not term.target:
            side = "target" if term.source else "source"
            raise InvalidRequest(f"{where}.{side} is empty; fill it in, or leave the term out.", param=where)
        known = terms.setdefault(term.key, term)
        if known.target != term.target:
            raise InvalidRequest(
                f"{where}: {term.source[:100]!r} has two targets, {known.target[:100]!r} and {term.target[:100]!r}; "
                "keep one.",
                param=where,
            )
    return tuple(terms.values())


def conversation(messages: Sequence[Message], *, strict_roles: bool) -> tuple[str, tuple[Example, ...]]:
    """The text to translate, and the turns before it.

    The text is that of the last user message, or, without one, of the last message that has text. A turn is a user
    message and the assistant's that follows it.
    """
    text, index = _text_to_translate(messages, strict_roles=strict_roles)
    turns = [
        Example(_text(question), _text(reply))
        for question, reply in pairwise(messages[:index])
        if (question.role, reply.role) == ("user", "assistant") and _text(question).strip() and _text(reply).strip()
    ]
    return text, tuple(turns)


def _text_to_translate(messages: Sequence[Message], *, strict_roles: bool) -> tuple[str, int]:
    if strict_roles and any(message.role not in ("user", "assistant") for message in messages):
        raise InvalidRequest("Role must be in [user, assistant].", param="messages")
    users = [index for index, message in enumerate(messages) if message.role == "user"]
    with_text = [index for index, message in enumerate(messages) if _text(message)]
    if not users and not with_text:
        raise InvalidRequest(
            "None of the messages has text; send the text to translate as a user message.", param="messages"
        )
    index = users[-1] if users else with_text[-1]
    message = messages[index]
    for position, part in enumerate(message.content if isinstance(message.content, list) else []):
        if part.type != "text":
            where = f"messages[{index}].content[{position}]"
            raise InvalidRequest(f"{where} is of type {part.type[:40]!r}; only text can be translated.", param=where)
    text = _text(message)
    if not text:
        where = f"messages[{index}].content"
        raise InvalidRequest(f"{where} is empty; put the text to translate there.", param=where)
    return text, index


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        return "".join(part.text or "" for part in message.content)
    return message.content or ""


def _decoding(body: ChatRequest) -> Decoding:
    if body.top_logprobs and not body.logprobs:
        raise InvalidRequest("top_logprobs needs `logprobs: true`; add it.", param="top_logprobs")
    unlimited = body.top_k is None or body.top_k > _LARGEST_TOP_K
    decoding = Decoding(
        num_hypotheses=body.n or 1,
        top_k=_ALL if unlimited else max(1, body.top_k or 1),
        top_p=_DEFAULT_TOP_P if body.top_p is None else body.top_p,
        temperature=_DEFAULT_TEMPERATURE if body.temperature is None else body.temperature,
        repetition_penalty=body.repetition_penalty or 1.0,
        presence_penalty=body.presence_penalty or 0.0,
        frequency_penalty=body.frequency_penalty or 0.0,
        logit_bias=tuple(sorted((_token_id(key), bias) for key, bias in (body.logit_bias or {}).items() if bias)),
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
    )
    seed = body.seen if body.seed is None else body.seed
    return replace(decoding, seed=seed) if decoding.samples else decoding


def _token_id(key: str) -> int:
    if not key.isdecimal():
        raise InvalidRequest(
            f"logit_bias: {key[:40]!r} is no token id; GET /v1/models/{{model}}/tokens?text= shows those of a text.",
            param="logit_bias",
        )
    return int(key)
