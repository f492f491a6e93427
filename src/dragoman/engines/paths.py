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

    @property
    def score(self) -> float:
        """Mean log-probability of its tokens."""
        return float(log_probabilities(self.logits)[np.arange(len(self.ids)), list(self.ids)].mean())


def log_probabilities(logits: Logits) -> Logits:
    """The logarithm of the softmax of each row."""
    peaks = logits.max(axis=1, keepdims=True)
    totals: Logits = np.log(np.exp(logits - peaks).sum(axis=1, keepdims=True)) + peaks
    return logits - totals


Beginning = tuple[int, tuple[int, ...]]
"""The index of a sentence, and the first tokens of its translation."""


class Extend(Protocol):
    """A model that goes on greedily from some beginnings."""

    def __call__(self, beginnings: Sequence[Beginning], most_tokens: int | None = None) -> Sequence[Path]:
        """The whole path of each, beginning included, to its end, or to about `most_tokens` after the longest."""
