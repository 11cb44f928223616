"""A tree being edited by path: a folder is read when it is entered, else reused as it is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ddsnap.errors import StoreError
from ddsnap.store.objects import TREE, Objects, object_id
from ddsnap.store.trees import FILE, FOLDER, build_tree, parse_tree, to_bytes, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddsnap.store.pack import PackWriter

EMPTY_TREE = object_id(TREE, b"")


class _Folder:
    """One folder; ``sha`` is its name as it was read, None once it was changed."""

    __slots__ = ("files", "folders", "others", "sha")

    def __init__(self, sha: bytes | None = None) -> None:
        self.sha = sha
        self.files: dict[bytes, bytes] = {}
        self.folders: dict[bytes, _Folder | bytes] = {}
        self.others: dict[bytes, tuple[bytes, bytes]] = {}  # executables, links, submodules


def _load(objects: Objects, sha: bytes) -> _Folder:
    folder = _Folder(sha)
    for mode, name, target in parse_tree(objects.read(sha, TREE)):
        if mode == FILE:
            folder.files[name] = target
        elif mode == FOLDER:
            folder.folders[name] = target
        else:
            folder.others[name] = (mode, target)
    return folder


class TreeDraft:
    """A tree that starts as ``tree``, or empty, and is changed by path."""

    def __init__(self, objects: Objects, tree: bytes | None = None) -> None:
        self._objects = objects
        self.root = _load(objects, tree) if tree else _Folder()

    def find(self, path: str) -> bytes | None:
        """Return the 20-byte name of the file at ``path``."""
        folders, name = _split(path)
        folder = self._enter(folders)
        if folder is None:
            return None
        other = folder.others.get(name)
        return other[1] if other else folder.files.get(name)

    def find_folder(self, path: str) -> bytes | None:
        """Return the 20-byte name of the folder at ``path``, as it was read."""
        if not path:
            return self.root.sha
        folders, name = _split(path)
        folder = self._enter(folders)
        found = folder.folders.get(name) if folder else None
        return found.sha if isinstance(found, _Folder) else found

    def files(self, folder: str) -> list[str]:
        """Return the paths of the files that lie right in ``folder``, sorted."""
        found = self._enter([to_bytes(folder)])
        return sorted(f"{folder}/{to_text(name)}" for name in found.files) if found else []

    def put(self, path: str, sha: bytes) -> None:
        """Set the file at ``path``."""
        folders, name = _split(path)
        folder = self._change(folders)
        _remove(folder, name)
        folder.files[name] = sha

    def graft(self, path: str, tree: bytes) -> None:
        """Set the whole folder at ``path`` (``""`` is everything), without reading it."""
        if not path:
            self.root = _load(self._objects, tree)
            return
        folders, name = _split(path)
        folder = self._change(folders)
        _remove(folder, name)
        folder.folders[name] = tree

    def drop(self, path: str) -> None:
        """Remove the file or the folder at ``path``, if there is one."""
        folders, name = _split(path)
        if self._enter(folders) is not None:
            _remove(self._change(folders), name)

    def write(self, pack: PackWriter, known: TreeDraft | None = None) -> bytes:
        """Write the trees that ``known`` lacks at the same place; return the name of the top."""
        base = known.root if known else None
        sha = _write(self.root, pack, base)
        if sha is None and (base is None or base.sha != EMPTY_TREE):
            pack.add(TREE, b"", EMPTY_TREE)
        return sha or EMPTY_TREE

    def _enter(self, folders: Iterable[bytes]) -> _Folder | None:
        folder = self.root
        for name in folders:
            child = folder.folders.get(name)
            if child is None:
                return None
            if isinstance(child, bytes):
                child = folder.folders[name] = _load(self._objects, child)
            folder = child
        return folder

    def _change(self, folders: Iterable[bytes]) -> _Folder:
        """Enter a folder that is about to change, making what is missing on the way."""
        folder = self.root
        folder.sha = None
        for name in folders:
            child = folder.folders.get(name)
            if isinstance(child, bytes):
                child = _load(self._objects, child)
            elif child is None:
                _remove(folder, name)
                child = _Folder()
            child.sha = None
            folder.folders[name] = child
            folder = child
        return folder


def _write(folder: _Folder, pack: PackWriter, known: _Folder | bytes | None) -> bytes | None:
    """Write one folder bottom-up; None where it is empty, since git knows no empty folder."""
    if folder.sha is not None:
        return folder.sha
    entries = [(FILE, name, sha) for name, sha in folder.files.items()]
    entries += [(mode, name, sha) for name, (mode, sha) in folder.others.items()]
    below = known.folders if isinstance(known, _Folder) else {}
    for name, child in folder.folders.items():
        tree = child if isinstance(child, bytes) else _write(child, pack, below.get(name))
        if tree:
            entries.append((FOLDER, name, tree))
    if not entries:
        return None
    data = build_tree(entries)
    sha = object_id(TREE, data)
    if sha != (known.sha if isinstance(known, _Folder) else known):
        pack.add(TREE, data, sha)
    return sha


def _remove(folder: _Folder, name: bytes) -> None:
    folder.files.pop(name, None)
    folder.folders.pop(name, None)
    folder.others.pop(name, None)


def _split(path: str) -> tuple[tuple[bytes, ...], bytes]:
    """Split a path, refusing what git (or a checkout) would refuse or misread."""
    folder, slash, name = path.rpartition("/")
    return _parts(folder) if slash else (), _part(name)


@lru_cache(maxsize=256)
def _parts(folder: str) -> tuple[bytes, ...]:
    """Split a folder's path; most paths stand in one of a few."""
    return tuple(_part(name) for name in folder.split("/"))


def _part(name: str) -> bytes:
    part = to_bytes(name)
    if part.lower() in (b"", b".", b"..", b".git") or b"\0" in part:
        raise StoreError(f"no path in a repository may hold the name {name!r}")
    return part
