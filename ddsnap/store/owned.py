"""Temporary files whose owner is known to be alive or dead at any time.

The owner holds an advisory lock on the open file; the system releases it with the process, however
that ends. So a leftover needs no age and no process number to be recognized: it can be locked.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 62  # locks on Windows forbid reading, so one byte far behind the content is locked

    def try_lock(descriptor: int) -> bool:
        """Take the advisory lock of an open file, or return False if another holds it."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

    def release(descriptor: int) -> None:
        """Do nothing: on Windows no other process can have the open file."""

    def share_lock(descriptor: int) -> None:
        """Do nothing: Windows knows no shared lock, and removes no file that is open."""
else:
    import fcntl

    def release(descriptor: int) -> None:
        """Let the lock go, even where a process that was just forked has the open file, too."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def share_lock(descriptor: int) -> None:
        """Take the advisory lock together with others, waiting for who has it alone."""
        fcntl.flock(descriptor, fcntl.LOCK_SH)

    def try_lock(descriptor: int) -> bool:
        """Take the advisory lock of an open file, or return False if another holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class OwnedFile:
    """A new file under a random name, locked by this process until it is published or discarded."""

    def __init__(self, folder: Path, prefix: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.file = _create(folder, prefix)

    def flush(self) -> None:
        """Bring what was written to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def publish(self, target: Path) -> None:
        """Give the file its final name, in one step, replacing what stood there."""
        if sys.platform == "win32":  # an open file cannot be renamed there
            self.file.close()
        self.path.replace(target)
        self.file.close()

    def discard(self) -> None:
        """Remove the file; it may have gone already."""
        if sys.platform == "win32":
            with suppress(OSError):
                self.file.close()
        with suppress(OSError):
            self.path.unlink()
        with suppress(OSError):  # what is still buffered may not fit on the disk
            self.file.close()


def _create(folder: Path, prefix: str) -> tuple[Path, BinaryIO]:
    while True:
        path = folder / f"{prefix}{secrets.token_hex(8)}"
        file = path.open("x+b")
        with suppress(OSError):  # a file system without locks: age decides, see sweep
            if not try_lock(file.fileno()):
                file.close()
                continue
        # Between creating and locking, a sweep may have taken it for a leftover.
        if sys.platform == "win32" or os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()


def claim(path: Path) -> BinaryIO | None:
    """Open and lock a leftover; None if its owner lives, it has gone, or nobody can tell."""
    try:
        file = path.open("rb")
    except OSError:
        return None
    try:
        if try_lock(file.fileno()):
            return file
    except OSError:
        pass
    file.close()
    return None


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, where the system can."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # folders of some file systems
            raise
    finally:
        os.close(descriptor)
