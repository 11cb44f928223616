"""The server's clock, as its answers tell it: by it the times of changes are to be judged."""

from __future__ import annotations

from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class ServerClock:
    """Runs as the local ``clock`` does (a monotonic one), from where the latest answer set it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._origin: float | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer that has just come; one without a date says nothing."""
        told = _seconds(headers.get("Date", ""))
        if told is not None:
            self._origin = told - self._clock()

    def now(self) -> float | None:
        """Return the time, in seconds since 1970; ``None`` until an answer told it.

        It may be early, by up to a second and what the answer took to come, and never late.
        """
        return None if self._origin is None else self._origin + self._clock()


def _seconds(date: str) -> float | None:
    try:
        time = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()
