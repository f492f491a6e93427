"""A deterministic engine without a model, for tests and for trying out an integration.

It translates `Hello there` into Chinese as `zh:Hello there`, one token a word; further hypotheses end with `#2`, `#3`.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from dragoman.core.engine import Batch, BatchPolicy, EngineInfo, Hypotheses, OnToken
from dragoman.core.languages import LANGUAGES
from dragoman.core.types import Hypothesis, Pair, Segment, Token

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


class Options(BaseModel):
    """`languages`: codes between which every pair exists; none means all 92. `pairs`: only these, as `en-zh`."""

    model_config = ConfigDict(extra="forbid")

    languages: list[str] = []
    pairs: list[str] = []
    max_source_tokens: int = 128
    max_batch_segments: int = 32


def create(options: Mapping[str, object]) -> "FakeEngine":
    """Make a fake engine from its options."""
    return FakeEngine(Options.model_validate(options))


class FakeEngine:
    """See the module."""

    def __init__(self, options: Options) -> None:
        codes = options.languages or list(LANGUAGES)
        listed = [pair.partition("-") for pair in options.pairs]
        pairs = [Pair(a, b) for a, _, b in listed] or [Pair(a, b) for a in codes for b in codes if a != b]
        self._info = EngineInfo(
            id="fake",
            version="1",
            licence="Apache-2.0",
            pairs=frozenset(pairs),
            max_source_tokens=options.max_source_tokens,
            batch_policy=BatchPolicy(max_segments=options.max_batch_segments),
        )

    @property
    def info(self) -> EngineInfo:
        """What the options say."""
        return self._info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """One token a word."""
        return tuple(Token(word, word) for word in _WORD.findall(text))

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:  # noqa: ARG002 # as the contract has it
        """It has no vocabulary."""
        return ()

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Prefix each segment with its target language."""
        await asyncio.sleep(0)
        outputs = [
            tuple(self._hypothesis(segment, batch.pair.target, i) for i in range(batch.decoding.num_hypotheses))
            for segment in batch.segments
        ]
        if on_token is not None:
            for index, (hypothesis, *_) in enumerate(outputs):
                events: tuple[Token | Hypothesis, ...] = (*hypothesis.tokens, hypothesis)
                for event in events:
                    on_token(index, event)
                    await asyncio.sleep(0)
        return outputs

    def _hypothesis(self, segment: Segment, target: str, rank: int) -> Hypothesis:
        text = "".join(token.text for token in segment.tokens)
        tail = f" #{rank + 1}" if rank else ""
        return Hypothesis(self.tokenize(f"{target}:{text}{tail}"), score=-1.0 - rank, ended=True)

    async def health(self) -> bool:
        """Always well."""
        return True

    async def aclose(self) -> None:
        """Nothing to free."""
