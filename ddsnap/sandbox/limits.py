"""Rate limits with Datadog's headers: calendar-aligned periods, one budget per limit."""

from __future__ import annotations

import math
import threading
import time


class RateLimit:
    """So many requests per period on the paths that match ``path``."""

    def __init__(self, requests: int, period: float, name: str, path: str = "") -> None:
        self.requests = requests
        self.period = period
        self.name = name
        self.path = path
        self._lock = threading.Lock()
        self._window = -1
        self._used = 0

    def spend(self) -> bool:
        """Count one request; false when the budget of this period was already gone."""
        with self._lock:
            window = int(time.time() // self.period)
            if window != self._window:
                self._window, self._used = window, 0
            self._used += 1
            return self._used <= self.requests

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that tell a client where it stands."""
        left = self.period - time.time() % self.period
        return rate_headers(
            self.requests,
            self.period,
            max(0, self.requests - self._used),
            math.ceil(left),
            self.name,
        )


def rate_headers(
    limit: int, period: float, remaining: int, reset: int, name: str
) -> tuple[tuple[str, str], ...]:
    """Return the five ``X-RateLimit-*`` headers."""
    return (
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Period", f"{period:g}"),
        ("X-RateLimit-Remaining", str(remaining)),
        ("X-RateLimit-Reset", str(reset)),
        ("X-RateLimit-Name", name),
    )
