"""Prometheus metrics. Every label has a closed set of values: never a user's text, key, address or model id."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from dragoman.core.answer import Usage

log = structlog.get_logger(__name__)

Phase = Literal["read", "prepare", "translate"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "dragoman_requests", "Requests answered.", ["endpoint", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "dragoman_request_seconds",
            "From request to end of answer.",
            ["endpoint"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.segments = Counter("dragoman_segments", "Segments accepted.", ["engine"], registry=self.registry)
        self._engine_failures = Counter(
            "dragoman_engine_failures", "Requests that an engine failed.", ["engine"], registry=self.registry
        )
        self._batch_segments = Histogram(
            "dragoman_batch_segments",
            "Segments decoded together.",
            ["engine"],
            registry=self.registry,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
        )
        self._cached = Counter(
            "dragoman_cached_segments", "Segments that the cache was asked for.", ["result"], registry=self.registry
        )
        self._tokens = Counter(
            "dragoman_tokens", "Tokens of answers that came to their end.", ["engine", "kind"], registry=self.registry
        )
        self._phase_seconds = Histogram(
            "dragoman_phase_seconds",
            "Time spent in a phase of a request.",
            ["phase"],
            registry=self.registry,
            buckets=_SECONDS,
        )

    def count_failure(self, engine: str, error: Exception) -> None:
        """An engine failed a request; what it says is for the operator's eyes, too."""
        self._engine_failures.labels(engine=engine).inc()
        log.warning("an engine failed a request", engine=engine, error=getattr(error, "message", type(error).__name__))

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Time a phase of a request, however it ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._phase_seconds.labels(phase=phase).observe(time.perf_counter() - started)

    def observe_batch(self, engine: str, segments: int) -> None:
        """Note the size of a batch that was translated."""
        self._batch_segments.labels(engine=engine).observe(segments)

    def count_cached(self, asked: int, found: int) -> None:
        """Add segments that the cache was asked for, and how many of them it had."""
        self._cached.labels(result="hit").inc(found)
        self._cached.labels(result="miss").inc(asked - found)

    def watch(self, *, requests_in_progress: Callable[[], int], queued_segments: Callable[[], int]) -> None:
        """Ask these whenever the metrics are read."""
        for name, text, count in (
            ("dragoman_requests_in_progress", "Requests accepted and not ended.", requests_in_progress),
            ("dragoman_queued_segments", "Segments that wait for an engine.", queued_segments),
        ):
            Gauge(name, text, registry=self.registry).set_function(count)

    def count_tokens(self, engine: str, usage: Usage) -> None:
        """Add what an answer used."""
        self._tokens.labels(engine=engine, kind="prompt").inc(usage.prompt_tokens)
        self._tokens.labels(engine=engine, kind="completion").inc(usage.completion_tokens)

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)
