"""Figures of this process for Prometheus: requests by operation and status, durations, requests in flight. No label names a person."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

BOUNDS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Metrics:
    """Counts since the process started."""

    in_flight: int = 0
    _requests: Counter[tuple[str, str, int]] = field(default_factory=Counter, init=False)
    _buckets: dict[str, list[int]] = field(default_factory=dict, init=False)
    _seconds: Counter[str] = field(default_factory=Counter, init=False)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; ``route`` is the path as declared, never as sent."""
        self._requests[method, route, status] += 1
        buckets = self._buckets.setdefault(route, [0] * (len(BOUNDS_SECONDS) + 1))
        buckets[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        self._seconds[route] += seconds  # type: ignore[assignment] # a Counter adds up floats as well

    def text(self) -> str:
        """All figures in Prometheus' text format."""
        lines = ["# TYPE but_requests_in_flight gauge", f"but_requests_in_flight {self.in_flight}", "# TYPE but_requests_total counter"]
        for (method, route, status), count in sorted(self._requests.items()):
            lines.append(f'but_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        lines.append("# TYPE but_request_seconds histogram")
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*BOUNDS_SECONDS, "+Inf"), buckets, strict=True):
                total += count
                lines.append(f'but_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'but_request_seconds_sum{{route="{route}"}} {float(self._seconds[route]):.6f}')
            lines.append(f'but_request_seconds_count{{route="{route}"}} {total}')
        return "\n".join(lines) + "\n"
