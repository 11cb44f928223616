"""What a fetch or a push came to, branch by branch, and what carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddsnap.store.references import Note

FetchState: TypeAlias = Literal["created", "forward", "same", "ahead", "diverged", "none"]
"""``none``: the remote has no such branch; ``ahead``: the one here has more than the remote's."""

PushState: TypeAlias = Literal["accepted", "rejected", "failed"]
"""``rejected``: the remote's branch is no ancestor of what was sent, or moved meanwhile."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A branch beside the remote's: its tip here, and its tip there."""

    branch: str
    state: FetchState
    here: str | None
    there: str | None
    notes: tuple[Note, ...] = ()

    @property
    def news(self) -> str | None:
        """The remote's tip, where that only adds to what is here."""
        return self.there if self.state in ("created", "forward") else None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the remote made of a branch that was sent to it."""

    branch: str
    commit: str
    state: PushState
    reason: str = ""


class Transport(Protocol):
    """A way to the remote. ``RemoteError`` where it could not be asked."""

    def tips(self, branches: Sequence[str]) -> dict[str, str]:
        """Return the commits of those branches that the remote has."""

    def get(self, tips: Mapping[str, str], *, shallow: bool) -> None:
        """Bring the commits here; ``shallow`` leaves their past at the remote."""

    def deepen(self, branch: str, steps: int | None) -> bool:
        """Bring more of a branch's past here (None: all); False where that cannot be done."""

    def send(self, commits: Mapping[str, str]) -> dict[str, Pushed]:
        """Offer commits for branches: all of them or, where the remote cannot, one by one."""


def branch_ref(branch: str) -> str:
    """Return the full name of a branch."""
    return f"refs/heads/{branch}"


def tracking_ref(remote: str, branch: str) -> str:
    """Return the full name of the copy that is kept of a remote's branch."""
    return f"refs/remotes/{remote}/{branch}"


def not_sent(commits: Mapping[str, str], reason: str) -> dict[str, Pushed]:
    """Return the result of a push that did not come through."""
    return {name: Pushed(name, commit, "failed", reason) for name, commit in commits.items()}
