"""What searches over whole paths share.

One call of the model gives the logits of all steps of a path, so a search looks at all of them, changes its mind at one
place, and goes on from there, instead of calling the model for each token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Path:
    """Token ids of a translation, its end token included; the logits at each of them: ids × vocabulary."""

    ids: tuple[int, ...]
    logits: Logits
    attention: list[list[float]]

    def log_probabilities(self) -> Logits:
        """Of every token of the vocabulary, at each of the path's: ids × vocabulary."""
        peaks = self.logits.max(axis=1, keepdims=True)
        exponentials = self.logits - peaks
        np.exp(exponentials, out=exponentials)
        found: Logits = self.logits - (np.log(exponentials.sum(axis=1, keepdims=True)) + peaks)
        return found


Beginning = tuple[int, tuple[int, ...]]
"""The index of a sentence, and the first tokens of its translation."""


class Extend(Protocol):
    """A model that goes on greedily from some beginnings."""

    def __call__(self, beginnings: Sequence[Beginning], most_tokens: int | None = None) -> Sequence[Path]:
        """The whole path of each, beginning included, to its end, or to about `most_tokens` after the longest."""
