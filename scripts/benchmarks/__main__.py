"""The figures: ``scripts/bench [NAME]... [--size N]``."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import captures
import commands
import network
import replays
import storage
from measuring import Row, table

if TYPE_CHECKING:
    from collections.abc import Callable

FIGURES: dict[str, Callable[[Path, int], list[Row]]] = {
    "start": commands.start,
    "first": storage.first,
    "unchanged": captures.unchanged,
    "changed": captures.changed,
    "http": network.over_http,
    "memory": network.memory,
    "limited": network.limited,
    "diff": storage.diff,
    "log": storage.log,
    "growth": storage.growth,
    "plan": commands.plan,
    "replay": replays.replays,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--size", type=int, default=10_000, help="resources (default: 10000)")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in FIGURES]
    if unknown:
        parser.error(f"no figure is called {unknown[0]}: {', '.join(FIGURES)}")
    rows: list[Row] = []
    for name in given.names or FIGURES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ddsnap-bench-") as folder:
            rows += FIGURES[name](Path(folder), given.size)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
