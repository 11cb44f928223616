"""A small capture to be killed: commit files to a branch of the repository in argv[1]."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path

from ddsnap.store.locks import org_lock
from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.sweep import sweep


def capture(folder: str, content: str) -> None:
    """Do what every run that writes does: lock, sweep, write, commit."""
    with Repository.open(Path(folder)) as repo, org_lock(repo, "us1", "capture us1"):
        sweep(repo)
        with SnapshotWriter(repo, "snapshots/us1") as writer:
            for number in range(5):
                writer.put(f"monitors/{number}.json", f"{content} {number}\n".encode())
            writer.commit(f"capture us1: {content}", time=datetime.now(timezone.utc))


if __name__ == "__main__":
    if sys.argv[1] == "init":
        Repository.init(Path(sys.argv[2]), {"ddsnap.yaml": b"version: 1\n"}, "Start").close()
    else:
        capture(sys.argv[1], sys.argv[2])
