"""What a command costs beside its work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import corpus
from measuring import Row, in_turns, process, typical, work

if TYPE_CHECKING:
    from pathlib import Path


def start(_folder: Path, _size: int) -> list[Row]:
    """Start ``ddsnap --help``, against Python doing nothing."""
    ours, nothing = in_turns(
        15,
        lambda: process([sys.executable, "-m", "ddsnap", "--help"]),
        lambda: process([sys.executable, "-c", "pass"]),
    )
    more = (typical(ours, "wall") - typical(nothing, "wall")) * 1000
    return [
        Row("ddsnap --help / python -c pass", f"{typical(ours, 'wall') * 1000:.0f} ms"
            f" / {typical(nothing, 'wall') * 1000:.0f} ms", f"+{more:.0f} ms", "<= +120 ms",
            more <= 120),
    ]  # fmt: skip


def plan(folder: Path, size: int) -> list[Row]:
    """Plan a replay into an empty org, into an alike one of other ids, and into itself."""
    made = corpus.repository(folder / "repo", corpus.documents(size))
    with corpus.opened(made) as repo:
        corpus.snapshot(repo, corpus.documents(size, "eu1"), "snapshots/eu1")
        corpus.snapshot(repo, {}, "snapshots/new")
    rows = []
    for org, what in (("new", "an empty org"), ("eu1", "an alike one"), ("us1", "itself")):
        (costs,) = in_turns(1, lambda org=org: work("plan", made, org))  # type: ignore[misc]
        cpu, rss = typical(costs, "cpu"), typical(costs, "rss")
        rows.append(
            Row(f"plan of {size} documents into {what}", f"{cpu:.2f} s cpu, {rss:.0f} MB peak")
        )
    return rows
