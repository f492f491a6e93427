"""Stops asking an engine that keeps failing, and asks again after a while (a circuit breaker, Nygard 2007)."""

import time
from collections.abc import Callable

_MOST_FAILURES = 3
_REST_SECONDS = 30.0


class Breaker:
    """Of one engine. After some failures in a row it is open; after a rest, one request may try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the engine is not to be asked."""
        return self._failures >= _MOST_FAILURES and self._clock() < self._rests_until

    def begin(self) -> None:
        """One asks. If that is the one after a rest, the others go on waiting for how it ends."""
        if self._failures >= _MOST_FAILURES:
            self._rests_until = self._clock() + _REST_SECONDS

    def note(self, *, worked: bool) -> None:
        """How it ended."""
        self._failures = 0 if worked else self._failures + 1
        if self._failures >= _MOST_FAILURES:
            self._rests_until = self._clock() + _REST_SECONDS
