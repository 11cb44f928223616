"""Keeping the store small and quick: many small packs become few, history gets its index.

It starts only where no run works in the repository, and never removes an object.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Final

from ddsnap.errors import StoreError
from ddsnap.store.consolidate import consolidate
from ddsnap.store.locks import sole_lock
from ddsnap.store.program import find_git, run_git
from ddsnap.store.references import Note

if TYPE_CHECKING:
    from ddsnap.store.program import Ran
    from ddsnap.store.repository import Repository

MANY: Final = 50
"""From more packs than these on, looking up an object takes longer than it should."""
FEW: Final = 10
"""Up to so many packs are left alone, however their sizes are."""
PATIENCE: Final = 3600.0
_CHECKSUM: Final = 20

_GEOMETRIC: Final = ("repack", "-d", "-q", "--geometric=2")
_WHOLE: Final = ("repack", "-a", "-d", "-k", "-q")
_INDEX: Final = ("commit-graph", "write", "--reachable", "--changed-paths", "--no-progress")


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs of a repository: how many, how large the largest is, and the others together."""

    count: int
    base: int
    small: int

    @property
    def crowded(self) -> bool:
        """Whether they should become fewer."""
        return self.count > MANY or (self.count > FEW and self.small > self.base)


def count_packs(repo: Repository) -> Packs:
    """Look at the packs that are there; those that somebody keeps as they are do not count."""
    sizes = []
    for index in repo.pack_dir.glob("pack-*.idx"):
        if index.with_suffix(".keep").exists():
            continue
        with suppress(FileNotFoundError):  # repacked this moment
            sizes.append(index.with_suffix(".pack").stat().st_size)
    base = max(sizes, default=0)
    return Packs(len(sizes), base, sum(sizes) - base)


def maintain(repo: Repository) -> Note | None:
    """Join the packs if they are crowded and no run works here; tell what went wrong."""
    if not count_packs(repo).crowded:
        return None
    git = find_git()
    with sole_lock(repo) as alone:
        if not alone:  # the run that is under way will do it after its commit
            return None
        reason = _damaged_index(repo) or (_by_git(repo, git) if git else _without_git(repo))
    if not reason:
        return None
    return Note(f"the packs could not be joined: {reason}", "run `git fsck --full`")


def _damaged_index(repo: Repository) -> str:
    """Name an index that is not as it was written: git believes it, and what it misnames is lost
    with the old pack."""
    for index in sorted(repo.pack_dir.glob("pack-*.idx")):
        data = index.read_bytes()
        if sha1(data[:-_CHECKSUM]).digest() != data[-_CHECKSUM:]:
            return f"{index.name} is damaged"
    return ""


def _by_git(repo: Repository, git: str) -> str:
    ran = _repack(repo, git)
    if ran.code == 0:
        ran = run_git(repo, git, _INDEX, PATIENCE)
    return ran.reason if ran.code else ""


def _without_git(repo: Repository) -> str:
    try:
        consolidate(repo)
    except StoreError as error:
        return error.message
    return ""


def _repack(repo: Repository, git: str) -> Ran:
    """Join small packs in a geometric progression; a git that is too old for that joins all."""
    ran = run_git(repo, git, _GEOMETRIC, PATIENCE)
    if ran.code and "geometric" in ran.said:
        ran = run_git(repo, git, _WHOLE, PATIENCE)
    return ran
