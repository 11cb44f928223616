"""A git repository as ddsnap uses it: branches, commits, paths and bytes, without a git binary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.errors import NotGitRepository
from dulwich.objects import RawObjectID
from dulwich.refs import DiskRefsContainer
from dulwich.repo import (
    InvalidWorktreeConfiguration,
    Repo,
    UnsupportedExtension,
    UnsupportedVersion,
)

from ddsnap.errors import Damaged, StoreError
from ddsnap.store import creation, references, revisions, signing
from ddsnap.store.commits import CommitInfo, add_signature, format_commit, parse_commit
from ddsnap.store.damage import DAMAGE, LACKING, SEE, damage_is_named, damaged
from ddsnap.store.objects import BLOB, COMMIT, KINDS, object_id
from ddsnap.store.recent import Recent
from ddsnap.store.references import Move, Note
from ddsnap.store.trees import find_entry, is_file, tree_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from typing_extensions import Self

    from ddsnap.store.pack import PackWriter

__all__ = ["Note", "Repository"]

MACHINE_BRANCHES = ("snapshots/", "journal/")
"""What only ddsnap writes, and nobody works on."""


class Repository:
    """An open repository; use it as a context manager, so that its files are closed."""

    def __init__(self, raw: Repo) -> None:
        self.raw = raw
        self.config = raw.get_config_stack()
        self._recent = Recent(0)
        self._seen: dict[str, str] = {}

    @classmethod
    def init(cls, path: Path, files: dict[str, bytes], message: str) -> Repository:
        """Make a repository in ``path``, or take the one there, and commit ``files`` to it."""
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be made: {error.strerror}", "choose a folder that can be"
            ) from error
        if not (path / ".git").exists():
            creation.refuse_others(path, files)
            with creation.staged(path) as raw:
                creation.turn_off_gc(raw)
                creation.fill_work_tree(raw, path, files)
                creation.commit_files(cls(raw), files, message)
            return cls.open(path)
        with cls.open(path) as repository:
            creation.refuse_taken(repository, path, files)
            creation.turn_off_gc(repository.raw)
            creation.fill_work_tree(repository.raw, path, files)
            creation.commit_files(repository, files, message)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Repository:
        """Open the repository that ``path`` is in; a linked work tree or a bare one will do."""
        try:
            raw = Repo.discover(path)
        except NotGitRepository as error:
            raise StoreError(
                f"{path.absolute()} is not in a git repository",
                "name the folder of one with -C DIR, or make one with `ddsnap init`",
            ) from error
        except (UnsupportedExtension, UnsupportedVersion) as error:
            form = "format" if isinstance(error, UnsupportedVersion) else "extension"
            raise StoreError(
                f"the git repository at {path} has {form} {error}, which ddsnap does not know",
                "a newer ddsnap may",
            ) from error
        except (InvalidWorktreeConfiguration, OSError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise StoreError(
                f"the git repository at {path} cannot be used: {reason}", "see what git says of it"
            ) from error
        try:
            _refuse_formats(raw)
            return cls(raw)
        except ValueError as error:
            raw.close()
            raise StoreError(
                f"git's configuration cannot be read: {error}",
                "`git config --list --show-origin` says where",
            ) from error
        except StoreError:
            raw.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files behind the repository."""
        self.raw.close()

    @property
    def path(self) -> Path:
        """The work tree, or the folder of a bare repository."""
        return Path(self.raw.path)

    @property
    def git_dir(self) -> Path:
        """The folder that all work trees share."""
        return Path(self.raw.commondir())

    @property
    def pack_dir(self) -> Path:
        """Where packs are."""
        return self.git_dir / "objects" / "pack"

    def remember(self, room: int) -> None:
        """Keep so many bytes of what is read from now on, for who reads it several times."""
        self._recent = Recent(room)

    def read(self, sha: bytes, kind: int) -> bytes:
        """Return an object's content by its 20-byte name, against which it is checked."""
        known = self._recent.get(sha) if kind == BLOB else None
        if known is not None:
            return known
        data = self._read(sha, kind)
        if kind == BLOB:
            self._recent.put(sha, data)
        return data

    def _read(self, sha: bytes, kind: int) -> bytes:
        try:
            found, data = self.raw.object_store.get_raw(RawObjectID(sha))
        except KeyError as error:
            raise Damaged(
                f"the repository lacks the {KINDS[kind].decode()} {sha.hex()}", LACKING
            ) from error
        except DAMAGE as error:
            raise damaged(f"the {KINDS[kind].decode()} {sha.hex()}", error) from error
        if found != kind:
            raise Damaged(f"the object {sha.hex()} is no {KINDS[kind].decode()}", SEE)
        if object_id(kind, data) != sha:  # an index may lead to another one
            raise Damaged(f"the object {sha.hex()} holds something else", SEE)
        return data

    def resolve(self, revision: str) -> str:
        """Return the commit that any git revision names."""
        with damage_is_named(revision):
            return revisions.resolve(self.raw, revision)

    def branch(self, name: str) -> str | None:
        """Return the commit at the tip of ``refs/heads/<name>``, or that at which it was seen."""
        return self._seen.get(name) or references.read_branch(self.raw, name)

    def see_branch(self, name: str, commit: str) -> None:
        """Read a branch as a remote has it, for as long as this is open; the branch stays."""
        self._seen[name] = commit

    def commit_info(self, commit: str) -> CommitInfo:
        """Return what a commit says."""
        return parse_commit(commit, self.read(bytes.fromhex(commit), COMMIT))

    def read_file(self, commit: str, path: str) -> bytes | None:
        """Return a file as it stands in a commit."""
        entry = find_entry(self, tree_of(self, commit), path)
        return self.read(entry[2], BLOB) if entry and is_file(entry[0]) else None

    def identity(self) -> tuple[bytes, bytes]:
        """Return author and committer."""
        return signing.identity(self.config, "author"), signing.identity(self.config, "committer")

    def write_commit(
        self,
        pack: PackWriter,
        tree: bytes,
        parents: Sequence[str],
        message: str,
        time: datetime,
    ) -> tuple[str, tuple[Note, ...]]:
        """Add a commit to ``pack``, signed if git's configuration says so."""
        who = self.identity()
        data = format_commit(tree, parents, who, time, message)
        signature, note = signing.sign(self.config, data, who[1])
        if signature:
            data = add_signature(data, signature)
        return pack.add(COMMIT, data).hex(), (note,) if note else ()

    def checked_out(self) -> list[tuple[Path, str]]:
        """Return each work tree that is on a branch, and the branch."""
        return [*references.checked_out(self.raw)]

    def move_branch(self, name: str, old: str | None, new: str, message: str) -> tuple[Note, ...]:
        """Set a branch to ``new`` if it still is at ``old`` (None: does not exist).

        Raises ``RefMoved`` otherwise. A machine's branch that is checked out anywhere is first
        detached there; the notes say so.
        """
        _, committer = self.identity()
        move = Move(old, new, committer, message)
        if name.startswith(MACHINE_BRANCHES):
            notes = references.detach_heads(self.raw, name, committer)
            references.move_branch(self.raw, name, move)
            return tuple(notes)
        references.move_branch(self.raw, name, move)
        references.log_heads(self.raw, name, move)
        return ()


def _refuse_formats(raw: Repo) -> None:
    if raw.object_format.name != "sha1":
        raise StoreError(
            f"{raw.path} names objects by {raw.object_format.name}; ddsnap writes sha1 repositories"
        )
    if not isinstance(raw.refs, DiskRefsContainer):
        raise StoreError(
            f"{raw.path} keeps its references in reftables, which ddsnap cannot move",
            "run `git refs migrate --ref-format=files`",
        )
