"""The history of an org, of a type and of one resource, as the commits tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.paths import document_path
from ddsnap.errors import UsageError
from ddsnap.flows.drift import Drift, compare
from ddsnap.flows.view import snapshot_view
from ddsnap.store.history import log, path_history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Address
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
    """Yield the runs against an org, newest first."""
    yield from log(repo, _tip(repo, org, f"journal/{org}"))


def versions_of_type(repo: Repository, org: str, type_name: str) -> Iterator[CommitInfo]:
    """Yield the snapshots that changed a type, newest first."""
    tip = _tip(repo, org, f"snapshots/{org}")
    yield from (version.commit for version in path_history(repo, tip, type_name))


def versions_of(
    repo: Repository, org: str, address: Address, catalog: Catalog
) -> Iterator[Version]:
    """Yield the snapshots that changed a resource, newest first, with what each changed."""
    tip = _tip(repo, org, f"snapshots/{org}")
    path = document_path(address)
    for version in path_history(repo, tip, path):
        yield Version(version.commit, _change(repo, version.commit, path, catalog))


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
