"""Moving references: compare-and-swap under git's own lock files, and never any other way.

The lock file is a hard link to a temporary file that this process owns, so that a sweep can tell
a dead run's lock from one that a living git holds.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.refs import Ref

from ddsnap.errors import RefMoved, StoreError
from ddsnap.store.owned import OwnedFile, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dulwich.repo import Repo

ZERO = "0" * 40
_SHA = re.compile("[0-9a-f]{40}")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
PATIENCE = 10.0
"""Seconds to wait for a lock file that another process holds."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the run has to tell: what happened, and what to do about it."""

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a reference, as the reflog tells it."""

    old: str | None
    new: str
    who: bytes
    message: str

    def line(self) -> bytes:
        """Return the line for the reflog."""
        subject = " ".join(self.message.split()).encode("utf-8", "replace")
        stamp = f"{int(time.time())} +0000".encode()
        change = f"{self.old or ZERO} {self.new} ".encode()
        return change + self.who + b" " + stamp + b"\t" + subject + b"\n"


def owned_folder(common: Path) -> Path:
    """Return the folder of the files behind lock files."""
    return common / "ddsnap" / "tmp"


def read_branch(repo: Repo, name: str) -> str | None:
    """Return the commit of ``refs/heads/<name>``."""
    reference = _branch_ref(name)
    path = Path(repo.commondir(), reference.decode())
    value: bytes | None = None
    if not path.is_dir():
        try:
            value = path.read_bytes().strip()
        except (FileNotFoundError, NotADirectoryError):
            value = None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
    if value is None:
        value = repo.refs.get_packed_refs().get(reference)
    if value is None:
        return None
    text = value.decode("ascii", "replace")
    if not _SHA.fullmatch(text):
        raise StoreError(
            f"the branch {name} is damaged or symbolic: it holds {text[:60]!r}",
            f"the last line of logs/{reference.decode()} in {repo.commondir()} has its commit",
        )
    return text


def move_branch(repo: Repo, name: str, move: Move) -> None:
    """Set the branch to ``move.new`` if it still is at ``move.old`` (None: does not exist)."""
    common = Path(repo.commondir())
    reference = _branch_ref(name).decode()
    _refuse_nesting(repo, name)
    target = common / reference
    with _lock_file(common, target, f"{move.new}\n".encode()) as lock:
        present = read_branch(repo, name)
        if present != move.old:
            raise RefMoved(
                f"the branch {name} is at {_short(present)}, not at {_short(move.old)}",
                "another run moved it meanwhile; run the command again",
            )
        _remove_empty(target)
        if target.is_dir():
            raise _in_the_way(name, f"{reference}/")
        if _keeps_reflog(repo):
            _append(common / "logs" / reference, move)
        lock.replace(target)
    with suppress(FileNotFoundError):  # git has packed the branch since, and removed its folder
        sync_folder(target.parent)


def detach_heads(repo: Repo, name: str, who: bytes) -> list[Note]:
    """Detach every work tree's HEAD that is on the branch, at the commit where it stands."""
    present = read_branch(repo, name)
    if present is None:
        return []
    notes = []
    for folder, git_dir in _heads_on(repo, name):
        move = Move(present, present, who, f"checkout: moving from {name} to {present}")
        head = git_dir / "HEAD"
        with _lock_file(Path(repo.commondir()), head, f"{present}\n".encode()) as lock:
            _append(git_dir / "logs" / "HEAD", move)
            lock.replace(head)
        notes.append(
            Note(
                f"{folder} had {name} checked out; its HEAD now stays at {_short(present)}",
                f"to see the new state there: git -C {folder} checkout --detach {name}",
            )
        )
    return notes


def checked_out(repo: Repo) -> Iterator[tuple[Path, str]]:
    """Yield each work tree that is on a branch, and the branch."""
    for folder, _, branch in _heads(repo):
        yield folder, branch


def log_heads(repo: Repo, name: str, move: Move) -> None:
    """Note a branch's move in the reflog of each HEAD that is on it, as git does."""
    for _, git_dir in _heads_on(repo, name):
        _append(git_dir / "logs" / "HEAD", move)


