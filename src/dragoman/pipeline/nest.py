"""Brings spans into an order in which pairs enclose what they enclosed in the source, wherever their words went."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Node:
    """A pair with what is in it, or a span alone. A half whose other half is elsewhere reaches to the border."""

    start: int
    end: int
    opening: int | None = None
    closing: int | None = None
    children: list["_Node"] = field(default_factory=list)


def in_order(places: Sequence[int], pairs: Sequence[tuple[int | None, int | None]], size: int) -> list[tuple[int, int]]:
    """Place and index of each span, in the order in which they are put into `size` words.

    `places`: the word before which each span should go. `pairs`: the indexes of spans that belong together, which nest;
    None for the half of a pair that is not there. Neighbours that would overlap share the words that the first leaves.
    """
    openings = {opening: closing for opening, closing in pairs if opening is not None}
    closings = {closing: opening for opening, closing in pairs if closing is not None}
    stack = [_Node(0, size)]
    for index, place in enumerate(places):
        if index in openings:
            closing = openings[index]
            stack.append(_Node(place, size if closing is None else places[closing], index))
        elif index in closings and closings[index] is None:  # it encloses all before it
            stack[-1].children = [_Node(0, place, None, index, stack[-1].children)]
        elif index in closings:
            node = stack.pop()
            node.closing = index
            stack[-1].children.append(node)
        else:
            stack[-1].children.append(_Node(place, place, index))
    while len(stack) > 1:  # these enclose all after them
        node = stack.pop()
        stack[-1].children.append(node)
    return list(_laid_out(stack[0].children, 0, size))


def _laid_out(nodes: Sequence[_Node], low: int, high: int) -> Iterator[tuple[int, int]]:
    """The spans of neighbours between two places, each node within what those before it left."""
    for node in sorted(nodes, key=_rank):
        start = min(max(node.start, low), high)
        end = min(max(node.end, start), high)
        if node.opening is not None:
            yield start, node.opening
        yield from _laid_out(node.children, start, end)
        if node.closing is not None:
            yield end, node.closing
        low = end


def _rank(node: _Node) -> tuple[int, int, int]:
    """By place; what reaches to a border is there."""
    from_border, to_border = node.opening is None, node.closing is None and node.end > node.start
    return to_border - from_border, node.start, max(node.start, node.end)
