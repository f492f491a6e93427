"""Search with constraints, over a toy model that knows which token likes to follow which."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.engines.constrained_decoding import has, search
from dragoman.engines.paths import Beginning, Path

A, B, C, D, END = range(5)
# The model says A B C and ends; after D it goes on with C, and it likes D after A nearly as much as B.
LIKES = {
    None: {A: 4.0},
    A: {B: 4.0, D: 3.0},
    B: {C: 4.0},
    C: {END: 4.0},
    D: {C: 4.0},
}


def path_after(beginning: tuple[int, ...]) -> Path:
    """What the model writes, given how it begins; it stops after eight tokens."""
    ids: list[int] = []
    rows = []
    while len(ids) < 8 and (not ids or ids[-1] != END):
        row = np.zeros(5, np.float32)
        for token, logit in LIKES[ids[-1] if ids else None].items():
            row[token] = logit
        rows.append(row)
        ids.append(beginning[len(ids)] if len(ids) < len(beginning) else int(row.argmax()))
    return Path(tuple(ids), np.array(rows), [])


def extend(beginnings: Sequence[Beginning], most_tokens: int | None = None) -> list[Path]:
    """The toy model, which says the same of every sentence."""
    return [path_after(beginning) for _, beginning in beginnings]


@pytest.mark.parametrize(
    ("constraints", "ids"),
    [
        ([], (A, B, C, END)),
        ([(B,)], (A, B, C, END)),
        ([(D,)], (A, D, C, END)),
        ([(A,), (C,)], (A, B, C, END)),
        ([(D, D)], (A, D, D, C, END)),
    ],
)
def test_constraint_stands_where_the_model_minds_least(
    constraints: list[tuple[int, ...]], ids: tuple[int, ...]
) -> None:
    """What it writes by itself is left; the rest of the sentence is its own."""
    [best, other] = search(extend, [constraints, [(D,)]])

    assert best.ids == ids
    assert other.ids == (A, D, C, END)


@given(st.lists(st.lists(st.integers(A, D), min_size=1, max_size=3).map(tuple), max_size=3))
def test_result_has_the_constraints(constraints: list[tuple[int, ...]]) -> None:
    """Each in one piece of its own. One alone always fits."""
    [best] = search(extend, [constraints])

    kept = [constraint for constraint in constraints if has(best.ids, [constraint])]
    assert len(kept) == len(constraints) or len(constraints) > 1
    if has(best.ids, constraints):
        assert any(follow_in(best.ids, order) for order in itertools.permutations(constraints))


def follow_in(ids: tuple[int, ...], parts: Sequence[tuple[int, ...]]) -> bool:
    """Whether the parts stand one after the other in the ids."""
    place = 0
    for part in parts:
        found = [at for at in range(place, len(ids)) if ids[at : at + len(part)] == part]
        if not found:
            return False
        place = found[0] + len(part)
    return True
