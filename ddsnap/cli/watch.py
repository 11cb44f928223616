"""A run as a bar shows it: how many types were read, and how far the present one has come."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ddsnap.cli.text import span

if TYPE_CHECKING:
    from typing_extensions import Self

    from ddsnap.cli.terminal import Advance, Terminal
    from ddsnap.flows.run import Run


def watched(run: Run, advance: Advance) -> Run:
    """Return the run, which a bar follows from now on."""

    def sink(event: str, /, **fields: object) -> None:
        run.sink(event, **fields)
        advance(event == "type_finished")

    def watch(name: str, done: int, total: int, seconds: float | None) -> None:
        advance(0, _place(name, done, total, seconds))

    return replace(run, sink=sink, watch=watch)


class Bars:
    """What shows a run that reads, asks and writes: one bar after another, none at the question."""

    _PAUSE: Final = 1.0
    """Seconds between two events of progress; programs need no more."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown = ExitStack()
        self._advance: Advance | None = None
        self._done = 0
        self._told = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, label: str, total: int) -> None:
        """Show another bar in the place of the last one, on a terminal alone."""
        self.stop()
        if total and self._terminal.interactive:
            self._advance = self._shown.enter_context(self._terminal.progress(label, total))
            self._done = 0

    def stop(self) -> None:
        """Show no bar."""
        self._advance = None
        self._shown.close()

    def watch(self, run: Run) -> Run:
        """Return the run, which the bars follow from now on."""

        def sink(event: str, /, **fields: Any) -> None:
            if event == "progress":
                self._progress(run, fields)
                return
            run.sink(event, **fields)
            self._step(event == "type_finished")

        def watch(name: str, done: int, total: int, seconds: float | None) -> None:
            self._step(0, _place(name, done, total, seconds))

        return replace(run, sink=sink, watch=watch)

    def _progress(self, run: Run, fields: dict[str, Any]) -> None:
        step, self._done = max(0, fields["done"] - self._done), max(self._done, fields["done"])
        self._step(step)
        if time.monotonic() - self._told >= self._PAUSE:
            self._told = time.monotonic()
            run.sink("progress", **fields)

    def _step(self, step: int, doing: str = "") -> None:
        if self._advance is not None:
            self._advance(step, doing)


def _place(name: str, done: int, total: int, seconds: float | None) -> str:
    rest = f", {span(seconds)} left" if seconds else ""
    return f"{name} {done}/{total}{rest}" if done < total else ""
