"""Finds a translation that contains given token sequences, along the path that the model would take without them.

Grid beam search (Hokamp & Liu 2017, https://aclanthology.org/P17-1141; Post & Vilar 2018, N18-1119) considers a
constraint at every step of every hypothesis, which takes one call of the model a step. Here one call gives the logits
of all steps of a whole path; a constraint is begun where its first token costs least there, and the model goes on
freely from each of these places, all in one more call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Places at which a constraint is tried.
_MOST_PLACES = 4


@dataclass(frozen=True, slots=True)
class Path:
    """Token ids of a translation, the end token included if it ended; the logits of each token: ids × vocabulary."""

    ids: tuple[int, ...]
    logits: NDArray[np.float32]
    ended: bool
    attention: list[list[float]]

    def logprobs(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The log-probability of one token at each place."""
        peaks = self.logits.max(axis=1)
        totals = np.log(np.exp(self.logits - peaks[:, None]).sum(axis=1)) + peaks
        chosen: NDArray[np.float32] = self.logits[np.arange(len(tokens)), list(tokens)] - totals
        return chosen

    @property
    def total(self) -> float:
        """Log-probability of the whole path."""
        return float(self.logprobs(self.ids).sum())


Extend = Callable[[Sequence[tuple[int, ...]]], Sequence[Path]]
"""The paths that the model takes after each of some beginnings."""


def search(extend: Extend, constraints: Sequence[tuple[int, ...]]) -> Path | None:
    """A good path with all constraints, each at least one token; none if the model does not keep them."""
    [path] = extend([()])
    for met, constraint in enumerate(constraints):
        if _has(path.ids, constraints[: met + 1]):
            continue
        beginnings = [(*path.ids[:place], *constraint) for place in _places(path, constraint, constraints[:met])]
        possible = [each for each in extend(beginnings) if _has(each.ids, constraints[: met + 1])]
        if not possible:
            return None
        path = max(possible, key=lambda each: (each.ended, each.total))
    return path


def _places(path: Path, constraint: tuple[int, ...], met: Sequence[tuple[int, ...]]) -> list[int]:
    """Where the constraint's first token costs least, compared with the path's own; not within what is met."""
    costs = path.logprobs(path.ids) - path.logprobs([constraint[0]] * len(path.ids))
    inside = {
        place
        for each in met
        for start in range(len(path.ids))
        if path.ids[start : start + len(each)] == each
        for place in range(start + 1, start + len(each))
    }
    return sorted((place for place in range(len(costs)) if place not in inside), key=lambda at: costs[at])[
        :_MOST_PLACES
    ]


def _has(ids: tuple[int, ...], constraints: Sequence[tuple[int, ...]]) -> bool:
    """Whether ids contain all constraints, none within another."""
    taken: set[int] = set()
    for constraint in sorted(constraints, key=len, reverse=True):
        places = (range(start, start + len(constraint)) for start in range(len(ids) - len(constraint) + 1))
        found = next((at for at in places if ids[at.start : at.stop] == constraint and taken.isdisjoint(at)), None)
        if found is None:
            return False
        taken.update(found)
    return True
