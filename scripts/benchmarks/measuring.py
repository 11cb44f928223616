"""Costs and ratios: two sides take turns in one run, and medians speak."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORK = Path(__file__).with_name("work.py")
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Cost:
    """CPU and wall time in seconds, peak memory in megabytes, and what a child told."""

    cpu: float
    wall: float
    rss: float = 0.0
    told: Any = None


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, its value, how it relates to ``aim`` (empty: no aim)."""

    what: str
    figure: str
    ratio: str = ""
    aim: str = ""
    met: bool | None = None


def process(
    command: Sequence[str | Path],
    *,
    accept: Sequence[int] = (0,),
    env: dict[str, str] | None = None,
) -> Cost:
    """Run a command to its end and return what it and its children cost."""
    with tempfile.NamedTemporaryFile() as report:
        words = [sys.executable, "-IS", str(LAUNCH), report.name, *map(str, command)]
        ran = subprocess.run(
            words, stdout=subprocess.PIPE, env={**os.environ, **(env or {})}, check=False
        )
        if ran.returncode not in accept:
            raise SystemExit(f"{[*map(str, command)]} ended with {ran.returncode}")
        return Cost(*json.load(report), ran.stdout)


def work(name: str, *arguments: object, whole: bool = False) -> Cost:
    """Run one piece of ``work.py`` in a process of its own, and return what its core cost.

    With ``whole`` it is the cost of the process, from its start.
    """
    cost = process([sys.executable, WORK, name, *map(str, arguments)])
    told = json.loads(cost.told.splitlines()[-1])
    core = Cost(told["cpu"], told["wall"], cost.rss, told)
    return replace(cost, told=told) if whole else core


def ddsnap(folder: Path, *words: str, env: dict[str, str] | None = None) -> Cost:
    """Run the command line in a repository; an incomplete capture, or a difference, is fine."""
    return process(
        [sys.executable, "-m", "ddsnap", "-q", "-C", folder, *words], accept=(0, 1, 4), env=env
    )


def git(folder: Path, *words: str) -> Cost:
    """Run git in a repository."""
    return process(["git", "-C", folder, *words])


def in_turns(rounds: int, *sides: Callable[[], Cost]) -> list[list[Cost]]:
    """Measure the sides in turns, and return the costs of each."""
    costs: list[list[Cost]] = [[] for _ in sides]
    for number in range(rounds):
        order = list(enumerate(sides))
        for at, side in order if number % 2 == 0 else reversed(order):
            costs[at].append(side())
    return costs


def ratio(ours: list[Cost], theirs: list[Cost], of: str) -> float:
    """Return the median of the rounds' ratios."""
    return median(getattr(a, of) / getattr(b, of) for a, b in zip(ours, theirs, strict=True))


def typical(costs: list[Cost], of: str) -> float:
    """Return the median of one number."""
    return median(getattr(cost, of) for cost in costs)


def compared(what: str, ours: list[Cost], theirs: list[Cost], of: str, aim: float | None) -> Row:
    """Return the row of one comparison; ``aim`` is the largest ratio that is good."""
    found = ratio(ours, theirs, of)
    figure = f"{typical(ours, of):.2f} s / {typical(theirs, of):.2f} s {of}"
    met = None if aim is None else found <= aim
    return Row(what, figure, f"{found:.2f}", f"<= {aim:g}" if aim is not None else "", met)


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out in columns."""
    cells = [("what", "figure", "ratio", "aim", "")]
    said = {True: "met", False: "MISSED", None: ""}
    cells += [(row.what, row.figure, row.ratio, row.aim, said[row.met]) for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(5)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
             for line in cells]  # fmt: skip
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:]])
