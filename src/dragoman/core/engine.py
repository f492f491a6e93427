"""The engine contract: everything that an engine author must know, and all that the server may assume.

An engine translates batches of segments. It is created by a factory that `dragoman.engines.registry` finds under its
kind. `docs/add-an-engine.md` walks through one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dragoman.core.errors import InvalidRequest, UnsupportedParameter
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """What the engine likes: batches of at most `max_segments`, and at most `max_tokens` counting padding.

    `max_batches`: how many it should hold at the same time.
    """

    max_segments: int = 32
    max_tokens: int = 2048
    max_batches: int = 1


Ability = Literal["terms", "examples", "domains", "constraints", "scores"]
"""What an engine does itself: it reads `Segment.terms`, `examples` or `domains`, or searches with
`Decoding.must_include_terms`, or takes penalties, biases and seeds and shows log-probabilities (`scores`). The server
checks the terms of every engine."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How good translations of a model are that it finds so probable: measured by `training/calibrate.py`."""

    intercept: float
    slope: float

    def quality(self, score: float) -> float:
        """The quality to be expected, 0 to 1, of a translation with this mean log-probability per token."""
        return 1 / (1 + math.exp(-(self.intercept + self.slope * score)))


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What the engine is and can do. Does not change while it lives.

    `version` identifies the weights: two engines with equal id and version give equal translations.
    `max_source_tokens` is the longest segment that `translate` takes, as `tokenize` counts. `placeholders` are tokens
    that the model was trained to copy, each of which may stand for one piece of code; their tokens have no text.
    `vocabulary_size`: ids of target tokens, from 0, which `Decoding.logit_bias` takes; 0 if the engine has none.
    `calibrations` are by target language; those that nobody has measured are missing. `pivot`: the language through
    which all pairs go; None for an engine that translates directly.
    """

    id: str
    version: str
    licence: str
    pairs: frozenset[Pair]
    max_source_tokens: int
    batch_policy: BatchPolicy = BatchPolicy()
    abilities: frozenset[Ability] = frozenset()
    placeholders: tuple[str, ...] = ()
    vocabulary_size: int = 0
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    pivot: str | None = None

    def check(self, decoding: Decoding) -> None:
        """Raise `UnsupportedParameter` or `InvalidRequest` for what the engine cannot do."""
        asked = {
            "presence_penalty": bool(decoding.presence_penalty),
            "frequency_penalty": bool(decoding.frequency_penalty),
            "logit_bias": bool(decoding.logit_bias),
            "logprobs": decoding.top_logprobs is not None,
            "seed": decoding.samples and decoding.seed is not None,
        }
        for param, is_asked in asked.items():
            if is_asked and "scores" not in self.abilities:
                raise UnsupportedParameter(f"`{param}` has no effect on this model; leave it out.", param=param)
        unknown = [token for token, _ in decoding.logit_bias if token >= self.vocabulary_size]
        if unknown:
            raise InvalidRequest(
                f"logit_bias: this model has no token {unknown[0]}; its ids go from 0 to {self.vocabulary_size - 1}, "
                "and GET /v1/models/{model}/tokens?text= shows those of a text.",
                param="logit_bias",
            )


@dataclass(frozen=True, slots=True)
class Batch:
    """Segments that are decoded together, each with its `tokens`: at least one, at most `max_source_tokens`.

    `is_abandoned`, callable on any thread: whether nobody waits for the segment of that index any longer. Then its
    hypotheses may be anything.
    """

    segments: tuple[Segment, ...]
    pair: Pair
    decoding: Decoding
    is_abandoned: Callable[[int], bool] = lambda _: False


Hypotheses = tuple[Hypothesis, ...]
"""The translations of one segment, best first, at least one."""

OnToken = Callable[[int, Token | Hypothesis], None]
"""Receives the index of a segment in its batch and its next token, and once that segment has ended, its hypothesis."""


def stream_at_once(found: Sequence[Hypotheses], on_token: OnToken | None) -> None:
    """Tell who reads along what is done already: for engines that have no tokens before."""
    if on_token is None:
        return
    for index, (best, *_) in enumerate(found):
        for token in best.tokens:
            on_token(index, token)
        on_token(index, best)


class Engine(Protocol):
    """Something that translates segments."""

    @property
    def info(self) -> EngineInfo:
        """What the engine is and can do."""

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Cut source text into the model's tokens, whose texts joined are `text`. Called on any thread."""

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:
        """A text in the target language as the model writes it: the ids and tokens; none without a vocabulary."""

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate a batch; one entry per segment, in order, each with `decoding.num_hypotheses` hypotheses or fewer.

        `on_token`, given only with beam 1 and one hypothesis, is called on the event loop as tokens are decoded; an
        engine that cannot stream never calls it.
        Blocking work runs on the engine's own threads. When the call is cancelled, decoding stops at the next chance.
        Whatever it raises, but for a `DragomanError`, stays private: the client learns that the server failed.
        """

    async def health(self) -> bool:
        """Whether the engine can translate now."""

    async def aclose(self) -> None:
        """Free what the engine holds. No call is in flight, and none follows."""
