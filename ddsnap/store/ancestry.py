"""How two commits of one branch lie to each other: which holds the other, or that neither does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.store.history import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.store.repository import Repository

Relation: TypeAlias = Literal["same", "ahead", "behind", "diverged", "unknown"]
"""What the first commit is to the second; ``unknown`` where a shallow history ends too early."""


def relation(repo: Repository, here: str, there: str) -> Relation:
    """Compare two commits; it costs as many steps as lie between them."""
    if here == there:
        return "same"
    found = _along_first_parents(repo, here, there)
    if found in ("ahead", "behind"):
        return found
    # Somebody may have merged by hand, so that one is the other's second parent.
    if _reaches(repo, here, there):
        return "ahead"
    return "behind" if _reaches(repo, there, here) else found


def commits_since(repo: Repository, tip: str, base: str | None) -> Iterator[str]:
    """Yield the commits from ``tip`` down its first parents, newest first, short of ``base``."""
    for commit in _first_parents(repo, tip, set()):
        if commit == base:
            return
        yield commit


def _along_first_parents(repo: Repository, here: str, there: str) -> Relation:
    """Walk both ways in step, so that a short way is short however long the branch is."""
    ends: set[str] = set()
    walks = (_first_parents(repo, here, ends), _first_parents(repo, there, ends))
    seen: tuple[set[str], set[str]] = (set(), set())
    open_ = [True, True]
    while any(open_):
        for side in (0, 1):
            commit = next(walks[side], None)
            open_[side] = commit is not None
            if commit is None:
                continue
            if commit == (there, here)[side]:
                return ("ahead", "behind")[side]
            if commit in seen[1 - side]:
                return "diverged"
            seen[side].add(commit)
    return "unknown" if ends else "diverged"


def _first_parents(repo: Repository, commit: str, ends: set[str]) -> Iterator[str]:
    """Yield a commit and its first parents; where a shallow history is cut off goes to ``ends``."""
    shallow = {sha.decode() for sha in repo.raw.get_shallow()}
    while True:
        yield commit
        if commit in shallow:
            ends.add(commit)
            return
        parents = repo.commit_info(commit).parents
        if not parents:
            return
        commit = parents[0]


def _reaches(repo: Repository, start: str, wanted: str) -> bool:
    return any(info.sha == wanted for info in log(repo, start, first_parent=False))
