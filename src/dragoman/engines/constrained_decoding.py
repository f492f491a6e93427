"""Finds a translation that contains given token sequences, along the path that the model would take without them.

Grid beam search (Hokamp & Liu 2017, https://aclanthology.org/P17-1141; Post & Vilar 2018, N18-1119) considers a
constraint at every step of every hypothesis, which takes one call of the model a step. Here one call gives the logits
of all steps of a whole path; a constraint is begun where its first token costs least there, and one more call goes on
freely from that place.
"""

from collections.abc import Sequence

import numpy as np

from dragoman.engines.paths import Extend, Path

# Places at which a constraint is tried.
_MOST_PLACES = 2


Constraint = tuple[int, ...]


def search(extend: Extend, constraints: Sequence[Sequence[Constraint]]) -> list[Path]:
    """For each sentence a good path with its constraints, each at least one token. One that the model drops is missing.

    All sentences go together: one call of the model, and one for each constraint that the one with the most has.
    """
    paths = list(extend([(index, ()) for index in range(len(constraints))]))
    for met in range(max(map(len, constraints), default=0)):
        beginnings = [
            (index, (*path.ids[: _place(path, wanted[met], wanted[:met])], *wanted[met]))
            for index, (path, wanted) in enumerate(zip(paths, constraints, strict=True))
            if met < len(wanted) and not has(path.ids, wanted[: met + 1])
        ]
        for (index, _), path in zip(beginnings, extend(beginnings) if beginnings else (), strict=True):
            if has(path.ids, constraints[index][: met + 1]):
                paths[index] = path
    return paths


def _place(path: Path, constraint: Constraint, met: Sequence[Constraint]) -> int:
    """Where the constraint's first token costs least, compared with the path's own; not within what is met."""
    inside = {
        place
        for each in met
        for start in range(len(path.ids))
        if path.ids[start : start + len(each)] == each
        for place in range(start + 1, start + len(each))
    }
    rows = np.arange(len(path.ids))
    costs = path.logits[rows, list(path.ids)] - path.logits[rows, constraint[0]]
    return min((place for place in range(len(costs)) if place not in inside), key=lambda place: costs[place])


def has(ids: tuple[int, ...], constraints: Sequence[Constraint]) -> bool:
    """Whether ids contain all constraints, none within another."""
    taken: set[int] = set()
    for constraint in sorted(constraints, key=len, reverse=True):
        places = (range(start, start + len(constraint)) for start in range(len(ids) - len(constraint) + 1))
        found = next((at for at in places if ids[at.start : at.stop] == constraint and taken.isdisjoint(at)), None)
        if found is None:
            return False
        taken.update(found)
    return True
