"""Writing and reading whole configurations as commits, one document at a time.

A writer keeps names only, never bodies, and writes nothing at all when nothing changed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from dulwich.pack import PackFileDisappeared

from ddsnap.errors import StoreError
from ddsnap.store.draft import TreeDraft
from ddsnap.store.objects import BLOB, object_id
from ddsnap.store.pack import PackWriter
from ddsnap.store.trees import find_folder, list_folder, tree_of, walk_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from typing_extensions import Self

    from ddsnap.store.references import Note
    from ddsnap.store.repository import Repository

__all__ = ["Change", "SnapshotWriter", "list_folder", "read_documents", "tree_of"]

Change: TypeAlias = Literal["added", "changed", "same"]

_MANY = 1000
"""From here on, finding out where objects lie is cheaper than reading them in disorder."""


class SnapshotWriter:
    """One commit on top of ``branch``; what is neither put nor kept is gone in it.

    With ``base``, a commit that the branch is to take over, it comes on top of that. Leaving the
    block without ``commit`` or ``stage`` leaves nothing behind.
    """

    def __init__(self, repo: Repository, branch: str, base: str | None = None) -> None:
        self._repo = repo
        self._branch = branch
        self._at = repo.branch(branch)
        self.tip = base or self._at
        self._old = TreeDraft(repo, tree_of(repo, self.tip) if self.tip else None)
        self._new = TreeDraft(repo)
        self._pack = PackWriter(repo.pack_dir)
        self.notes: tuple[Note, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pack.abort()

    def previous(self, path: str) -> bytes | None:
        """Return the 20-byte name of the file at ``path`` in the tip."""
        return self._old.find(path)

    def read_previous(self, path: str) -> bytes | None:
        """Return the file at ``path`` as it stands in the tip."""
        sha = self.previous(path)
        return None if sha is None else self._repo.read(sha, BLOB)

    def previous_files(self, folder: str) -> list[str]:
        """Return the paths of the tip's files in ``folder``."""
        return self._old.files(folder)

    def files(self, folder: str) -> list[str]:
        """Return the paths of the files that ``folder`` holds by now."""
        return self._new.files(folder)

    def keep_equal(self, path: str, data: bytes) -> bool:
        """Carry the tip's file over if it holds exactly ``data``; say whether it does."""
        sha = self.previous(path)
        equal = sha is not None and sha == object_id(BLOB, data)
        if sha is not None and equal:
            self._new.put(path, sha)
        return equal

    def put(self, path: str, data: bytes) -> Change:
        """Record a file; only one that differs from the tip's costs more than its hash."""
        sha = object_id(BLOB, data)
        before = self.previous(path)
        self._new.put(path, sha)
        if sha == before:
            return "same"
        self._pack.add(BLOB, data, sha)
        return "added" if before is None else "changed"

    def keep(self, path: str) -> None:
        """Carry the tip's file over."""
        sha = self.previous(path)
        if sha is None:
            raise StoreError(f"{self._branch} has no {path} to keep")
        self._new.put(path, sha)

    def take(self, path: str, sha: bytes) -> None:
        """Record a file whose content the repository has already, under this name."""
        self._new.put(path, sha)

    def keep_folder(self, folder: str) -> None:
        """Carry a whole folder over, unread (``""``: all); later puts and drops refine it."""
        tree = self._old.find_folder(folder)
        if tree is not None:
            self._new.graft(folder, tree)

    def drop(self, path: str) -> None:
        """Leave out a file or folder that was put or kept before."""
        self._new.drop(path)

    def commit(
        self,
        message: str,
        *,
        time: datetime,
        parents: Sequence[str] = (),
        always: bool = False,
    ) -> str | None:
        """Write the commit and move the branch; None, and no trace, where the tree is the tip's.

        ``parents`` follow the tip; ``always`` commits an equal tree, too. ``notes`` then holds what
        the run has to tell. Raises ``RefMoved`` if the branch moved since the writer was made.
        """
        commit = self.stage(message, time=time, parents=parents, always=always)
        if commit is not None:
            subject = message.strip().split("\n", 1)[0]
            self.notes += self._repo.move_branch(self._branch, self._at, commit, subject)
        return commit

    def stage(
        self,
        message: str,
        *,
        time: datetime,
        parents: Sequence[str] = (),
        always: bool = False,
    ) -> str | None:
        """Do as ``commit``, but leave it to the caller to move the branch."""
        tree = self._new.write(self._pack, known=self._old)
        if self.tip and tree == self._old.find_folder("") and not always:
            self._pack.abort()
            return None
        before = [self.tip] if self.tip else []
        commit, self.notes = self._repo.write_commit(
            self._pack, tree, [*before, *parents], message, time
        )
        self._pack.finish()
        return commit


def read_documents(repo: Repository, commit: str, folder: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every file of a commit, or of one folder, in no special order."""
    tree = find_folder(repo, tree_of(repo, commit), folder)
    if tree is None:
        return
    files = list(walk_files(repo, tree, folder))
    for path, sha in _by_place(repo, files) if len(files) > _MANY else files:
        yield path, repo.read(sha, BLOB)


def _by_place(repo: Repository, files: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Order files by where their objects lie in the packs, which reads fastest."""
    places = dict.fromkeys((sha for _, sha in files), (-1, 0))
    for number, pack in enumerate(repo.raw.object_store.packs):
        with suppress(OSError, PackFileDisappeared):  # a git gc is running: then in disorder
            for sha, offset, _ in pack.index.iterentries():
                if sha in places:
                    places[sha] = (number, offset)
    return sorted(files, key=lambda file: places[file[1]])
