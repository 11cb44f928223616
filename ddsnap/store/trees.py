"""Trees, read raw and compared by name of object, so that equal folders cost nothing.

Paths are text (``type/id.json``); bytes that are no UTF-8 survive as surrogates.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.errors import Damaged
from ddsnap.store.commits import parse_commit
from ddsnap.store.objects import COMMIT, TREE, Objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TreeEntry: TypeAlias = "tuple[bytes, bytes, bytes]"
"""Mode, name, and the 20-byte name of the object."""

FILE = b"100644"
FOLDER = b"40000"
_FILES = (FILE, b"100755", b"100664")

_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_WHOLE_ENTRY = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)


def to_text(name: bytes) -> str:
    """Return a path as text."""
    return name.decode("utf-8", "surrogateescape")


def to_bytes(path: str) -> bytes:
    """Return a path as git stores it."""
    return path.encode("utf-8", "surrogateescape")


def parse_tree(data: bytes) -> list[TreeEntry]:
    """Split a raw tree into its entries, in git's order."""
    entries: list[TreeEntry] = _ENTRY.findall(data)
    _check(sum(len(mode) + len(name) + 22 for mode, name, _ in entries), data)
    return entries


def _check(parsed: int, data: bytes) -> None:
    """Refuse a tree of which something was left over."""
    if parsed != len(data):
        raise Damaged("a tree in the repository is damaged", "run `ddsnap verify` to see which")


def build_tree(entries: Iterable[TreeEntry]) -> bytes:
    """Return the raw tree: folders sort as if their names ended in a slash."""
    ordered = sorted(entries, key=lambda e: e[1] + b"/" if e[0] == FOLDER else e[1])
    return b"".join(b"%s %s\0%s" % entry for entry in ordered)


def tree_of(objects: Objects, commit: str) -> bytes:
    """Return the 20-byte name of a commit's tree."""
    data = objects.read(bytes.fromhex(commit), COMMIT)
    return bytes.fromhex(parse_commit(commit, data).tree)


def find_entry(objects: Objects, tree: bytes, path: str) -> TreeEntry | None:
    """Return what stands at ``path`` below ``tree``, file or folder."""
    found: TreeEntry | None = None
    for part in to_bytes(path).split(b"/"):
        if found is not None:
            if found[0] != FOLDER:
                return None
            tree = found[2]
        entries = parse_tree(objects.read(tree, TREE))
        found = next((entry for entry in entries if entry[1] == part), None)
        if found is None:
            return None
    return found


def find_folder(objects: Objects, tree: bytes, folder: str) -> bytes | None:
    """Return the tree that stands at ``folder`` (``""`` is the top)."""
    if not folder:
        return tree
    entry = find_entry(objects, tree, folder)
    return entry[2] if entry is not None and entry[0] == FOLDER else None


def is_file(mode: bytes) -> bool:
    """Tell a plain file from a link or a submodule, which ddsnap never writes."""
    return mode in _FILES


def walk_files(objects: Objects, tree: bytes, folder: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield every file below ``tree`` as path and 20-byte name, in git's order."""
    prefix = f"{folder}/" if folder else ""
    for mode, name, sha in parse_tree(objects.read(tree, TREE)):
        if mode == FOLDER:
            yield from walk_files(objects, sha, prefix + to_text(name))
        elif is_file(mode):
            yield prefix + to_text(name), sha


def read_paths(objects: Objects, commit: str, folder: str = "") -> dict[str, bytes]:
    """Return path -> 20-byte name for a whole commit, or for one of its folders."""
    tree = find_folder(objects, tree_of(objects, commit), folder)
    return {} if tree is None else dict(walk_files(objects, tree, folder))


def list_folder(objects: Objects, commit: str, folder: str = "") -> dict[str, bytes]:
    """Return name -> 20-byte name of the entries of one folder, files and folders alike."""
    tree = find_folder(objects, tree_of(objects, commit), folder)
    if tree is None:
        return {}
    return {to_text(name): sha for _, name, sha in parse_tree(objects.read(tree, TREE))}


def changed_paths(
    objects: Objects, old: str | None, new: str | None
) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    """Yield path, old and new name of every file that differs between two commits."""
    old_tree = tree_of(objects, old) if old else None
    new_tree = tree_of(objects, new) if new else None
    yield from _changes(objects, "", old_tree, new_tree)


def _changes(
    objects: Objects, prefix: str, old: bytes | None, new: bytes | None
) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    if old == new:
        return
    before = _whole_entries(objects, old) if old else set()
    after = _whole_entries(objects, new) if new else set()
    gone = {name: (mode, sha) for mode, name, sha in parse_tree(b"".join(before - after))}
    come = {name: (mode, sha) for mode, name, sha in parse_tree(b"".join(after - before))}
    for name in sorted(gone.keys() | come.keys()):
        path = prefix + to_text(name)
        old_file, old_folder = _split(gone.get(name))
        new_file, new_folder = _split(come.get(name))
        if old_file != new_file:
            yield path, old_file, new_file
        yield from _changes(objects, path + "/", old_folder, new_folder)


def _whole_entries(objects: Objects, tree: bytes) -> set[bytes]:
    """Return a tree's entries as they stand in it: most are equal and need no parsing."""
    data = objects.read(tree, TREE)
    entries: list[bytes] = _WHOLE_ENTRY.findall(data)
    _check(sum(map(len, entries)), data)
    return set(entries)


def _split(entry: tuple[bytes, bytes] | None) -> tuple[bytes | None, bytes | None]:
    if entry is None:
        return None, None
    mode, sha = entry
    if mode == FOLDER:
        return None, sha
    return (sha if is_file(mode) else None), None
