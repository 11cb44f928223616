"""One run at a time per org and repository.

The system's advisory lock counts, not the file: a run that was killed never leaves it held, and
what a stale file says is never believed.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, BinaryIO

from ddsnap.errors import LockHeld, StoreError
from ddsnap.store.owned import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.store.repository import Repository


@contextmanager
def org_lock(repo: Repository, org: str, purpose: str) -> Iterator[None]:
    """Hold the lock of ``org`` in this repository, or raise ``LockHeld`` naming its holder."""
    path = repo.git_dir / "ddsnap" / "locks" / f"{org}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise StoreError(f"cannot lock {org}: {path}: {error.strerror}") from error
    with file:
        _take(file, org, path)
        file.truncate(0)
        file.write(json.dumps(_holder(purpose)).encode())
        try:
            yield
        finally:
            file.truncate(0)


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
