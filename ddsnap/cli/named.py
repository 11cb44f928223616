"""What people name on the command line: an org by its branches, a resource by id or title."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING

from ddsnap.catalog import CATALOG
from ddsnap.cli.context import find_org
from ddsnap.cli.states import only_org
from ddsnap.core.values import Address
from ddsnap.errors import UsageError
from ddsnap.flows.drift import drift
from ddsnap.flows.history import versions_of, versions_of_type
from ddsnap.flows.revisions import find_resources, find_snapshot
from ddsnap.flows.view import snapshot_view
from ddsnap.store.branches import branches_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.cli.context import App
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository


def orgs_recorded(repository: Repository) -> list[str]:
    """Return the orgs of which anything is recorded, be they configured or not."""
    kinds = ("snapshots", "journal")
    return sorted({org for kind in kinds for org in branches_below(repository, kind)})


def org_and_what(app: App, repository: Repository, words: Sequence[str]) -> tuple[str, str]:
    """Split ``[ORG] [TYPE[/ID]]``; the org may be left out where only one is configured."""
    first, what = [*words, "", ""][:2]
    if first and "/" not in first and (what or first not in CATALOG):
        if first not in orgs_recorded(repository):
            find_org(app.config(repository), first)
        return first, what
    if what:
        raise UsageError(f"{first!r} is no org", "write ORG before TYPE/ID")
    return only_org(app.config(repository), asked=f"ORG {first}".strip()), first


def find_past_resource(repository: Repository, org: str, text: str) -> Address:
    """Find a resource of an org by id or title, be it in its last snapshot or in its past."""
    view = snapshot_view(repository, find_snapshot(repository, org).commit, org)
    try:
        return find_resources(view, CATALOG, [text])[0]
    except UsageError:
        wanted = Address.parse(text)
        if wanted.type not in CATALOG or not wanted.id:
            raise
        if any(versions_of(repository, org, wanted, CATALOG)):
            return wanted
        found = _deleted(repository, org, wanted)
        if found is None:
            raise
        return found


def short(commit: str) -> str:
    """Return a commit as people write it."""
    return commit[:7]


def moment(commit: CommitInfo) -> str:
    """Return when a commit was made, in UTC, as people read it."""
    return f"{commit.when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}Z"


def stamp(commit: CommitInfo) -> str:
    """Return when a commit was made, in UTC, as programs read it (RFC 3339)."""
    return f"{commit.when.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _deleted(repository: Repository, org: str, wanted: Address) -> Address | None:
    """Return the resource that was last deleted under this title."""
    for commit in versions_of_type(repository, org, wanted.type):
        for parent in commit.parents[:1]:
            old, new = (snapshot_view(repository, sha, sha) for sha in (parent, commit.sha))
            for gone in drift(old, new, CATALOG, types=(wanted.type,)):
                if gone.new is None and gone.title == wanted.id:
                    return gone.address
    return None
