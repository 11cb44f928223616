"""Signals while threads are at work: noted at once, and heeded where nothing is half done.

An exception at any odd moment would lose sight of a thread that is just being started, and of the
request that it makes.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from typing_extensions import Self

_HANGUP: Final = getattr(signal, "SIGHUP", None)
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, *([_HANGUP] if _HANGUP is not None else []))

_INSISTING: Final = 3
"""So many signals end whatever keeps the run from heeding the first."""


class Interruption:
    """Whether somebody wants the run to end. The next signal after that was heeded ends it."""

    def __init__(self) -> None:
        self._noted = 0
        self._heeded = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other one gets signals
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` if the run is to end."""
        if self._noted:
            self._heeded = True
            raise KeyboardInterrupt

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == _HANGUP and self._noted:  # a terminal that goes says so more than once
            return
        self._noted += 1
        if self._heeded or self._noted >= _INSISTING:
            raise KeyboardInterrupt
