"""The engine contract: everything that an engine author must know, and all that the server may assume.

An engine translates batches of segments. It is created by a factory that `dragoman.engines.registry` finds under its
kind. `docs/add-an-engine.md` walks through one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """What the engine likes: batches of at most `max_segments`, and at most `max_tokens` counting padding.

    `max_batches`: how many it should hold at the same time.
    """

    max_segments: int = 32
    max_tokens: int = 2048
    max_batches: int = 1


Ability = Literal["terms", "examples", "domains", "constraints"]
"""What an engine does itself: it reads `Segment.terms`, `examples` or `domains`, or searches with
`Decoding.must_include_terms`. The server checks the terms of every engine."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What the engine is and can do. Does not change while it lives.

    `version` identifies the weights: two engines with equal id and version give equal translations.
    `max_source_tokens` is the longest segment that `translate` takes, as `tokenize` counts. `placeholders` are tokens
    that the model was trained to copy, each of which may stand for one protected span; their tokens have no text.
    """

    id: str
    version: str
    licence: str
    pairs: frozenset[Pair]
    max_source_tokens: int
    batch_policy: BatchPolicy = BatchPolicy()
    abilities: frozenset[Ability] = frozenset()
    placeholders: tuple[str, ...] = ()


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


class Engine(Protocol):
    """Something that translates segments."""

    @property
    def info(self) -> EngineInfo:
        """What the engine is and can do."""

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Cut source text into the model's tokens, whose texts joined are `text`. Called on any thread."""

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
