"""When a request is made again, and after how long: decisions only, nothing waits here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
OVERLOADED: Final = frozenset({502, 503, 504, 512})
"""512 is the edge's own word for overload: like its siblings it wants a longer pause."""
_AGAIN: Final = frozenset({408, 425, 429})
_LONGEST_PAUSE: Final = 60.0
_PLAIN_RETRIES: Final = 4
_NOT_A_DELTA: Final = 1e9


@dataclass(frozen=True)
class Failure:
    """How an attempt failed. ``status`` is 0 where no answer came.

    ``reached``: the server may have seen the request. ``lasting``: another attempt cannot help.
    """

    message: str
    status: int = 0
    reached: bool = True
    lasting: bool = False
    hint: str = ""

    @property
    def limited(self) -> bool:
        """Whether the rate limit refused the request, so that it had no effect."""
        return self.status == 429

    @property
    def uncertain(self) -> bool:
        """Whether the request may have had its effect all the same."""
        unread = self.status < 300
        return self.reached and (unread or self.status == 408 or self.status >= 500)


@dataclass(frozen=True)
class Spent:
    """What a request has cost so far: attempts, seconds, and seconds that rate limits took."""

    attempts: int
    seconds: float
    limited: float


@dataclass(frozen=True)
class Policy:
    """How often and how long a request is tried: ``total`` seconds, without the limit's waits.

    What rate limits impose has an allowance of its own, at least one period of the limit long:
    a limit of 120 calls per hour could otherwise never be waited out.
    """

    retries: int = 8
    total: float = 900.0

    def pause(
        self,
        method: str,
        failure: Failure,
        headers: Mapping[str, str],
        spent: Spent,
        *,
        now: float,
        draw: Callable[[], float],
    ) -> float | None:
        """Return the seconds to wait before the next attempt; ``None``: there is none.

        ``now`` is the time in seconds since 1970, ``draw`` gives numbers between 0 and 1.
        """
        if spent.attempts > self._retries(failure) or not may_repeat(method, failure):
            return None
        hint = hinted(headers, now, limited=failure.limited)
        wait = backoff(failure.status, spent.attempts, draw()) if hint is None else hint + draw()
        if failure.limited:
            allowance = max(self.total, number(headers, "X-RateLimit-Period") or 0.0)
            return wait if spent.limited + wait <= allowance + 1 else None
        return wait if spent.seconds + wait <= self.total else None

    def _retries(self, failure: Failure) -> int:
        """A server that fails by itself, or that sends no JSON, seldom mends in minutes."""
        answered = failure.status >= 500 or 200 <= failure.status < 300
        plain = answered and failure.status not in OVERLOADED
        return min(self.retries, _PLAIN_RETRIES) if plain else self.retries


def may_repeat(method: str, failure: Failure) -> bool:
    """Whether repeating is safe and can help: never for a POST that the server may have seen."""
    if failure.lasting:
        return False
    if failure.limited or not failure.reached:
        return True
    if method not in IDEMPOTENT:
        return False
    return failure.status < 300 or failure.status in _AGAIN or failure.status >= 500


def hinted(headers: Mapping[str, str], now: float, *, limited: bool) -> float | None:
    """Return the seconds that the server asks to wait, if it does.

    Every answer tells when the rate limit resets; only for a refused request is that a wait.
    """
    reset = number(headers, "X-RateLimit-Reset")
    if limited and reset is not None:
        return max(0.0, reset - now if reset > _NOT_A_DELTA else reset)
    after = headers.get("Retry-After")
    if after is None:
        return None
    seconds = number(headers, "Retry-After")
    return _until(after, now) if seconds is None else max(0.0, seconds)


def backoff(status: int, attempt: int, draw: float) -> float:
    """Return the pause after failed attempt ``attempt`` (1, 2, ...): exponential, jittered, > 0."""
    base = 4.0 if status in OVERLOADED else 1.0
    longest = min(_LONGEST_PAUSE, base * 2.0 ** min(attempt - 1, 10))
    return longest * (0.5 + draw / 2)


def number(headers: Mapping[str, str], name: str) -> float | None:
    """Return a header's value where it is a finite number."""
    try:
        value = float(headers.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(date: str, now: float) -> float | None:
    """Return the seconds until an HTTP date; one in the past is now."""
    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, moment.timestamp() - now)
