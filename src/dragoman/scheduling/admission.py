"""Refuses work at once when too much is in progress, rather than letting everybody wait."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dragoman.core.errors import Overloaded, ShuttingDown

_RATE_OVER_SECONDS = 10.0
# Tokens a second of a small model on one core, before anything was measured.
_UNKNOWN_RATE = 1000.0
# SDKs give up where they are told to wait for longer than two minutes.
_LEAST_RETRY_SECONDS, _MOST_RETRY_SECONDS = 1, 120


class Admission:
    """Counts requests in progress and the tokens of their segments; knows how fast tokens are translated."""

    def __init__(self, max_requests: int, max_tokens: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`queued_tokens` may be set to what knows how many of the tokens in progress still wait for an engine."""
        self.queued_tokens: Callable[[], int] = lambda: self.tokens
        self._max_requests = max_requests
        self._max_tokens = max_tokens
        self._clock = clock
        self._translated: deque[tuple[float, int]] = deque()
        self.in_progress = 0
        self.tokens = 0
        self.is_closed = False

    def close(self) -> None:
        """Take nothing new; what is in progress may end."""
        self.is_closed = True

    def check(self) -> None:
        """Raise what `permit` would raise now."""
        if self.is_closed:
            raise ShuttingDown("The server is about to stop. Try again in a moment.")
        if self.in_progress >= self._max_requests:
            raise self._overloaded(f"{self.in_progress} requests")

    @contextmanager
    def permit(self) -> Iterator["Permit"]:
        """Hold a place while a request is in progress. Raises `Overloaded` when none is free, `ShuttingDown`."""
        self.check()
        permit = Permit(self)
        self.in_progress += 1
        try:
            yield permit
        finally:
            self.in_progress -= 1
            self.tokens -= permit.tokens

    def claim(self, tokens: int) -> None:
        """Add a request's tokens. One request alone may have any number. Raises `Overloaded`."""
        if self.tokens and self.tokens + tokens > self._max_tokens:
            raise self._overloaded(f"{self.tokens} tokens of text")
        self.tokens += tokens

    def note_translated(self, tokens: int) -> None:
        """So many tokens have been translated now."""
        now = self._clock()
        self._translated.append((now, tokens))
        while now - self._translated[0][0] > _RATE_OVER_SECONDS:
            self._translated.popleft()

    def retry_after_seconds(self) -> int:
        """When what waits will be done, at the rate of the last seconds."""
        rate = _UNKNOWN_RATE
        if self._translated:
            elapsed = max(self._clock() - self._translated[0][0], 1.0)
            rate = max(sum(tokens for _, tokens in self._translated) / elapsed, 1.0)
        seconds = math.ceil(self.queued_tokens() / rate)
        return min(max(seconds, _LEAST_RETRY_SECONDS), _MOST_RETRY_SECONDS)

    def _overloaded(self, load: str) -> Overloaded:
        seconds = self.retry_after_seconds()
        return Overloaded(
            f"The server is busy with {load}, which is its limit. Try again in {seconds} s.",
            retry_after_seconds=seconds,
        )


class Permit:
    """A request's place."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.tokens = 0

    def claim(self, tokens: int) -> None:
        """Say how many tokens the request has, once. Raises `Overloaded`."""
        if not self.tokens:
            self._admission.claim(tokens)
            self.tokens = tokens
