"""Where a resource was seen last: the newest snapshot of an org that still held it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.normalize import title_of
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.errors import UsageError
from ddsnap.flows.history import first_life, lives_of, versions_of_type
from ddsnap.flows.revisions import find_resources, nearest, no_resource
from ddsnap.flows.view import snapshot_view
from ddsnap.store.history import path_history
from ddsnap.store.trees import changed_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import Catalog
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class LastSeen:
    """A resource, and the newest commit of its org's snapshots that holds it."""

    address: Address
    commit: str


def last_seen(repo: Repository, org: str, text: str, catalog: Catalog) -> LastSeen:
    """Find what ``TYPE/ID`` or ``TYPE/TITLE`` names, be it in the org's past alone.

    One that was restored under another id is found by any of its ids. Raises ``UsageError`` where
    there never was such a resource, or where several were lost under the title at once.
    """
    tip = repo.branch(f"snapshots/{org}") or ""
    wanted = Address.parse(text)
    if wanted.type not in catalog or not wanted.id:
        raise no_resource(text, catalog)
    for address in lives_of(repo, org, wanted):
        commit = _last_commit(repo, tip, address)
        if commit:
            return _before(repo, org, tip, LastSeen(address, commit))
    return _before(repo, org, tip, _titled(repo, org, tip, wanted, catalog))


def _before(repo: Repository, org: str, tip: str, seen: LastSeen) -> LastSeen:
    """Return what a resource was before a run that was taken back had made it anew."""
    first = first_life(repo, org, seen.address) if seen.commit != tip else seen.address
    commit = _last_commit(repo, tip, first) if first != seen.address else ""
    return LastSeen(first, commit) if commit else seen


def _last_commit(repo: Repository, tip: str, address: Address) -> str:
    """Return the newest snapshot that holds an address; empty where none ever did."""
    for version in path_history(repo, tip, document_path(address)):
        if version.sha is not None:  # it was not changed since
            return tip
        return version.commit.parents[0] if version.commit.parents else ""
    return ""


def _titled(repo: Repository, org: str, tip: str, wanted: Address, catalog: Catalog) -> LastSeen:
    view, type_ = snapshot_view(repo, tip, org), catalog[wanted.type]
    titles = {
        title_of(type_, document.body) for document in view.documents(catalog, only=wanted.type)
    }
    if wanted.id in titles:
        return LastSeen(find_resources(view, catalog, [str(wanted)])[0], tip)
    for commit in versions_of_type(repo, org, wanted.type):
        before = dict(_lost(repo, commit, wanted.type, catalog))
        titles |= {*before.values()}
        gone = sorted(address for address, title in before.items() if title == wanted.id)
        if len(gone) > 1:
            ids = ", ".join(str(address) for address in gone[:_MOST_NAMED])
            raise UsageError(
                f"{len(gone)} {wanted.type} were titled {wanted.id!r} until {commit.sha[:12]}",
                f"name one: {ids}",
            )
        if gone:
            return LastSeen(gone[0], commit.parents[0])
    raise UsageError(
        f"no snapshot of {org} ever held {wanted}{nearest(wanted, titles)}",
        f"`ddsnap log {org} {wanted.type}` lists the snapshots that changed them",
    )


def _lost(
    repo: Repository, commit: CommitInfo, type_name: str, catalog: Catalog
) -> Iterator[tuple[Address, str]]:
    """Yield with its title what a commit has changed or removed, as it was before."""
    if not commit.parents:
        return
    before = snapshot_view(repo, commit.parents[0], commit.parents[0])
    for path, old, _ in changed_paths(repo, commit.parents[0], commit.sha):
        if old is None or not path.startswith(f"{type_name}/"):
            continue
        document = before.document(path, catalog)
        if document:
            yield document.address, title_of(catalog[type_name], document.body)
