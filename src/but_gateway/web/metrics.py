"""Figures of this process for Prometheus: requests, durations, connections, the background work. No label names a person or a town."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
BOUNDS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts since the process started, each app with its own."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.registry = CollectorRegistry()
        self._requests = Counter("but_requests", "Answered requests", ["method", "route", "status"], registry=self.registry)
        self._seconds = Histogram(
            "but_request_seconds", "Time to the end of an answer", ["route"], buckets=BOUNDS_SECONDS, registry=self.registry
        )
        self._rounds = Counter(
            "but_worker_rounds", "Rounds of the background work that this process did to the end", registry=self.registry
        )
        self._failures = Counter("but_worker_failures", "Rounds that failed; each is tried again", registry=self.registry)
        self._last_round = Gauge("but_worker_last_round_time_seconds", "When the last round ended well (Unix time)", registry=self.registry)
        self.gauge("but_requests_in_flight", "Requests at work", lambda: self.in_flight)
        # Looking a label up takes longer than counting: what was counted once is kept.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; ``route`` is the path as declared, never as sent."""
        known = self._known.get((method, route, status))
        if known is None:
            known = self._known[method, route, status] = (self._requests.labels(method, route, status), self._seconds.labels(route))
        known[0].inc()
        known[1].observe(seconds)

    def round_done(self) -> None:
        """The worker has looked after everything once."""
        self._rounds.inc()
        self._last_round.set_to_current_time()

    def round_failed(self) -> None:
        """The worker had to break off."""
        self._failures.inc()

    def gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A figure that is asked for when the figures are read."""
        Gauge(name, meaning, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)
