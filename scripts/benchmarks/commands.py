"""What a command costs beside its work."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import corpus
from measuring import Row, in_turns, process, typical, work

if TYPE_CHECKING:
    from pathlib import Path

CHANGES = 100


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
    """Plan five times the size: into an empty org, an alike one, a mapped one that lags behind."""
    size *= 5
    ours = corpus.documents(size)
    made = corpus.repository(folder / "repo", ours)
    with corpus.opened(made) as repo:
        for org, files in (("eu1", corpus.documents(size, "eu1")), ("ap1", ours), ("new", {})):
            corpus.snapshot(repo, files, f"snapshots/{org}")
        corpus.map_ids(repo, ours, "ap1")
        changed = corpus.edit(repo, ours, CHANGES)
    rows = []
    for org, what in (
        ("new", "an empty org"),
        ("eu1", "an alike one"),
        ("ap1", f"a mapped one, {changed} of them changed"),
    ):
        (costs,) = in_turns(1, lambda org=org: work("plan", made, org))  # type: ignore[misc]
        told = Counter({kind: n for cost in costs for kind, n in cost.told["counts"].items()})
        cpu, rss = typical(costs, "cpu"), typical(costs, "rss")
        counted = ", ".join(f"{n} {kind}" for kind, n in told.most_common(3))
        rows.append(
            Row(
                f"plan of {size} documents into {what}",
                f"{cpu:.2f} s cpu, {rss:.0f} MB peak ({counted})",
            )
        )
    return rows
