"""Who is decoded next, and with whom. A data structure: no clock, no tasks, no engine.

Principals take turns by deficit round robin (Shreedhar & Varghese 1995, https://doi.org/10.1145/217382.217453), in the
variant whose accounts may be overdrawn: a line whose credit is spent waits until the rounds have paid it back. Within
a principal's line the oldest entry comes first, and takes along those near it in length, so that little is padded.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")

_CREDIT_PER_ROUND = 32  # tokens, about a sentence
# Among so many batches' worth of entries those of like length are sought.
_BATCHES_IN_VIEW = 4
_INTERACTIVE_PER_BULK = 3


@dataclass(eq=False, slots=True)
class Entry(Generic[Item]):
    """Something that waits: its `cost` in tokens, at least 1, and the `group` with which it may share a batch."""

    item: Item
    group: Hashable
    principal: str
    cost: int
    is_bulk: bool = False


@dataclass(slots=True)
class _Line(Generic[Item]):
    """The entries of one principal, oldest first, as the keys of a dict, so that any can leave at once."""

    entries: dict[Entry[Item], None] = field(default_factory=dict)
    credit: int = _CREDIT_PER_ROUND


class FairQueue(Generic[Item]):
    """Interactive entries go before bulk, but for one batch in a few when both wait."""

    def __init__(self) -> None:
        self._interactive: _Band[Item] = _Band()
        self._bulk: _Band[Item] = _Band()
        self._since_bulk = 0

    @property
    def cost(self) -> int:
        """Of all that waits."""
        return self._interactive.cost + self._bulk.cost

    def clear(self) -> list[Entry[Item]]:
        """Take all that waits."""
        return [*self._interactive.clear(), *self._bulk.clear()]

    def __len__(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def push(self, entry: Entry[Item]) -> None:
        """Put an entry at the end of its principal's line."""
        self._band_of(entry).push(entry)

    def discard(self, entry: Entry[Item]) -> None:
        """Take an entry out, if it still waits."""
        self._band_of(entry).discard(entry)

    def take(self, max_entries: int, max_cost: int, *, bulk_too: bool = True) -> list[Entry[Item]]:
        """Cut a batch of one group: at most so many entries, and the longest times their number within `max_cost`.

        Only an entry that is over `max_cost` alone exceeds it. Empty if nothing waits that may be taken.
        """
        band = self._next_band(bulk_too=bulk_too)
        if not band:
            return []
        head = band.head()
        view = band.in_view(head.group, _BATCHES_IN_VIEW * max_entries)
        batch = _nearest(head, view, max_entries, max_cost)
        for entry in batch:
            band.charge(entry)
        return batch

    def _band_of(self, entry: Entry[Item]) -> "_Band[Item]":
        return self._bulk if entry.is_bulk else self._interactive

    def _next_band(self, *, bulk_too: bool) -> "_Band[Item]":
        is_bulks_turn = self._since_bulk >= _INTERACTIVE_PER_BULK or not self._interactive
        if bulk_too and self._bulk and is_bulks_turn:
            self._since_bulk = 0
            return self._bulk
        self._since_bulk = self._since_bulk + 1 if self._bulk else 0
        return self._interactive


class _Band(Generic[Item]):
    """The lines of principals, in the order of their turns."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, _Line[Item]] = OrderedDict()
        self._size = 0
        self.cost = 0

    def clear(self) -> list[Entry[Item]]:
        entries = [entry for line in self._lines.values() for entry in line.entries]
        self._lines.clear()
        self._size = self.cost = 0
        return entries

    def __len__(self) -> int:
        return self._size

    def push(self, entry: Entry[Item]) -> None:
        self._lines.setdefault(entry.principal, _Line()).entries[entry] = None
        self._size += 1
        self.cost += entry.cost

    def discard(self, entry: Entry[Item]) -> None:
        line = self._lines.get(entry.principal)
        if line is None or entry not in line.entries:
            return
        del line.entries[entry]
        self._size -= 1
        self.cost -= entry.cost
        if not line.entries:
            del self._lines[entry.principal]

    def charge(self, entry: Entry[Item]) -> None:
        """Take an entry out at its principal's expense."""
        self._lines[entry.principal].credit -= entry.cost
        self.discard(entry)

    def head(self) -> Entry[Item]:
        """The oldest entry of the principal whose turn it is, which is now the first."""
        while True:
            principal, line = next(iter(self._lines.items()))
            if line.credit > 0:
                return next(iter(line.entries))
            line.credit += _CREDIT_PER_ROUND
            self._lines.move_to_end(principal)

    def in_view(self, group: Hashable, count: int) -> Iterator[Entry[Item]]:
        """The oldest entries of a group: about `count`, as many from each line as from the others."""
        share = max(1, count // len(self._lines))
        for line in islice(self._lines.values(), count):
            for entry in islice(line.entries, share):
                if entry.group == group:
                    yield entry


def _nearest(head: Entry[Item], entries: Iterable[Entry[Item]], max_entries: int, max_cost: int) -> list[Entry[Item]]:
    """The head, and of the others those nearest to it in cost, while the batch stays within its limits."""
    ordered = sorted(entries, key=lambda entry: entry.cost)
    start = ordered.index(head)
    end = start + 1
    while end - start < max_entries:
        size = end - start + 1
        shorter = ordered[start - 1].cost if start else None
        longer = ordered[end].cost if end < len(ordered) else None
        if longer is not None and longer * size > max_cost:
            longer = None
        if shorter is not None and ordered[end - 1].cost * size > max_cost:
            shorter = None
        if longer is not None and (shorter is None or longer - head.cost <= head.cost - shorter):
            end += 1
        elif shorter is not None:
            start -= 1
        else:
            break
    return ordered[start:end]
