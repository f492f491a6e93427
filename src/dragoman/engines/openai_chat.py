"""Asks any server of chat completions to translate: vLLM, SGLang, llama.cpp, Ollama, or a hosted one.

Each segment is a request of its own; such servers batch by themselves. What a model writes besides the translation
(thoughts, fences, quotes, a label) is taken off here, and the pipeline checks the rest as it checks every engine's.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import structlog
from pydantic import Field

from dragoman.core.engine import Batch, BatchPolicy, EngineInfo, Hypotheses, OnToken
from dragoman.core.errors import UpstreamFailed
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token
from dragoman.engines.model_family import ModelFamily, load_family
from dragoman.engines.prompted_text import (
    AGAIN_TEMPERATURE,
    PromptedText,
    cleaned,
    may_be_chatter,
    most_tokens,
    text_of,
    words,
)
from dragoman.engines.upstream import ParametersRefused, Upstream, UpstreamOptions

log = structlog.get_logger(__name__)

_PATH = "/chat/completions"
# Not OpenAI's: strict servers refuse a request that has them.
_EXTENSIONS = frozenset({"top_k", "repetition_penalty"})
_UNUSABLE = {0, 401, 403, 502, 503, 504}
_QWEN_MT: dict[str, object] = {
    "base_url": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "model": "qwen-mt-turbo",
    "family": "qwen-mt",
    "api_key_env": "DASHSCOPE_API_KEY",
    "requests_per_minute": 60,
    "licence": "a service of Alibaba Cloud",
}


class Options(UpstreamOptions):
    """`model`: its id on that server. `family`: how it is asked. `languages`: codes or names, if not the family's.

    `body`: what every request has besides, such as a server's own parameters.
    """

    model: str
    family: str = "chat"
    languages: list[str] = Field(default_factory=list)
    licence: str = "unknown"
    max_source_tokens: int = Field(default=512, ge=16)
    max_concurrent_requests: int = Field(default=8, ge=1)
    body: dict[str, Any] = Field(default_factory=dict)


def create_qwen_mt(options: Mapping[str, object]) -> "OpenAIChatEngine":
    """Make an engine for Alibaba's service, which takes 60 requests a minute. Raises as `create` does."""
    return create(_QWEN_MT | dict(options))


def create(options: Mapping[str, object]) -> "OpenAIChatEngine":
    """Make the engine; the server need not answer yet. Raises `ConfigurationError`, `ValidationError`."""
    parsed = Options.model_validate(options)
    return OpenAIChatEngine(parsed, load_family(parsed.family), Upstream(parsed))


