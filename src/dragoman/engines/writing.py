"""From the pieces that a model wrote to tokens with text, and with log-probabilities where they are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragoman.core.types import Alternative, Token
from dragoman.engines.paths import Logits
from dragoman.engines.tokenizers import Detokenizer, Tokenizer

_NEAR = 8.0


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote. `attention`: a row of source weights for each piece, or none.

    `log_probabilities`: a row for each, of all the vocabulary.
    """

    pieces: Sequence[str]
    score: float
    attention: Sequence[list[float]]
    log_probabilities: Logits | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes text with the target side of a model. `ids` has those of all `pieces`, which are in their order."""

    tokenizer: Tokenizer
    pieces: Sequence[str]
    ids: dict[str, int]

    def tokens(self, pieces: Sequence[str], rows: Logits | None = None, top: int | None = None) -> tuple[Token, ...]:
        """The tokens; with `top` not None and rows of log-probabilities, these and so many alternatives."""
        detokenizer = self.tokenizer.detokenizer()
        if rows is None or top is None:
            return tuple(Token(detokenizer.feed(piece), piece) for piece in pieces)
        return tuple(
            self._scored(piece, row, top, detokenizer)
            for piece, row in zip(pieces, rows, strict=False)  # the end token has a row, too
        )

    def _scored(self, piece: str, row: Logits, top: int, detokenizer: Detokenizer) -> Token:
        alternatives = tuple(
            Alternative(detokenizer.peek(self.pieces[index]) or _name(self.pieces[index]), float(row[index]))
            for index in _best(row, top)
        )
        return Token(detokenizer.feed(piece), piece, float(row[self.ids[piece]]), alternatives)

    def encoded(self, text: str) -> list[tuple[int, Token]]:
        """The ids and tokens of a text; pieces that the vocabulary lacks are left out."""
        tokens = self.tokenizer.tokenize(text)
        known = ((self.ids.get(token.model_token or ""), token) for token in tokens)
        return [(index, token) for index, token in known if index is not None]


def _name(piece: str) -> str:
    """What a piece without text is called: the end, a tag; a byte or a blank is not called anything."""
    return piece if piece.startswith("<") and not piece.startswith("<0x") else ""


def _best(row: Logits, count: int) -> NDArray[np.intp]:
    """The indices of the largest numbers, in order. Most rows have few that come near the largest."""
    near = np.flatnonzero(row > row.max() - _NEAR)
    candidates = near if len(near) >= count else np.arange(len(row))
    return candidates[np.argsort(-row[candidates], kind="stable")][:count]
