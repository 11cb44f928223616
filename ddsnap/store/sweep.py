"""Removing what killed runs left behind, and nothing that a living process needs.

Our own leftovers are recognized by their owner's lock (see ``owned``): they go at once. A foreign
one goes by age alone, since no git process can be asked whether it still works.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ddsnap.store.owned import claim
from ddsnap.store.pack import INDEX_PREFIX, PACK_PREFIX
from ddsnap.store.references import owned_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.store.repository import Repository

LOCK_AGE = 3600.0
"""Seconds after which a foreign lock file is a leftover: git holds them for moments."""

PACK_AGE = 86400.0
"""The same for foreign packs under way, which may take hours."""


def sweep(repo: Repository) -> list[Path]:
    """Remove leftovers; return what was removed, locks and packs by their paths."""
    removed = [*_dead_locks(repo.git_dir), *_dead_packs(repo.pack_dir)]
    return removed + [path for path in _foreign(repo) if _unlink(path)]


def leftovers(repo: Repository) -> list[Path]:
    """Return what killed runs left behind; a sweep removes it."""
    packs = [
        path for prefix in (INDEX_PREFIX, PACK_PREFIX) for path in repo.pack_dir.glob(f"{prefix}*")
    ]
    own = [*owned_folder(repo.git_dir).glob("ref_*"), *packs]
    return [*sorted(path for path in own if _is_dead(path)), *_foreign(repo)]


def _is_dead(path: Path) -> bool:
    file = claim(path)
    if file:
        file.close()
    return file is not None


def _dead_locks(common: Path) -> Iterator[Path]:
    """Remove the lock files that dead runs hold, then the files that they are links to."""
    for path in sorted(owned_folder(common).glob("ref_*")):
        file = claim(path)
        if file is None:
            continue
        with file:  # held, so that no other sweep does the same now
            for lock in _lock_files(common):
                with suppress(OSError):
                    if lock.samefile(path) and _unlink(lock):
                        yield lock
            if _unlink(path):
                yield path


def _lock_files(common: Path) -> Iterator[Path]:
    if (common / "HEAD.lock").exists():
        yield common / "HEAD.lock"
    yield from (p for p in _files(common / "worktrees", ".lock") if p.name == "HEAD.lock")
    yield from _files(common / "refs", ".lock")


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    """Find files below a folder; folders may vanish meanwhile, which a glob does not bear."""
    for top, _, names in os.walk(folder):
        yield from (Path(top, name) for name in names if name.endswith(suffix))


def _dead_packs(folder: Path) -> Iterator[Path]:
    """Remove our packs that were never finished; an index's name tells of its pack."""
    for path in sorted(folder.glob(f"{INDEX_PREFIX}*")) + sorted(folder.glob(f"{PACK_PREFIX}*")):
        file = claim(path)
        if file is None:
            continue
        with file:
            checksum = path.name.removeprefix(INDEX_PREFIX).partition("_")[0]
            pack = folder / f"pack-{checksum}.pack"
            if pack.exists() and not pack.with_suffix(".idx").exists() and _unlink(pack):
                yield pack
            if _unlink(path):
                yield path


def _foreign(repo: Repository) -> Iterator[Path]:
    """Yield what others left, and what no lock tells of, once it is old."""
    now = time.time()
    objects = repo.git_dir / "objects"
    locks = [path for path in _files(objects, ".lock") if path.parent.name != "info"]
    locks += _lock_files(repo.git_dir)
    yield from (path for path in locks if _age(path, now) > LOCK_AGE)
    for path in repo.pack_dir.iterdir() if repo.pack_dir.is_dir() else ():
        if path.name.startswith((INDEX_PREFIX, PACK_PREFIX)):
            continue  # ours, and not claimed above: its owner lives
        unfinished = path.name.startswith("tmp") or _lacks_index(path)
        if unfinished and _age(path, now) > PACK_AGE:
            yield path


def _lacks_index(path: Path) -> bool:
    return path.suffix == ".pack" and not path.with_suffix(".idx").exists()


def _age(path: Path, now: float) -> float:
    try:
        stat = path.stat()
    except OSError:
        return 0.0
    return now - max(stat.st_mtime, stat.st_ctime)


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
