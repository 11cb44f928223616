"""A run's journal commit again, on top of what other runs have written meanwhile.

What belongs to the run stays as it is; the maps of ids, which all runs share, are united.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.errors import Refused
from ddsnap.flows.id_map import checked_map
from ddsnap.flows.journal import MAPS
from ddsnap.store.objects import BLOB
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.trees import changed_paths, read_paths

if TYPE_CHECKING:
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.run import Run

_GONE: Final = object()
_IDS: Final = "ids"


def restage(run: Run, commit: str, base: str | None) -> str:
    """Stage the journal commit, which was made on ``base``, on the journal's present tip.

    Raises ``Refused`` where one source id would have two destinations.
    """
    info = run.repo.commit_info(commit)
    maps = {
        path: (before, after)
        for path, before, after in changed_paths(run.repo, base, commit)
        if path.startswith(f"{MAPS}/")
    }
    with SnapshotWriter(run.repo, run.journal) as writer:
        writer.keep_folder(MAPS)
        for path, sha in read_paths(run.repo, commit).items():
            if not path.startswith(f"{MAPS}/"):
                writer.take(path, sha)
        for path, (before, after) in maps.items():
            shas = (before, after, writer.previous(path))
            old, ours, theirs = (_read(run, sha, path, commit) for sha in shas)
            united = unite(old, ours, theirs, path)
            if united:
                writer.put(path, canonical.encode(united))
            else:
                writer.drop(path)
        message = f"{info.subject}\n\n{info.body}\n"
        others = info.parents[1:] if base else info.parents
        return writer.stage(message, time=run.clock(), parents=others, always=True) or commit


def unite(base: JSONObject, ours: JSONObject, theirs: JSONObject, path: str) -> JSONObject:
    """Return a file of a map with what either side has changed since ``base``.

    A file that is not there is an empty object, and so is the answer where nothing is left.
    Raises ``Refused`` where the sides speak of different orgs, or of one id in two ways.
    """
    heads = [side for side in (ours, theirs) if side]
    for name in heads[0].keys() - {_IDS} if heads else ():
        if heads[0][name] != heads[-1][name]:
            raise _conflict(f"{path}: {name}", heads[0][name], heads[-1][name])
    old, mine, other = (_ids(side) for side in (base, ours, theirs))
    united: JSONObject = {}
    for id_ in sorted(old.keys() | mine.keys() | other.keys()):
        versions = [ids.get(id_, _GONE) for ids in (old, mine, other)]
        entry = _unite(versions, f"{path}: {id_}")
        if isinstance(entry, dict):
            united[id_] = entry
    return {**heads[0], _IDS: united} if united else {}


def _unite(versions: list[object], where: str) -> object:
    base, ours, theirs = versions
    if theirs in (ours, base):
        return ours
    if ours == base or not isinstance(ours, dict):
        return theirs
    if not isinstance(theirs, dict):
        return ours
    if ours["id"] != theirs["id"]:
        raise _conflict(where, ours["id"], theirs["id"])
    return ours  # the same resource, and what was last seen of it


def _conflict(where: str, ours: JSON, theirs: JSON) -> Refused:
    return Refused(
        f"{where} is {ours} by this run, and {theirs} by one that was faster",
        "two runs wrote to the org at once: look at both there, and keep one of them",
    )


def _ids(side: JSONObject) -> JSONObject:
    ids = side.get(_IDS)
    return ids if isinstance(ids, dict) else {}


def _read(run: Run, sha: bytes | None, path: str, commit: str) -> JSONObject:
    """Return a file of a map; one that is damaged must not be written over."""
    return checked_map(run.repo.read(sha, BLOB), path, commit, run.journal) if sha else {}
