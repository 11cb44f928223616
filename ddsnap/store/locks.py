"""One run at a time per org and repository.

The system's advisory lock counts, not the file: a run that was killed never leaves it held, and
what a stale file says is never believed.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, BinaryIO, Final

from ddsnap.errors import LockHeld, StoreError
from ddsnap.store.owned import claim, release, share_lock, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.store.repository import Repository

_ALL: Final = ".all"  # which no org can be called


@contextmanager
def org_lock(repo: Repository, org: str, purpose: str) -> Iterator[None]:
    """Hold the lock of ``org`` in this repository, or raise ``LockHeld`` naming its holder.

    No maintenance starts meanwhile; one that is under way is waited for.
    """
    path = _locks(repo) / f"{org}.lock"
    with _opened(path, org) as file:
        _take(file, org, path)
        with suppress(OSError):  # a full disk: the lock holds without the name of its holder
            file.truncate(0)
            file.write(json.dumps(_holder(purpose)).encode())
        try:
            with _opened(_locks(repo) / _ALL, org) as everybody:
                share_lock(everybody.fileno())
                try:
                    yield
                finally:
                    release(everybody.fileno())
        finally:
            file.truncate(0)
            release(file.fileno())


@contextmanager
def sole_lock(repo: Repository) -> Iterator[bool]:
    """Hold the repository alone, if no run works in it; the block is told whether it does."""
    with _opened(_locks(repo) / _ALL, "the repository") as file:
        try:
            alone = try_lock(file.fileno())
        except OSError:
            alone = False
        try:
            yield alone
        finally:
            if alone:
                release(file.fileno())


def held_by(repo: Repository, org: str) -> str:
    """Return who holds the lock of ``org``; empty for nobody. Looking stands in no run's way."""
    path = _locks(repo) / f"{org}.lock"
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    if not content:  # whoever holds it writes, and whoever lets it go empties it
        return ""
    left = claim(path)
    if left is None:
        return _describe(content)
    left.close()  # the words of a run that was killed
    return ""


def _locks(repo: Repository) -> Path:
    return repo.git_dir / "ddsnap" / "locks"


def _opened(path: Path, what: str) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+b", buffering=0)
    except OSError as error:
        raise StoreError(
            f"cannot lock {what}: {path}: {error.strerror}",
            "check free space, and who may write there; nothing was recorded",
        ) from error


def _take(file: BinaryIO, org: str, path: Path) -> None:
    try:
        taken = try_lock(file.fileno())
    except OSError as error:
        raise StoreError(
            f"cannot lock {org}: {path}: {error.strerror}",
            "the file system has no advisory locks; keep the repository on one that has",
        ) from error
    if not taken:
        file.seek(0)
        raise LockHeld(
            f"another run works on {org}: {_describe(file.read())}",
            "wait for it, or stop it; its lock ends with it",
        )


def _holder(purpose: str) -> dict[str, str | int]:
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container may know no name for its user
        user = "unknown"
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": user,
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "purpose": purpose,
    }


def _describe(content: bytes) -> str:
    try:
        holder = json.loads(content)
        return (
            f"{holder['purpose']} by {holder['user']} on {holder['host']}, "
            f"process {holder['pid']}, since {holder['since']}"
        )
    except (KeyError, TypeError, ValueError):
        return "it has not said who it is"
