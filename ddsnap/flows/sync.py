"""One remote, many runners: what a run fetches before it starts, and how it publishes after.

Publishing composes the run's commits on the newest tips, again whenever the remote has moved, so
that nothing is ever forced and nobody's commit is lost.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.errors import Refused, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ddsnap.store.references import Note
    from ddsnap.store.remote import Fetched, Remote
    from ddsnap.store.repository import Repository

ATTEMPTS: Final = 12
"""How often a run that others overtake is offered again."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0


@dataclass(frozen=True)
class Exchange:
    """What a run does with the remote; without one, it does nothing."""

    remote: Remote | None = None
    push: bool = False
    offline: bool = False
    looks: bool = False
    """Whether what the remote has is only read: no branch moves."""

    @property
    def asked(self) -> bool:
        """Whether the remote is there and may be asked."""
        return self.remote is not None and not self.offline


ALONE: Final = Exchange()
"""A repository without a remote."""


@dataclass(frozen=True)
class Published:
    """What became of a run's commits: ``pushed`` is ``None`` where that was not asked for."""

    pushed: bool | None
    warnings: tuple[str, ...] = ()


def begin(repo: Repository, exchange: Exchange, branches: Sequence[str]) -> list[str]:
    """Bring the branches up to date before a run writes to them; return what is to be told.

    Raises ``Refused`` where a branch has diverged, or would be started anew unasked, and
    ``RemoteError`` where the remote does not answer.
    """
    remote = exchange.remote
    if remote is None:
        return []
    if exchange.offline:
        return _begin_offline(repo, remote, branches)
    warnings, fetched = _fetch(remote, branches)
    if exchange.push:
        ahead = {f.branch: f.here for f in fetched if f.here and f.state in ("ahead", "none")}
        pushed = remote.push(ahead)
        if any(result.state == "rejected" for result in pushed.values()):
            _fetch(remote, branches)
    return warnings


def look(repo: Repository, exchange: Exchange, branches: Sequence[str]) -> list[str]:
    """Read the branches as a run would that writes to them, but move none of them.

    Raises as ``begin`` does; what is neither here nor there is simply not there.
    """
    remote = exchange.remote
    if remote is None:
        return []
    if exchange.offline:
        missing = (branch for branch in branches if repo.branch(branch) is None)
        tips = {branch: remote.last_seen(branch) for branch in missing}
    else:
        found = _asked(remote, remote.look, branches)
        tips = {one.branch: one.news for one in found}
    for branch, tip in tips.items():
        if tip is not None:
            repo.see_branch(branch, tip)
    return [_not_asked(remote)] if exchange.offline else []


def push_along(repo: Repository, exchange: Exchange, branch: str) -> list[str]:
    """Let the remote have a branch that others need beside a run's; return what is to be told.

    It is never forced, and nothing depends on it: what cannot be pushed is only told.
    """
    remote, here = exchange.remote, repo.branch(branch)
    if remote is None or not exchange.push or exchange.offline or here is None:
        return []
    try:
        found = remote.fetch(branch)[branch]
        ahead = found.state in ("ahead", "none")
        results = remote.push({branch: here}).values() if ahead else ()
    except RemoteError as error:
        return [f"{branch} was not pushed: {error.message}"]
    if found.state == "diverged":
        return [f"{branch} was not pushed: it has diverged from {remote.name}/{branch}"]
    return [
        f"{branch} was not pushed: {result.reason or 'another run was faster'}"
        for result in results
        if result.state != "accepted"
    ]


def publish(
    repo: Repository,
    exchange: Exchange,
    branches: Sequence[str],
    compose: Callable[[], Mapping[str, str]],
    *,
    here_too: bool = True,
) -> Published:
    """Move the branches, the remote's first, to what ``compose`` makes on their present tips.

    ``compose`` is called again whenever another run was faster. Where nothing can be pushed the
    branches move all the same, unless ``here_too`` says no: ``RemoteError`` then.
    """
    remote = exchange.remote
    if remote is None or not exchange.push or exchange.offline:
        return Published(None, _move(repo, compose()))
    warnings: list[str] = []
    for attempt in range(ATTEMPTS):
        try:
            warnings += _fetch(remote, branches)[0]
        except RemoteError as error:
            if not here_too:
                raise
            return _unpushed(repo, remote, compose(), error.message)
        offer = compose()
        results = remote.push(offer).values()
        if all(result.state == "accepted" for result in results):
            return Published(True, (*warnings, *_move(repo, offer)))
        failed = [result.reason for result in results if result.state == "failed"]
        if failed and not here_too:
            raise RemoteError(f"nothing was pushed to {remote.name}: {failed[0]}")
        if failed:
            return _unpushed(repo, remote, offer, failed[0])
        _pause(attempt)
    raise RemoteError(
        f"other runs moved {branches[0]} at {remote.name} {ATTEMPTS} times meanwhile",
        "nothing of this run was recorded; run it again",
    )


def _begin_offline(repo: Repository, remote: Remote, branches: Sequence[str]) -> list[str]:
    for branch in branches:
        if repo.branch(branch) is not None:
            continue
        seen = remote.last_seen(branch)
        if seen is None:
            raise Refused(
                f"{branch} is not here, and {remote.name} may have it",
                "run once without --offline: a branch is never started anew unasked",
            )
        repo.move_branch(branch, None, seen, f"branch: created from {remote.name}/{branch}")
    return [_not_asked(remote)]


def _not_asked(remote: Remote) -> str:
    return f"{remote.name} was not asked (--offline)"


def _fetch(remote: Remote, branches: Sequence[str]) -> tuple[list[str], list[Fetched]]:
    fetched = _asked(remote, remote.fetch, branches)
    return [note.text for result in fetched for note in result.notes], fetched


def _asked(
    remote: Remote, ask: Callable[..., Mapping[str, Fetched]], branches: Sequence[str]
) -> list[Fetched]:
    """Ask for branches. Raises ``Refused`` where one has diverged."""
    try:
        fetched = list(ask(*branches).values())
    except RemoteError as error:
        hint = error.hint or "with --offline a run goes on without it; nothing was recorded"
        raise RemoteError(error.message, hint) from error
    for result in fetched:
        if result.state == "diverged":
            raise _diverged(remote, result)
    return fetched


def _diverged(remote: Remote, fetched: Fetched) -> Refused:
    branch, theirs = fetched.branch, f"{remote.name}/{fetched.branch}"
    here, there = (fetched.here or "")[:12], (fetched.there or "")[:12]
    return Refused(
        f"{branch} has diverged: it is at {here} here, and at {there} at {remote.name}",
        f"to go on with the remote's and keep yours by another name: git branch kept/{branch}"
        f" {here} && git branch -f {branch} {theirs}",
    )


def _unpushed(repo: Repository, remote: Remote, offer: Mapping[str, str], reason: str) -> Published:
    """Keep the commits here; the next run that pushes takes them along."""
    told = _move(repo, offer)
    return Published(False, (*told, f"nothing was pushed to {remote.name}: {reason}"))


def _move(repo: Repository, commits: Mapping[str, str]) -> tuple[str, ...]:
    notes: list[Note] = []
    for branch, commit in commits.items():
        tip = repo.branch(branch)
        if tip != commit:
            subject = repo.commit_info(commit).subject
            notes += repo.move_branch(branch, tip, commit, subject)
    return tuple(note.text for note in notes)


def _pause(attempt: int) -> None:
    longest = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
    time.sleep(random.uniform(longest / 2, longest))
