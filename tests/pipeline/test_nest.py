"""Spans come in an order in which pairs enclose what they enclosed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.nest import in_order

Pairs = list[tuple[int | None, int | None]]


@pytest.mark.parametrize(
    ("places", "pairs", "expected"),
    [
        ([3, 1, 2], [], [(1, 1), (2, 2), (3, 0)]),
        ([4, 5, 1, 2], [(0, 1), (2, 3)], [(1, 2), (2, 3), (4, 0), (5, 1)]),
        ([2, 4, 0, 2], [(0, 1), (2, 3)], [(0, 2), (2, 3), (2, 0), (4, 1)]),
        ([1, 5, 3], [(0, 2)], [(1, 0), (3, 1), (3, 2)]),
        ([2, 0, 3], [(0, None)], [(2, 0), (2, 1), (3, 2)]),
        ([4, 2], [(None, 1)], [(2, 0), (2, 1)]),
    ],
)
def test_spans_follow_their_words_as_far_as_they_nest(
    places: list[int], pairs: Pairs, expected: list[tuple[int, int]]
) -> None:
    """What a pair enclosed stays within it; a half without its other half encloses all to the border."""
    assert in_order(places, pairs, 6) == expected


@given(st.lists(st.sampled_from("()."), max_size=12), st.data())
def test_every_span_comes_once_and_pairs_nest(shape: list[str], data: st.DataObject) -> None:
    """For any places, in an order that never goes back."""
    stack: list[int] = []
    pairs: Pairs = []
    for index, mark in enumerate(shape):
        if mark == "(":
            stack.append(index)
        elif mark == ")":
            pairs.append((stack.pop() if stack else None, index))
    pairs += [(opening, None) for opening in stack]
    places = data.draw(st.lists(st.integers(0, 5), min_size=len(shape), max_size=len(shape)))

    order = in_order(places, pairs, 5)

    assert sorted(index for _, index in order) == list(range(len(shape)))
    assert [place for place, _ in order] == sorted(place for place, _ in order)
    where = {index: rank for rank, (_, index) in enumerate(order)}
    for opening, closing in pairs:
        first, last = where.get(opening, -1), where.get(closing, len(shape))  # type: ignore[arg-type]
        inside = {index for index, rank in where.items() if first < rank < last}
        low, high = -1 if opening is None else opening, len(shape) if closing is None else closing
        assert inside == set(range(low + 1, high))
