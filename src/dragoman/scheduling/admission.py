"""Refuses work at once when too much is in progress, rather than letting everybody wait."""

from collections.abc import Iterator
from contextlib import contextmanager

from dragoman.core.errors import Overloaded

_RETRY_AFTER_SECONDS = 2


class Admission:
    """Counts requests in progress."""

    def __init__(self, max_requests: int) -> None:
        self._max_requests = max_requests
        self.in_progress = 0

    @contextmanager
    def permit(self) -> Iterator[None]:
        """Hold a place while a request is in progress. Raises `Overloaded` when none is free."""
        if self.in_progress >= self._max_requests:
            raise Overloaded(
                f"The server is busy with {self.in_progress} requests, which is its limit. "
                f"Try again in {_RETRY_AFTER_SECONDS} seconds.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        self.in_progress += 1
        try:
            yield
        finally:
            self.in_progress -= 1
