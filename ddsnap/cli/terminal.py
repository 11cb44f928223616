"""The one voice of ddsnap: what it says, to whom, and in which form.

With ``json`` standard output holds NDJSON events alone; whatever is for people goes to standard
error. Without it results go to standard output, and events are told on standard error.
"""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

import click

from ddsnap.cli.outlet import Outlet
from ddsnap.cli.phrases import PHRASES
from ddsnap.cli.text import aligned, blocks, cell, lines, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ddsnap.core.values import JSON


class Advance(Protocol):
    """Takes how much work was just done, and what is being done now."""

    def __call__(self, step: int, doing: str = "", /) -> None:
        """Show it."""


class Terminal:
    """Standard output and error, and how much to say there."""

    def __init__(self, stdout: TextIO, stderr: TextIO, env: Mapping[str, str]) -> None:
        self.stdout = cast("TextIO", Outlet(stdout))
        self.stderr = cast("TextIO", Outlet(stderr))
        self.colour = not env.get("NO_COLOR") and env.get("TERM") != "dumb"
        self.json = False
        self.verbosity = 0
        self._lock = threading.RLock()
        self._live: Any = None

    @property
    def interactive(self) -> bool:
        """Whether a person watches standard error."""
        return self.stderr.isatty()

    def persist(self) -> None:
        """Say the rest to nobody, if need be: what is done now is done whoever listens."""
        for stream in (self.stdout, self.stderr):
            cast("Outlet", stream).persists = True

    def event(self, name: str, /, **fields: Any) -> None:
        """Tell that something happened: to programs as one object, to people as one line."""
        if self.json:
            line = json.dumps({"event": name, **fields}, default=str)
            self._write(self.stdout, line)
        elif phrase := PHRASES[name](fields) if name in PHRASES else "":
            self.note(phrase)
        else:
            self.detail(" ".join([name, *(f"{key}={cell(fields[key])}" for key in fields)]))

    def line(self, text: str = "", **style: Any) -> None:
        """Write a part of the result; ``style`` is click's, and used on a terminal only."""
        self._write(self.stderr if self.json else self.stdout, lines(text), style)

    def note(self, text: str) -> None:
        """Write what is good to know, unless told to be quiet."""
        if self.verbosity >= 0:
            self._write(self.stderr, lines(text))

    def detail(self, text: str) -> None:
        """Write what is only of use when looking for a cause."""
        if self.verbosity > 0:
            self._write(self.stderr, lines(text), {"dim": True})

    def warn(self, text: str) -> None:
        """Write what somebody should look at."""
        self._write(self.stderr, f"warning: {one_line(text)}", {"fg": "yellow"})

    def error(self, text: str, hint: str = "") -> None:
        """Write why the run ends, and how to mend it."""
        self._write(self.stderr, f"error: {one_line(text)}", {"fg": "red"})
        if hint:
            self._write(self.stderr, f"hint: {one_line(hint)}")

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[JSON]]) -> None:
        """Write a table as a result; to programs each row is an event called ``name``."""
        if self.json:
            for row in rows:
                self.event(name, **dict(zip(columns, row, strict=True)))
        elif rows:
            texts = [[cell(value) for value in row] for row in rows]
            if self.stdout.isatty():
                self._fitting(columns, texts)
            else:
                self._write(self.stdout, aligned(columns, texts))

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator[Advance]:
        """Show that work goes on; the value takes how much of it was just done, and what is now.

        On a terminal a bar that leaves no trace; elsewhere one line before and one after.
        """
        label = one_line(label)
        if self.verbosity < 0:
            yield _ignore
        elif self.interactive and self._live is None:
            with self._bar(label, total) as advance:
                yield advance
        else:
            done = 0

            def count(step: int, _doing: str = "") -> None:
                nonlocal done
                done += step

            self.detail(f"{label} ...")
            yield count
            self.note(f"{label}: {done}")

    def _write(self, stream: TextIO, text: str, style: Mapping[str, Any] | None = None) -> None:
        tty = stream.isatty()
        with self._lock:
            if tty and self._live is not None:
                self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
                return
            if style and self.colour and tty:
                text = click.style(text, **style)
            stream.write(f"{text}\n")
            stream.flush()

    def _fitting(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table on a screen: side by side where it is wide enough, else in blocks."""
        width = shutil.get_terminal_size().columns
        if max(map(len, aligned(columns, rows).splitlines())) <= width:
            self._rich_table(columns, rows)
        else:
            for line in blocks(columns, rows, width):
                self._write(self.stdout, line, {} if line.startswith(" ") else {"bold": True})

    def _rich_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        Console(file=self.stdout, no_color=not self.colour, highlight=False).print(table)

    @contextmanager
    def _bar(self, label: str, total: int | None) -> Iterator[Advance]:
        from rich.console import Console  # noqa: PLC0415 - slow to import
        from rich.progress import Progress  # noqa: PLC0415

        console = Console(file=self.stderr, no_color=not self.colour, highlight=False)
        bar = Progress(
            console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        task = bar.add_task(label.replace("[", r"\["), total=total)

        def advance(step: int, doing: str = "") -> None:
            text = one_line(f"{label} {doing}".rstrip()).replace("[", r"\[")
            bar.update(task, advance=step, description=text)

        with bar:
            self._live = bar
            try:
                yield advance
            finally:
                self._live = None


def _ignore(_step: int, _doing: str = "") -> None:
    """Show nothing."""
