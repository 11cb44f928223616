"""A run's journal commit again, on top of what other runs have written meanwhile.

What belongs to the run stays as it is; the maps of ids, which all runs share, are united.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.errors import Refused
from ddsnap.flows.journal import MAPS
from ddsnap.store.objects import BLOB
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.trees import changed_paths, read_paths

if TYPE_CHECKING:
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.run import Run

_GONE: Final = object()


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
            old, ours = (_read(run, sha) for sha in (before, after))
            theirs = _read(run, writer.previous(path))
            united = unite(old, ours, theirs, path)
            if united:
                writer.put(path, canonical.encode(united))
            else:
                writer.drop(path)
        message = f"{info.subject}\n\n{info.body}\n"
        others = info.parents[1:] if base else info.parents
        return writer.stage(message, time=run.clock(), parents=others, always=True) or commit


def unite(base: JSONObject, ours: JSONObject, theirs: JSONObject, path: str) -> JSONObject:
    """Return a map with what either side has changed since ``base``."""
    united: JSONObject = {}
    for name in sorted(base.keys() | ours.keys() | theirs.keys()):
        versions = [side.get(name, _GONE) for side in (base, ours, theirs)]
        value = _unite(versions, f"{path}: {name}")
        if value is not _GONE:
            united[name] = value  # type: ignore[assignment]
    return united


def _unite(versions: list[object], where: str) -> object:
    base, ours, theirs = versions
    if theirs in (ours, base):
        return ours
    if ours == base or ours is _GONE:
        return theirs
    if theirs is _GONE:
        return ours
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        raise _conflict(where, ours, theirs)
    if "id" not in ours and "id" not in theirs:
        return unite(base if isinstance(base, dict) else {}, ours, theirs, where)
    if ours.get("id") != theirs.get("id"):
        raise _conflict(where, ours.get("id"), theirs.get("id"))
    return ours  # the same resource, and what was last seen of it


def _conflict(where: str, ours: object, theirs: object) -> Refused:
    return Refused(
        f"{where} is {ours} by this run, and {theirs} by one that was faster",
        "two runs wrote to the org at once: look at both there, and keep one of them",
    )


def _read(run: Run, sha: bytes | None) -> JSONObject:
    body: JSON = canonical.decode(run.repo.read(sha, BLOB)) if sha else {}
    return body if isinstance(body, dict) else {}
