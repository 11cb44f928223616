"""Is the repository as ddsnap needs it? Each trouble comes with what to do about it."""

from __future__ import annotations

import tempfile
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from ddsnap.errors import Damaged, ExitCode, RemoteError, StoreError, UsageError
from ddsnap.flows.finding import Finding
from ddsnap.flows.takeover import cut_off
from ddsnap.store.ancestry import relation
from ddsnap.store.maintenance import count_packs
from ddsnap.store.program import find_git
from ddsnap.store.remote import find_remote
from ddsnap.store.repository import MACHINE_BRANCHES
from ddsnap.store.run_log import logs, read_events
from ddsnap.store.signing import get
from ddsnap.store.sweep import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ddsnap.store.remote import Remote
    from ddsnap.store.repository import Repository

PATIENCE: Final = 60.0
"""Seconds in which a remote must answer."""
_USUAL: Final = "origin"


def check_repository(repo: Repository) -> Iterator[Finding]:
    """Look at the repository itself; nothing is asked of anybody and nothing is changed."""
    yield Finding("ok", "repository", f"the repository at {repo.path} opens")
    yield _written_to(repo)
    yield _gc(repo)
    yield _git()
    yield _packs(repo)
    yield from _checked_out(repo)
    yield from _leftovers(repo)
    yield from _logs(repo)
    if repo.raw.get_shallow():
        text = "the repository is shallow: it lacks the older snapshots and runs"
        yield Finding("warn", "shallow", text, "git fetch --unshallow")


def check_remote(repo: Repository, name: str, orgs: Sequence[str]) -> Iterator[Finding]:
    """Ask the remote that the configuration names, and compare the branches of ``orgs``."""
    remote = find_remote(repo, name, PATIENCE)
    if remote is None and name == _USUAL:
        text = "there is no remote: this repository is the only copy"
        yield Finding("warn", "remote", text, f"git remote add {name} URL, then capture --push")
        return
    if remote is None:
        error = UsageError(
            f"git knows no remote called '{name}' here",
            f"git remote add {name} URL, or name another under 'remote:'",
        )
        yield Finding.failed("remote", error)
        return
    branches = [f"{kind}{org}" for org in orgs for kind in MACHINE_BRANCHES]
    try:
        tips = remote.ask(*branches)
    except RemoteError as error:
        yield Finding.failed("remote", error)
        return
    yield Finding("ok", "remote", f"the remote {name} answers")
    for branch in branches:
        yield from _branch(repo, remote, branch, tips.get(branch))


def check_runs(repo: Repository, orgs: Sequence[str]) -> Iterator[Finding]:
    """Look for replays that did not end: nothing can be replayed beside them."""
    for org in orgs:
        found = cut_off(repo, org, datetime.now(timezone.utc))
        if found is not None:
            yield Finding("warn", "replay", found.message, found.hint, org)


def _written_to(repo: Repository) -> Finding:
    """Try whether a run could record anything; what is tried leaves no trace."""
    folder = repo.git_dir
    try:
        for folder in (repo.git_dir, repo.git_dir / "objects", repo.git_dir / "refs"):
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        text = f"nothing can be recorded: {folder} cannot be written to: {error.strerror}"
        mend = "see who owns it, how it is mounted, and whether there is room"
        return Finding("fail", "writable", text, mend, code=ExitCode.FAILED)
    return Finding("ok", "writable", "the repository can be written to")


def _gc(repo: Repository) -> Finding:
    if get(repo.config, "gc", "auto") == b"0":
        return Finding("ok", "gc", "git leaves the repacking to ddsnap (gc.auto = 0)")
    text = "git may repack in the middle of a capture (gc.auto is not 0)"
    return Finding("warn", "gc", text, "git config gc.auto 0")


def _git() -> Finding:
    git = find_git()
    if git:
        return Finding("ok", "git", f"git is at {git}")
    text = "there is no git: ddsnap does without, but also without git's credential helpers"
    return Finding("warn", "git", text, "install git, or see that it is on the PATH")


def _packs(repo: Repository) -> Finding:
    packs = count_packs(repo)
    if not packs.crowded:
        return Finding("ok", "packs", f"{packs.count} {'pack' if packs.count == 1 else 'packs'}")
    text = f"{packs.count} packs make reading slow"
    return Finding("warn", "packs", text, "the next capture that is alone joins them")


def _checked_out(repo: Repository) -> Iterator[Finding]:
    held = [(f, branch) for f, branch in repo.checked_out() if branch.startswith(MACHINE_BRANCHES)]
    for folder, branch in held:
        text = f"{folder} has {branch} checked out; the next run detaches its HEAD there"
        yield Finding("warn", "checkout", text, f"git -C {folder} switch main")
    if not held:
        yield Finding("ok", "checkout", "no branch of ddsnap's is checked out")


def _leftovers(repo: Repository) -> Iterator[Finding]:
    left = leftovers(repo)
    if left:
        what = f"{len(left)} {'file' if len(left) == 1 else 'files'}"
        text = f"killed runs left {what} behind, {left[0]} for one"
        yield Finding("warn", "leftovers", text, "the next capture removes them")


def _logs(repo: Repository) -> Iterator[Finding]:
    """Look at what cut-off replays have left: nobody goes on with what cannot be read."""
    for org, path in logs(repo).items():
        trouble = _trouble(path)
        if trouble is not None:
            yield Finding.failed("replay", trouble, org)


def _trouble(log: Path) -> Damaged | None:
    try:
        read_events(log)
    except Damaged as error:
        return error
    return None


def _branch(repo: Repository, remote: Remote, branch: str, there: str | None) -> Iterator[Finding]:
    """Compare a branch with the remote's, as far as what is here tells."""
    here, theirs = repo.branch(branch), f"{remote.name}/{branch}"
    org = branch.partition("/")[2]
    if here is None:
        if there:
            text = f"{branch} is at {remote.name} alone; the next run fetches it"
            yield Finding("ok", "branch", text, org=org)
    elif there is None:
        push = f"ddsnap capture {org} --push"
        yield Finding("warn", "branch", f"{branch} was never pushed", push, org)
    else:
        yield _compared(_relation(repo, here, there), branch, theirs, org)


def _compared(found: str, branch: str, theirs: str, org: str) -> Finding:
    if found == "same":
        return Finding("ok", "branch", f"{branch} is where {theirs} is", org=org)
    if found == "ahead":
        push = f"ddsnap capture {org} --push"
        return Finding("warn", "branch", f"{branch} is ahead of {theirs}", push, org)
    if found == "diverged":
        mend = f"ddsnap capture {org} names both commits, and how to go on"
        error = StoreError(f"{branch} and {theirs} have diverged", mend)
        return Finding.failed("branch", error, org)
    more = "has more than is here" if found == "behind" else "has what is not here"
    return Finding("ok", "branch", f"{theirs} {more}; the next run fetches it", org=org)


def _relation(repo: Repository, here: str, there: str) -> str:
    try:
        return relation(repo, here, there)
    except StoreError:  # never fetched
        return "unknown"
