"""A run as a bar shows it: how many types were read, and how far the present one has come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.cli.text import span

if TYPE_CHECKING:
    from ddsnap.cli.terminal import Advance
    from ddsnap.flows.run import Run


def watched(run: Run, advance: Advance) -> Run:
    """Return the run, which a bar follows from now on."""

    def sink(event: str, /, **fields: object) -> None:
        run.sink(event, **fields)
        advance(event == "type_finished")

    def watch(name: str, done: int, total: int, seconds: float | None) -> None:
        rest = f", {span(seconds)} left" if seconds else ""
        advance(0, f"{name} {done}/{total}{rest}" if done < total else "")

    return replace(run, sink=sink, watch=watch)
