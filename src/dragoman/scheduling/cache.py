"""What was translated a moment ago, so that no engine translates it again."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Protocol

from dragoman.core.engine import Hypotheses

Key = tuple[Hashable, ...]
"""Engine and version of its weights, pair, decoding, and what of the segment the engine reads."""

CACHES = "dragoman.caches"
"""Entry points of caches outside of this process, by the scheme of their addresses; each makes one of an address."""

# Of CPython 3.11 on 64 bits: an entry with its key, a `Token` with its strings, a weight of an alignment.
_ENTRY_BYTES, _TOKEN_BYTES, _WEIGHT_BYTES = 1000, 250, 32


class Cache(Protocol):
    """Remembers hypotheses. What it forgets, or cannot reach, is translated again."""

    async def get_many(self, keys: Sequence[Key]) -> list[Hypotheses | None]:
        """What was put under equal keys."""

    async def put_many(self, entries: Sequence[tuple[Key, Hypotheses]]) -> None:
        """Remember."""

    async def aclose(self) -> None:
        """Let go of what it holds."""


class MemoryCache:
    """Of this process: about so many bytes of the segments that were asked for last."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, tuple[Hypotheses, int]] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def get_many(self, keys: Sequence[Key]) -> list[Hypotheses | None]:
        """What was put under equal keys, unless newer entries took its place."""
        return [self._get(key) for key in keys]

    def _get(self, key: Key) -> Hypotheses | None:
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    async def put_many(self, entries: Sequence[tuple[Key, Hypotheses]]) -> None:
        """Remember, and forget what was not asked for longest."""
        for key, value in entries:
            _, replaced = self._entries.pop(key, (None, 0))
            size = _size_bytes(value)
            self.size_bytes += size - replaced
            self._entries[key] = (value, size)
        while self.size_bytes > self._max_bytes:
            _, (_, freed) = self._entries.popitem(last=False)
            self.size_bytes -= freed

    async def aclose(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.size_bytes = 0


def _size_bytes(hypotheses: Hypotheses) -> int:
    """About what an entry takes; a key is about as large as what the source's tokens take."""
    tokens = sum(len(each.tokens) for each in hypotheses)
    weights = sum(len(row) for each in hypotheses for row in each.alignment or ())
    return _ENTRY_BYTES + 2 * tokens * _TOKEN_BYTES + weights * _WEIGHT_BYTES
