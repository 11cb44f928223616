"""What git has to do: first snapshots, differences, history, growth."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import corpus
from measuring import Row, compared, ddsnap, git, in_turns, process, work

from ddsnap.store.program import find_git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from measuring import Cost

CHANGES = 100


def first(folder: Path, size: int) -> list[Row]:
    """Write the first snapshot: the same files, in memory on both sides, up to a durable commit."""
    kept = folder / "files"
    corpus.save(corpus.documents(size), kept)

    def side(name: str) -> Cost:
        target = folder / "target"
        process(["git", "init", "-q", "--bare", target])
        try:
            return work(name, kept, target)
        finally:
            shutil.rmtree(target)

    costs = in_turns(5, lambda: side("store"), lambda: side("fast_import"))
    what = f"first snapshot, {size} resources / git fast-import"
    return [compared(what, *costs, "wall", 0.85), compared(what, *costs, "cpu", None)]


def diff(folder: Path, size: int) -> list[Row]:
    """Compare two snapshots of ten times the size, 100 changes apart; whole processes."""
    size *= 10
    made, _ = corpus.grown(folder / "repo", size, days=1, each=CHANGES)
    paths, shown, bare = in_turns(
        7,
        lambda: work("changes", made, whole=True),
        lambda: ddsnap(made, "diff", "us1~1", "us1"),
        lambda: git(made, "diff", "--raw", f"{corpus.BRANCH}~1", corpus.BRANCH),
    )
    what = f"{CHANGES} changes in {size} documents"
    return [
        compared(f"{what}: paths / git diff --raw", paths, bare, "cpu", 4),
        compared(f"{what}: ddsnap diff / git diff --raw", shown, bare, "cpu", None),
    ]


def log(folder: Path, size: int) -> list[Row]:
    """Tell the versions of one document over 1,000 snapshots; whole processes."""
    size, days = size // 10, 1000
    made, path = corpus.grown(folder / "repo", size, days, each=10, watched=20)
    rows = []
    for state in ("as written", "after maintenance"):
        if state != "as written":
            work("maintain", made)
        versions, shown, bare = in_turns(
            3,
            lambda: work("versions", made, path, whole=True),
            lambda: ddsnap(made, "log", "us1", path.removesuffix(".json")),
            lambda: git(made, "log", "--format=%H", "--first-parent", corpus.BRANCH, "--", path),
        )
        what = f"one document over {days} snapshots, {state}"
        rows += [
            compared(f"{what}: versions / git log", versions, bare, "wall", None),
            compared(f"{what}: ddsnap log / git log", shown, bare, "wall", None),
        ]
    return rows


def growth(folder: Path, size: int) -> list[Row]:
    """Grow a repository by 365 snapshots with 1 % changed, maintained with git and without."""
    rows = []
    for state, aim in (("with", 1.5), ("without", 4.0)):
        if state == "with" and find_git() is None:
            continue
        files = corpus.documents(size)
        made = corpus.repository(folder / state, files)
        with _hidden_git() if state == "without" else nullcontext():
            corpus.grow(made, files, 365, max(1, size // 100), maintained=True)
        ours = _bytes(made)
        git(made, "gc", "-q")
        packed = _bytes(made)
        found = ours / packed
        rows.append(
            Row(
                f"365 captures of {size}, 1 % changed, {state} system git / after git gc",
                f"{ours / 1e6:.1f} MB / {packed / 1e6:.1f} MB",
                f"{found:.2f}",
                f"<= {aim}",
                found <= aim,
            )
        )
    return rows


@contextmanager
def _hidden_git() -> Iterator[None]:
    """Leave no git to be found."""
    path = os.environ["PATH"]
    os.environ["PATH"] = ""
    try:
        yield
    finally:
        os.environ["PATH"] = path


def _bytes(repo: Path) -> int:
    return sum(f.stat().st_size for f in (repo / ".git" / "objects").rglob("*") if f.is_file())
