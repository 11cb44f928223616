"""One rate budget for all threads: they pace before a limit is reached, and wait it out together.

Datadog limits calls per period and family of endpoints and tells the state of a limit with every
answer (``X-RateLimit-Name``, ``-Limit``, ``-Period``, ``-Remaining``, ``-Reset``).
"""

from __future__ import annotations

import math
import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.api.retry import hinted, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOW: Final = 0.1
"""The last tenth of a limit is spread over the rest of its period: others draw on it too."""
_SPREAD: Final = 0.05
"""Waiters come back within this share of a period after its reset, not all at once."""
_AT_ONCE: Final = 1e-6
_UNKNOWN_PERIOD: Final = 20.0


@dataclass
class _Limit:
    """What is known of one limit; ``remaining`` is the server's word, less what is under way."""

    limit: float = 0.0
    period: float = _UNKNOWN_PERIOD
    remaining: float | None = None
    resets_at: float = 0.0
    blocked_until: float = 0.0
    next_at: float = 0.0
    guessed: bool = False
    """The period was renewed by our clock; the server has not said so yet."""
    under_way: int = 0

    @property
    def left(self) -> float | None:
        """How many requests may still start in this period, as far as is known."""
        return None if self.remaining is None else self.remaining - self.under_way


class RateBudget:
    """The limits that a run has met, by name; thread-safe, and waits only through ``sleep``."""

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self._lock = threading.Lock()
        self._limits: dict[str, _Limit] = {}
        self._names: dict[str, str] = {}

    def take(self, route: str) -> float:
        """Wait until a request to ``route`` may start; return the seconds that this took.

        Each request that was let start must be reported by :meth:`settle`.
        """
        waited = 0.0
        while (wait := self.ask(route)) > 0:
            began = self._clock()
            self._sleep(wait)
            waited += self._clock() - began
        return waited

    def ask(self, route: str) -> float:
        """Return 0 and count a request to ``route`` as started, or the seconds to ask again in."""
        with self._lock:
            limit = self._limit(route)
            wait = self._wait(limit, self._clock())
            if wait <= 0:
                limit.under_way += 1
            return wait

    def settle(self, route: str, headers: Mapping[str, str]) -> None:
        """Count a request as ended and learn from its answer's headers (none came: ``{}``)."""
        with self._lock:
            limit = self._limit(route)
            limit.under_way = max(0, limit.under_way - 1)
            name = headers.get("X-RateLimit-Name")
            if name and self._names.get(route) != name:
                limit = self._rename(route, name)
            self._learn(limit, headers)

    def block(self, route: str, seconds: float) -> None:
        """Let no request of this limit start for ``seconds``: one was refused."""
        with self._lock:
            limit = self._limit(route)
            limit.blocked_until = max(limit.blocked_until, self._clock() + seconds)

    def seconds_for(self, counts: Mapping[str, int]) -> float | None:
        """Return the seconds that limits impose on so many more requests to each route.

        ``None`` where no limit of theirs is known yet. What others draw on them is not foreseen.
        """
        with self._lock:
            wanted = Counter[str]()
            for route, count in counts.items():
                wanted[self._names.get(route, route)] += count
            waits = [self._seconds(self._limits.get(name), wanted[name]) for name in wanted]
        return max((wait for wait in waits if wait is not None), default=None)

    def _seconds(self, limit: _Limit | None, count: int) -> float | None:
        if limit is None or limit.remaining is None or limit.limit <= 0:
            return None
        now = self._clock()
        reset = max(0.0, limit.resets_at - now, limit.blocked_until - now)
        more = count - (limit.remaining if now < limit.resets_at else 0)
        # Each period lets its whole limit through; the last of them need not pass.
        return reset + (math.ceil(more / limit.limit) - 1) * limit.period if more > 0 else 0.0

    def _limit(self, route: str) -> _Limit:
        # A name and a route cannot be the same text: a route starts with its verb and a space.
        return self._limits.setdefault(self._names.get(route, route), _Limit())

    def _rename(self, route: str, name: str) -> _Limit:
        """Let ``route`` draw on the limit of this name, with what it has under way."""
        before = self._limit(route)
        self._names[route] = name
        after = self._limit(route)
        after.under_way, before.under_way = after.under_way + before.under_way, 0
        after.blocked_until = max(after.blocked_until, before.blocked_until)
        return after

    def _wait(self, limit: _Limit, now: float) -> float:
        if now < limit.blocked_until:
            return limit.blocked_until - now + self._jitter(limit)
        if limit.remaining is not None and now >= limit.resets_at:
            limit.remaining = None if limit.limit <= 0 else limit.limit
            limit.resets_at, limit.next_at, limit.guessed = now + limit.period, now, True
        left = limit.left
        if left is None or left > limit.limit * _LOW:
            return 0.0
        if left < 1:
            return max(limit.resets_at - now, _AT_ONCE) + self._jitter(limit)
        if now < limit.next_at:
            return limit.next_at - now
        limit.next_at = now + (limit.resets_at - now) / left
        return 0.0

    def _jitter(self, limit: _Limit) -> float:
        return self._draw() * min(1.0, limit.period * _SPREAD)

    def _learn(self, limit: _Limit, headers: Mapping[str, str]) -> None:
        remaining = number(headers, "X-RateLimit-Remaining")
        reset = hinted(headers, self._clock(), limited=True)
        if remaining is None or reset is None:
            if limit.remaining is not None:
                limit.remaining = max(0.0, limit.remaining - 1)
            return
        limit.limit = number(headers, "X-RateLimit-Limit") or limit.limit
        limit.period = number(headers, "X-RateLimit-Period") or max(limit.period, reset)
        now = self._clock()
        renewed = now + reset > limit.resets_at + limit.period / 2
        if limit.remaining is None or renewed:
            limit.remaining, limit.next_at = remaining, now
        else:  # answers overtake one another: within a period the server's count only ever falls
            limit.remaining = min(limit.remaining, remaining)
        if renewed or limit.guessed:
            limit.resets_at, limit.guessed = now + reset, False
