"""One remote, many runners: machine branches are fetched and pushed, and never forced.

What comes of it is a value for each branch; a remote that cannot be asked is an error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ddsnap.errors import RemoteError, StoreError
from ddsnap.store.ancestry import relation
from ddsnap.store.over_dulwich import OverDulwich
from ddsnap.store.over_git import OverGit
from ddsnap.store.program import find_git
from ddsnap.store.transfer import Fetched, Pushed, tracking_ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.store.ancestry import Relation
    from ddsnap.store.repository import Repository
    from ddsnap.store.transfer import FetchState, Transport

__all__ = ["Fetched", "Pushed", "Remote", "find_remote"]

PATIENCE: Final = 900.0
"""Seconds after which a fetch or a push is given up."""

_STEPS: Final = (50, 500, 5000, None)
_STATES: Final[dict[Relation, FetchState]] = {
    "same": "same",
    "behind": "forward",
    "ahead": "ahead",
    "diverged": "diverged",
}


def find_remote(repo: Repository, name: str, patience: float = PATIENCE) -> Remote | None:
    """Return the remote that git's configuration calls ``name``, if it knows one."""
    url = _setting(repo, name, b"url")
    if not url:
        return None
    git = find_git()
    transport: Transport
    if git:
        transport = OverGit(repo, name, git, patience)
    else:
        transport = OverDulwich(repo, name, url, _setting(repo, name, b"pushurl") or url)
    return Remote(repo, name, transport)


class Remote:
    """A remote of this repository, for the machine branches that are named and nothing else."""

    def __init__(self, repo: Repository, name: str, transport: Transport) -> None:
        self.name = name
        self._repo = repo
        self._transport = transport

    def ask(self, *branches: str) -> dict[str, str]:
        """Return the commits of those branches that the remote has; nothing moves.

        Raises ``RemoteError`` where it cannot be asked.
        """
        return self._transport.tips(branches)

    def fetch(self, *branches: str) -> dict[str, Fetched]:
        """Bring the remote's branches here: missing ones are created, those behind moved forward.

        One that is ahead or has diverged stays. Raises ``RemoteError`` where the remote cannot be
        asked; nothing has moved then.
        """
        return {name: self._settle(found) for name, found in self.look(*branches).items()}

    def look(self, *branches: str) -> dict[str, Fetched]:
        """Bring the commits of the remote's branches here, and tell where a fetch would move ours.

        None of them moves. Raises ``RemoteError`` where the remote cannot be asked.
        """
        tips = self._transport.tips(branches)
        here = {branch: self._repo.branch(branch) for branch in branches}
        wanted = {branch: sha for branch, sha in tips.items() if sha != here[branch]}
        new = {branch: sha for branch, sha in wanted.items() if here[branch] is None}
        known = {branch: sha for branch, sha in wanted.items() if branch not in new}
        # A shallow clone wants no past, so what it lacks comes without.
        for part, shallow in ((new, bool(self._repo.raw.get_shallow())), (known, False)):
            if part:
                self._transport.get(part, shallow=shallow)
        return {branch: self._compared(branch, tips.get(branch)) for branch in branches}

    def push(self, commits: Mapping[str, str]) -> dict[str, Pushed]:
        """Offer a commit for each branch; the remote takes what continues its own, or refuses."""
        return self._transport.send(commits) if commits else {}

    def last_seen(self, branch: str) -> str | None:
        """Return the branch's tip as the last fetch or push saw it."""
        try:
            return self._repo.resolve(tracking_ref(self.name, branch))
        except StoreError:
            return None

    def _compared(self, branch: str, there: str | None) -> Fetched:
        here = self._repo.branch(branch)
        if there is None:
            return Fetched(branch, "none", here, None)
        state: FetchState = (
            "created" if here is None else _STATES[self._relate(branch, here, there)]
        )
        return Fetched(branch, state, here, there)

    def _settle(self, found: Fetched) -> Fetched:
        """Move a branch to where the remote has it, if it only lacks that."""
        there = found.news
        if there is None:
            return found
        why = f"fetch {self.name}: {found.state}"
        notes = self._repo.move_branch(found.branch, found.here, there, why)
        return replace(found, here=there, notes=notes)

    def _relate(self, branch: str, here: str, there: str) -> Relation:
        """Compare two tips, with as much of a shallow history fetched as that takes."""
        found = relation(self._repo, here, there)
        for steps in _STEPS:
            if found != "unknown":
                return found
            if not self._transport.deepen(branch, steps):
                break
            found = relation(self._repo, here, there)
        if found == "unknown":
            raise RemoteError(
                f"{branch} is cut off here before it meets the one at {self.name}",
                f"fetch all of it: git fetch --unshallow {self.name} {branch}",
            )
        return found


def _setting(repo: Repository, name: str, setting: bytes) -> str:
    try:
        value: bytes = repo.config.get((b"remote", name.encode()), setting)
    except KeyError:
        return ""
    return value.decode("utf-8", "surrogateescape")
