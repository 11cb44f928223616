"""How long requests wait for limits and for servers: until whoever asked for them wants to end."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Withheld(ApiError):  # noqa: N818 - it says what happened
    """A request would have had to wait, and was given up: it was never accepted.

    ``status`` is 429 where a limit had refused it, else 0: it was never sent.
    """


class Patience:
    """Where all threads of a session wait; one of them may be more patient than the others."""

    def __init__(self, sleep: Callable[[float], object] | None = None) -> None:
        self._sleep = sleep
        self._closed = threading.Event()
        self._over = threading.Event()
        self._thread = threading.local()

    @property
    def closed(self) -> bool:
        """Whether nothing is to be asked any more."""
        return self._closed.is_set()

    @property
    def over(self) -> bool:
        """Whether nobody waits any more, but for whom it is kept."""
        return self._over.is_set()

    def lose(self) -> None:
        """Wake whoever waits, and let nobody wait from now on."""
        self._over.set()

    def close(self) -> None:
        """Wake all, the patient ones too."""
        self._closed.set()
        self._over.set()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let this thread wait all the same."""
        self._thread.kept = True
        try:
            yield
        finally:
            self._thread.kept = False

    def wait(self, seconds: float) -> None:
        """Wait so long. Raises ``Withheld`` where that is not wanted."""
        end = self._closed if getattr(self._thread, "kept", False) else self._over
        if self._sleep is not None and not end.is_set():
            self._sleep(seconds)
        elif end.wait(seconds):
            raise Withheld("the run is ending")
