"""Joining small packs where no git does it: successive versions of one path become deltas.

The newest version is whole and each older one a delta of the next, so that what is read most is
read fastest. No object is ever left out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from dulwich.objects import RawObjectID
from dulwich.pack import apply_delta, load_pack_index

from ddsnap.errors import Damaged, StoreError
from ddsnap.store.branches import branches_below
from ddsnap.store.damage import SEE, damage_is_named
from ddsnap.store.delta import make_delta
from ddsnap.store.objects import BLOB, TREE, object_id
from ddsnap.store.pack import PackWriter
from ddsnap.store.trees import FOLDER, parse_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.store.repository import Repository

LONGEST_CHAIN: Final = 50
"""So many deltas at most lead to one object."""

_KEPT: Final = (".keep", ".promisor")
_SUFFIXES: Final = (".idx", ".rev", ".bitmap", ".mtimes", ".pack")  # first what makes it visible


def consolidate(repo: Repository) -> None:
    """Write one pack in place of the small ones; the caller holds the repository alone.

    Raises ``StoreError`` where something cannot be read; all packs stay then.
    """
    with damage_is_named("a pack"):
        _consolidate(repo)


def _consolidate(repo: Repository) -> None:
    packs = _small_packs(repo.pack_dir)
    if len(packs) < 2:
        return
    names: set[bytes] = set()
    for pack in packs:
        names |= _names(repo, pack)
    versions = _versions(repo, names)
    with PackWriter(repo.pack_dir) as writer:
        depths: dict[bytes, int] = {}
        for sha in (*versions, *sorted(names - versions.keys())):
            depths[sha] = _add(repo, writer, sha, versions.get(sha), depths)
        written = writer.finish()
    if written is None or _names(repo, written) != names:
        raise StoreError("the joined pack does not hold what it should", "the others are kept")
    for pack in packs:
        if pack != written:
            _remove(pack)


def _small_packs(folder: Path) -> list[Path]:
    """Return all packs but the largest, and that too where the others outweigh half of it."""
    packs = [index.with_suffix(".pack") for index in folder.glob("pack-*.idx")]
    packs = [p for p in packs if not any(p.with_suffix(kept).exists() for kept in _KEPT)]
    packs.sort(key=lambda pack: pack.stat().st_size)
    sizes = [pack.stat().st_size for pack in packs]
    return packs if 2 * sum(sizes[:-1]) > sizes[-1] else packs[:-1]


def _names(repo: Repository, pack: Path) -> set[bytes]:
    index = load_pack_index(pack.with_suffix(".idx"), repo.raw.object_format)
    try:
        return {bytes(sha) for sha, _, _ in index.iterentries()}
    finally:
        index.close()


def _versions(repo: Repository, names: set[bytes]) -> dict[bytes, bytes | None]:
    """Return the objects of machine branches, newest first, each with the next newer version.

    An object gets its neighbour when it is first met, and that was met before: so a neighbour
    always comes first, and no two lead to one another.
    """
    found: dict[bytes, bytes | None] = {}
    for folder in ("snapshots", "journal"):
        for name in branches_below(repo, folder):
            later: bytes | None = None
            for sha in _commits(repo, repo.branch(f"{folder}/{name}"), names):
                found.setdefault(sha, None)
                tree = bytes.fromhex(repo.commit_info(sha.hex()).tree)
                _compare(repo, later, tree, names, found)
                later = tree
    return found


def _commits(repo: Repository, tip: str | None, names: set[bytes]) -> Iterator[bytes]:
    while tip is not None and bytes.fromhex(tip) in names:
        yield bytes.fromhex(tip)
        parents = repo.commit_info(tip).parents
        tip = parents[0] if parents else None


def _compare(
    repo: Repository,
    newer: bytes | None,
    older: bytes,
    names: set[bytes],
    found: dict[bytes, bytes | None],
) -> None:
    """Enter what an older tree holds and the newer one has otherwise, path by path."""
    if older == newer:
        return
    if older in names:
        found.setdefault(older, newer if newer in found else None)
    theirs = _entries(repo, newer) if newer else {}
    for name, (mode, sha) in _entries(repo, older).items():
        next_mode, next_sha = theirs.get(name, (b"", None))
        same = next_sha if next_mode == mode else None
        if mode == FOLDER:
            _compare(repo, same, sha, names, found)
        elif sha in names:
            found.setdefault(sha, same if same in found else None)


def _entries(repo: Repository, tree: bytes) -> dict[bytes, tuple[bytes, bytes]]:
    return {name: (mode, sha) for mode, name, sha in parse_tree(repo.read(tree, TREE))}


def _add(
    repo: Repository,
    writer: PackWriter,
    sha: bytes,
    neighbour: bytes | None,
    depths: dict[bytes, int],
) -> int:
    """Write an object, as a delta where that pays; return how many deltas lead to it."""
    kind, data = repo.raw.object_store.get_raw(RawObjectID(sha))
    if object_id(kind, data) != sha:
        raise Damaged(f"the object {sha.hex()} holds something else", SEE)
    depth = depths.get(neighbour, LONGEST_CHAIN) + 1 if neighbour else 0
    if neighbour and kind in (BLOB, TREE) and depth <= LONGEST_CHAIN:
        base = repo.read(neighbour, kind)
        delta = make_delta(kind, base, data)
        if 2 * len(delta) < len(data) and b"".join(apply_delta(base, delta)) == data:
            writer.add_delta(sha, neighbour, delta)
            return depth
    writer.add(kind, data, sha)
    return 0


def _remove(pack: Path) -> None:
    for suffix in _SUFFIXES:
        with suppress(FileNotFoundError):
            pack.with_suffix(suffix).unlink()
