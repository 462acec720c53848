"""How much one client may ask for: a token bucket per client, told in headers."""

import math
from dataclasses import dataclass, field
from typing import Final

from but_gateway.web.problems import TooManyRequests

WINDOW_SECONDS: Final = 60
BUCKETS_MAX: Final = 50_000


@dataclass(slots=True)
class RateLimiter:
    """``per_minute`` requests per client in every process, saved up to one minute's worth; 0 is no limit."""

    per_minute: int
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)  # client → (tokens, seconds when counted)

    def take(self, client: str, seconds: float) -> dict[str, str]:
        """Counts one request at a moment (seconds of a monotonic clock); gives the headers of the answer.

        Refuses when nothing is left (TooManyRequests).
        """
        if not self.per_minute:
            return {}
        left, counted_at = self._buckets.get(client, (float(self.per_minute), seconds))
        left = min(float(self.per_minute), left + (seconds - counted_at) * self.per_minute / WINDOW_SECONDS)
        allowed = left >= 1
        if client not in self._buckets and len(self._buckets) >= BUCKETS_MAX:
            self._buckets.clear()
        self._buckets[client] = (left - 1 if allowed else left, seconds)
        left -= 1 if allowed else 0
        wait = max(1, math.ceil((1 - left) * WINDOW_SECONDS / self.per_minute))
        headers = {
            "RateLimit-Policy": f'"client";q={self.per_minute};w={WINDOW_SECONDS}',
            "RateLimit": f'"client";r={math.floor(left)};t={wait}',
        }
        if not allowed:
            raise TooManyRequests(headers={**headers, "Retry-After": str(wait)})
        return headers
