"""A stream whose reader may go away: that ends a command, but never a run that writes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, TextIO


class ReaderGone(BrokenPipeError):  # noqa: N818 - it says what happened
    """Nobody reads what a command says any more."""


class Outlet:
    """Standard output or error. Once it ``persists``, what cannot be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.persists = False

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def discard(self) -> None:
        """Send what is left to nowhere: Python flushes once more at exit."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        """Be the stream in everything else."""
        return getattr(self._stream, name)

    def _drop(self, error: OSError) -> None:
        if self.persists:
            self.discard()
        elif isinstance(error, BrokenPipeError):
            raise ReaderGone(*error.args) from error
        else:
            raise error
