"""Constrained search, over a toy model that knows which token likes to follow which."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dragoman.engines.constrained_decoding import Path, search

A, B, C, D, END = range(5)
# The model says A B and ends; C and D are as unlikely anywhere, but for D after C.
FOLLOWERS = {None: A, A: B, B: END, C: D, D: END}


def likes(paths: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
    """Logits: 3 for the token that likes to follow, 0 for all others."""
    logits = np.zeros((len(paths), 5), np.float32)
    for row, path in enumerate(paths):
        logits[row, FOLLOWERS[path[-1] if path else None]] = 3
    return logits


def run(*constraints: tuple[int, ...], beam_size: int = 6, max_tokens: int = 8) -> Path | None:
    """Search with the toy model."""
    return search(likes, constraints, end=END, beam_size=beam_size, max_tokens=max_tokens)


def contains(ids: tuple[int, ...], part: tuple[int, ...]) -> bool:
    """Whether the part stands in one piece in the ids."""
    return any(ids[at : at + len(part)] == part for at in range(len(ids)))


def score_of(ids: tuple[int, ...]) -> float:
    """Mean log-probability of a path and its end."""
    steps = [(ids[:place], token) for place, token in enumerate((*ids, END))]
    logits = [(likes([before])[0], token) for before, token in steps]
    return sum(float(row[token] - np.log(np.exp(row).sum())) for row, token in logits) / len(steps)


@pytest.mark.parametrize("constraints", [[], [(B,)], [(C,)], [(C, D)], [(D,), (A,)], [(B, A), (C,)]])
def test_best_path_with_the_constraints_is_found(constraints: list[tuple[int, ...]]) -> None:
    """As good as the best of all paths that have them."""
    paths = [path for length in range(6) for path in itertools.product(range(END), repeat=length)]
    possible = [path for path in paths if any(contains_all(path, each) for each in itertools.permutations(constraints))]

    best = run(*constraints, beam_size=64, max_tokens=5)

    assert best is not None
    assert best.score == pytest.approx(score_of(best.ids), rel=1e-5)
    assert best.score == pytest.approx(max(map(score_of, possible)), rel=1e-5)


@given(st.lists(st.lists(st.integers(A, D), min_size=1, max_size=3).map(tuple), max_size=3))
def test_every_constraint_is_in_the_result(constraints: list[tuple[int, ...]]) -> None:
    """In one piece, and as often as it was asked for: none shares its tokens with another."""
    best = run(*constraints, max_tokens=20)

    assert best is not None
    assert all(contains(best.ids, constraint) for constraint in constraints)
    assert any(contains_all(best.ids, order) for order in itertools.permutations(constraints))


def contains_all(ids: tuple[int, ...], parts: Sequence[tuple[int, ...]]) -> bool:
    """Whether the parts stand one after the other in the ids."""
    place = 0
    for part in parts:
        found = [at for at in range(place, len(ids)) if ids[at : at + len(part)] == part]
        if not found:
            return False
        place = found[0] + len(part)
    return True


def test_too_little_room_gives_nothing() -> None:
    """Rather than a path without its constraints."""
    assert run((A, C, D, C), max_tokens=3) is None