def _branch_ref(name: str) -> Ref:
    return Ref(f"refs/heads/{name}".encode())


def _short(sha: str | None) -> str:
    return sha[:12] if sha else "nothing"


def _keeps_reflog(repo: Repo) -> bool:
    return repo.get_config_stack().get_boolean((b"core",), b"logallrefupdates", not repo.bare)


def _heads_on(repo: Repo, name: str) -> Iterator[tuple[Path, Path]]:
    """Yield work tree and git folder of every checkout that is on the branch."""
    return ((folder, git_dir) for folder, git_dir, branch in _heads(repo) if branch == name)


def _heads(repo: Repo) -> Iterator[tuple[Path, Path, str]]:
    """Yield work tree, git folder and branch of every checkout that is on one."""
    common = Path(repo.commondir())
    on_branch = b"ref: " + _branch_ref("")
    bare = repo.get_config().get_boolean((b"core",), b"bare", repo.bare)
    folders = [] if bare else [(common.parent, common)]
    linked = common / "worktrees"
    for git_dir in sorted(linked.iterdir()) if linked.is_dir() else ():
        with suppress(OSError):
            pointer = (git_dir / "gitdir").read_text().strip()  # may be relative
            folders.append(((git_dir / pointer).resolve().parent, git_dir))
    for folder, git_dir in folders:
        with suppress(OSError):
            head = (git_dir / "HEAD").read_bytes().strip()
            if head.startswith(on_branch):
                yield folder, git_dir, head[len(on_branch) :].decode("utf-8", "surrogateescape")


def _refuse_nesting(repo: Repo, name: str) -> None:
    """A branch cannot be both a name and a folder of names; packed ones stand in no folder."""
    wanted = _branch_ref(name)
    packed = repo.refs.get_packed_refs()
    above = [wanted[:end] for end, char in enumerate(wanted) if char == ord("/")]
    taken = [ref for ref in above if ref in packed]
    taken += [ref for ref in packed if ref.startswith(wanted + b"/")]
    if taken:
        raise _in_the_way(name, taken[0].decode("utf-8", "replace"))


def _in_the_way(name: str, other: str) -> StoreError:
    return StoreError(
        f"the branch {name} cannot be made: {other} stands in its way", "rename that branch"
    )


@contextmanager
def _lock_file(common: Path, target: Path, content: bytes) -> Iterator[Path]:
    """Hold git's lock file of ``target``, with the new content; the block may publish it."""
    temp = OwnedFile(owned_folder(common), "ref_")
    lock = Path(f"{target}.lock")
    try:
        temp.file.write(content)
        temp.flush()
        if sys.platform == "win32":  # an open file cannot be renamed there
            temp.file.close()
        _take(lock, temp.path, content)
        try:
            yield lock
        except BaseException:
            lock.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"cannot write {target}: {error.strerror or error}",
            "check free space and permissions; the branch is where it was",
        ) from error
    finally:
        temp.discard()


def _take(lock: Path, source: Path, content: bytes) -> None:
    """Make git's lock file, waiting while another process has it."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.005
    while not _try_take(lock, source, content):
        if time.monotonic() > deadline:
            raise StoreError(
                f"{lock} is held by another process",
                "if no git is running on this repository, remove that file",
            )
        time.sleep(pause)
        pause = min(pause * 2, 0.25)


def _try_take(lock: Path, source: Path, content: bytes) -> bool:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _in_the_way(lock.stem, str(lock.parent)) from error
    try:
        lock.hardlink_to(source)
    except (FileExistsError, FileNotFoundError):  # held, or git just removed the empty folder
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _create(lock, content)
    return True


def _create(lock: Path, content: bytes) -> bool:
    """Make the lock file where the file system has no hard links."""
    try:
        with lock.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    return True


def _remove_empty(folder: Path) -> None:
    """Remove an empty folder, which git leaves where branches were."""
    with suppress(OSError):
        folder.rmdir()


def _append(log: Path, move: Move) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    _remove_empty(log)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, move.line())
    finally:
        os.close(descriptor)