class OpenAIChatEngine:
    """A model on another server."""

    def __init__(self, options: Options, family: ModelFamily, upstream: Upstream) -> None:
        self._options = options
        self._family = family
        self._upstream = upstream
        self._left_out: frozenset[str] = frozenset()  # what this server has refused
        self._writing = PromptedText(family)
        self._info = EngineInfo(
            id=options.model,
            version=options.family.rpartition("/")[2],
            licence=options.licence,
            pairs=family.pairs(options.languages),
            max_source_tokens=options.max_source_tokens,
            batch_policy=BatchPolicy(max_segments=1, max_batches=options.max_concurrent_requests),
            abilities=frozenset({"terms", "examples", "domains"}),
            placeholders=self._writing.placeholders,
        )

    @property
    def info(self) -> EngineInfo:
        """What the options and the family say."""
        return self._info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Words and characters; the model's own tokens are not known here."""
        return words(text)

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:  # noqa: ARG002 # as the contract has it
        """Its vocabulary is not known here."""
        return ()

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """One request for each segment, one after another: the policy makes batches of one."""
        return [await self._translated(index, segment, batch, on_token) for index, segment in enumerate(batch.segments)]

    async def _translated(self, index: int, segment: Segment, batch: Batch, on_token: OnToken | None) -> Hypotheses:
        body = self._body(segment, batch.pair, batch.decoding)
        try:
            return await self._asked(index, body, text_of(segment), on_token)
        except ParametersRefused:
            if not _EXTENSIONS & body.keys():
                raise
            plain = {name: value for name, value in body.items() if name not in _EXTENSIONS}
            hypotheses = await self._asked(index, plain, text_of(segment), on_token)
        self._left_out = _EXTENSIONS
        log.warning(
            "a server takes no extensions of OpenAI's parameters", engine=self._info.id, left_out=[*_EXTENSIONS]
        )
        return hypotheses

    async def _asked(self, index: int, body: dict[str, Any], source: str, on_token: OnToken | None) -> Hypotheses:
        if on_token is None:
            answer = await self._upstream.post(_PATH, body)
            return tuple(self._hypothesis(*_content(choice), source) for choice in _choices(answer))
        parts: list[Token] = []
        ended = False
        async with aclosing(self._pieces(body, source)) as pieces:
            async for text, ended in pieces:  # noqa: B007 # the last one's is wanted
                for token in self._writing.tokens(text):
                    parts.append(token)
                    on_token(index, token)
        hypothesis = Hypothesis(tuple(parts), score=0.0, ended=ended)
        on_token(index, hypothesis)
        return (hypothesis,)

    def _body(self, segment: Segment, pair: Pair, decoding: Decoding) -> dict[str, Any]:
        """A request; what the client asks of sampling goes before what the family is used to."""
        sampling = dict(self._family.sampling)
        if decoding.samples:
            sampling |= {"temperature": decoding.temperature, "top_p": decoding.top_p}
            sampling |= {"top_k": decoding.top_k} if decoding.top_k else {}
        elif (decoding.beam_size or 1) > 1:
            sampling["temperature"] = max(AGAIN_TEMPERATURE, sampling.get("temperature", 0))
        if decoding.repetition_penalty != 1:
            sampling["repetition_penalty"] = decoding.repetition_penalty
        body = {
            "model": self._options.model,
            "messages": self._family.messages(segment, text_of(segment), pair),
            "max_tokens": most_tokens([segment]),
            **({"n": decoding.num_hypotheses} if decoding.num_hypotheses > 1 else {}),
            **sampling,
            **self._family.options(segment, pair),
            **self._family.body,
            **self._options.body,
        }
        return {name: value for name, value in body.items() if name not in self._left_out}

    async def _pieces(self, body: dict[str, Any], source: str) -> AsyncGenerator[tuple[str, bool]]:
        """Text as it comes, and whether the model has ended; held back until it is known to be the translation."""
        whole, held, begun, finish_reason = "", "", False, None
        async with aclosing(self._upstream.stream(_PATH, body | {"stream": True})) as events:
            async for event in events:
                for choice in event.get("choices") or ():
                    text = (choice.get("delta") or {}).get("content") or ""
                    finish_reason = choice.get("finish_reason") or finish_reason
                    if self._family.cumulative and whole and text.startswith(whole):
                        text = text[len(whole) :]
                    whole += text
                    held += text
                    if not begun and may_be_chatter(held):
                        continue
                    begun = True
                    safe = len(held) - self._writing.unfinished(held)
                    if safe:
                        yield held[:safe], False
                    held = held[safe:]
        if finish_reason is None:
            raise UpstreamFailed("The translation server behind this one broke off its answer.")
        yield held.rstrip() if begun else cleaned(held, source), finish_reason == "stop"

    def _hypothesis(self, text: str, ended: bool, source: str) -> Hypothesis:  # noqa: FBT001 # a pair of values
        return Hypothesis(tuple(self._writing.tokens(cleaned(text, source))), score=0.0, ended=ended)

    async def health(self) -> bool:
        """Whether the server, asked for its models, is there and takes the key; what it answers does not matter."""
        return await self._upstream.get("/models") not in _UNUSABLE

    async def aclose(self) -> None:
        """Close the connections."""
        await self._upstream.aclose()


def _choices(answer: dict[str, Any]) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = answer.get("choices") or []
    if not choices:
        raise UpstreamFailed("The translation server behind this one gave no answer.")
    return choices


def _content(choice: dict[str, Any]) -> tuple[str, bool]:
    return (choice.get("message") or {}).get("content") or "", choice.get("finish_reason") == "stop"
