"""From the pieces that a model wrote to tokens with text, and with log-probabilities where they are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dragoman.core.types import Alternative, Token
from dragoman.engines.paths import Logits, log_probabilities
from dragoman.engines.tokenizers import Detokenizer, Tokenizer


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote. `attention`: a row of source weights for each piece, or none. `logits`: a row for each."""

    pieces: Sequence[str]
    score: float
    attention: Sequence[list[float]]
    logits: Logits | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes text with the target side of a model. `ids` has those of all `pieces`, which are in their order."""

    tokenizer: Tokenizer
    pieces: Sequence[str]
    ids: dict[str, int]

    def tokens(self, pieces: Sequence[str], logits: Logits | None = None, top: int | None = None) -> tuple[Token, ...]:
        """The tokens; with `top` not None, their log-probabilities and those of so many alternatives."""
        detokenizer = self.tokenizer.detokenizer()
        if logits is None or top is None:
            return tuple(Token(detokenizer.feed(piece), piece) for piece in pieces)
        return tuple(
            self._scored(piece, row, top, detokenizer)
            for piece, row in zip(pieces, log_probabilities(logits), strict=False)  # the end token has a row, too
        )

    def _scored(self, piece: str, row: Logits, top: int, detokenizer: Detokenizer) -> Token:
        best = np.argpartition(-row, top)[:top] if top < len(row) else np.arange(len(row))
        alternatives = tuple(
            Alternative(detokenizer.peek(self.pieces[index]) or self.pieces[index], float(row[index]))
            for index in best[np.argsort(-row[best], kind="stable")]
        )
        return Token(detokenizer.feed(piece), piece, float(row[self.ids[piece]]), alternatives)

    def encoded(self, text: str) -> list[tuple[int, Token]]:
        """The ids and tokens of a text; pieces that the vocabulary lacks are left out."""
        tokens = self.tokenizer.tokenize(text)
        known = ((self.ids.get(token.model_token or ""), token) for token in tokens)
        return [(index, token) for index, token in known if index is not None]
