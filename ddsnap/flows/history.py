"""The history of an org, of a type and of one resource, as the commits tell it."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at
from ddsnap.core.outcomes import read_outcomes
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.errors import Refused, StoreError, UsageError
from ddsnap.flows.drift import Drift, compare
from ddsnap.flows.id_map import checked_map, entries_of
from ddsnap.flows.journal import MAPS, record_of
from ddsnap.flows.past_replays import replays, runs
from ddsnap.flows.replay_journal import OUTCOMES
from ddsnap.flows.view import snapshot_view
from ddsnap.store.history import log, path_history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import Catalog
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Version:
    """A snapshot that changed a resource, and how."""

    commit: CommitInfo
    drift: Drift | None


def snapshots_of(repo: Repository, org: str) -> Iterator[CommitInfo]:
    """Yield the snapshots of an org, newest first."""
    yield from log(repo, _tip(repo, org, f"snapshots/{org}"))


def runs_of(repo: Repository, org: str) -> Iterator[CommitInfo]:
    """Yield the runs against an org, newest first, each by the last that it said."""
    yield from runs(repo, _tip(repo, org, f"journal/{org}"))


def told_of(repo: Repository, org: str) -> Iterator[CommitInfo]:
    """Yield the snapshots of an org and the replays into it, newest first."""
    journal = repo.branch(f"journal/{org}")
    replayed = replays(repo, journal) if journal else ()
    # A replay is recorded last, within the second of its snapshots perhaps.
    told = merge(
        ((_newest_first(info), 0, info) for info in replayed),
        ((_newest_first(info), 1, info) for info in snapshots_of(repo, org)),
        key=itemgetter(0, 1),
    )
    yield from (info for _, _, info in told)


def versions_of_type(repo: Repository, org: str, type_name: str) -> Iterator[CommitInfo]:
    """Yield the snapshots that changed a type, newest first."""
    tip = _tip(repo, org, f"snapshots/{org}")
    yield from (version.commit for version in path_history(repo, tip, type_name))


def versions_of(
    repo: Repository, org: str, address: Address, catalog: Catalog
) -> Iterator[Version]:
    """Yield the snapshots that changed a resource, newest first, with what each changed.

    One that was lost and restored had an id in each of its lives; all of them are told.
    """
    tip = _tip(repo, org, f"snapshots/{org}")
    lives = (_life(repo, tip, life, catalog) for life in lives_of(repo, org, address))
    yield from merge(*lives, key=lambda version: _newest_first(version.commit))


def lives_of(repo: Repository, org: str, address: Address) -> tuple[Address, ...]:
    """Return every address that a resource had in its org, the last first, by the map of ids."""
    restored = new_ids(repo, org, address.type)
    before = {new: old for old, new in restored.items()}
    ids = [address.id]
    while (new := restored.get(ids[0])) and new not in ids:
        ids.insert(0, new)
    while (old := before.get(ids[-1])) and old not in ids:
        ids.append(old)
    return tuple(Address(address.type, id_) for id_ in ids)


def new_ids(repo: Repository, org: str, type_name: str) -> dict[str, str]:
    """Return the ids that restores gave, by the old ones; `ddsnap verify` tells damaged maps."""
    journal, path = repo.branch(f"journal/{org}"), f"{MAPS}/{org}/{type_name}.json"
    try:
        data = repo.read_file(journal, path) if journal else None
        if journal is None or data is None:
            return {}
        entries = entries_of(checked_map(data, path, journal, f"journal/{org}"))
    except (StoreError, Refused):
        return {}
    return {old: entry.id for old, entry in entries.items() if entry.id != old}


def first_life(repo: Repository, org: str, address: Address) -> Address:
    """Return what something was when a run made it anew, if that run was taken back.

    Nobody had changed it by then, and what points at it names it as it was before.
    """
    tip, found, ended = repo.branch(f"journal/{org}"), address, False
    for info in replays(repo, tip) if tip else ():
        record = record_of(repo, info.sha)
        own = value_at(record, "source.public_id") == value_at(record, "destination.public_id")
        for outcome in read_outcomes(repo.read_file(info.sha, OUTCOMES) or b"") if own else ():
            action = outcome.action
            if action.address.type != found.type or outcome.status != "done":
                continue
            if record.get("undoes") and action.kind == "delete" and action.address == found:
                ended = True
            elif ended and action.kind == "create" and outcome.to == found.id:
                found, ended = action.address, False
                break
    return found


def _life(repo: Repository, tip: str, address: Address, catalog: Catalog) -> Iterator[Version]:
    path = document_path(address)
    for version in path_history(repo, tip, path):
        yield Version(version.commit, _change(repo, version.commit, path, catalog))


def _newest_first(commit: CommitInfo) -> int:
    return -commit.time


def _change(repo: Repository, commit: CommitInfo, path: str, catalog: Catalog) -> Drift | None:
    after = snapshot_view(repo, commit.sha, commit.sha)
    old = None
    if commit.parents:
        before = snapshot_view(repo, commit.parents[0], commit.parents[0])
        old = before.document(path, catalog)
    return compare(old, after.document(path, catalog), after, catalog)


def _tip(repo: Repository, org: str, branch: str) -> str:
    tip = repo.branch(branch)
    if tip is None:
        raise UsageError(f"there is no snapshot of {org} yet", f"run `ddsnap capture {org}`")
    return tip
