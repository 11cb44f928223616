"""Whether the keys open the org that a replay is meant for, and whether it may be written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.errors import Refused
from ddsnap.flows.identity import check_identity
from ddsnap.flows.planning import organization
from ddsnap.flows.recovery import check_recovery
from ddsnap.flows.snapshot import manifest_of

if TYPE_CHECKING:
    from ddsnap.api.identity import OrgIdentity as Keys
    from ddsnap.flows.prepared import Order
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View


def check_ground(run: Run, order: Order, keys: Keys) -> list[str]:
    """Refuse an org that is not the one that was meant, or that is in use by its failover.

    Returns warnings.
    """
    if not keys.public_id:
        raise Refused(
            f"the keys of {run.org} cannot tell which org they belong to",
            "a replay needs the application key's scope user_access_read or org_management",
        )
    warnings = check_meant(run, order, keys)
    note = check_recovery(run.gateway, run.org)
    return [*warnings, *([note] if note else [])]


def check_meant(run: Run, order: Order, keys: Keys) -> list[str]:
    """Refuse the keys of another org, those of the snapshot's own under another name included."""
    source = order.source.manifest.org
    if source.public_id and source.public_id == keys.public_id and source.name != run.org:
        raise _own_keys(run, source.name)
    if not source.public_id:
        _check_nameless(run, order, keys)
    tip = run.repo.branch(run.snapshots)
    before = manifest_of(run.repo, tip, run.snapshots) if tip else None
    planned = order.approved.public_id if order.approved else ""
    return check_identity(run, keys.public_id, before, planned)


def _check_nameless(run: Run, order: Order, keys: Keys) -> None:
    """A snapshot by keys that could not name their org is known by what its users tell of that."""
    name, uuid = order.source.manifest.org.name, organization(order.source, run.catalog)
    if uuid and keys.uuid:
        if uuid == keys.uuid and name != run.org:
            raise _own_keys(run, name)
        if uuid != keys.uuid and name == run.org:
            raise _other_keys(run)
    elif name != run.org:
        raise Refused(
            f"nothing in {order.source.label} tells which org it is of: it may be {run.org} itself",
            f"capture {name} by an application key with the scope user_access_read",
        )


def check_source(run: Run, source: View) -> list[str]:
    """Refuse the keys of another org than the one that a snapshot is of. Returns warnings."""
    keys = run.gateway.identity()
    uuid = "" if source.manifest.org.public_id else organization(source, run.catalog)
    if uuid and keys.uuid not in ("", uuid):
        raise _other_keys(run)
    return check_identity(run, keys.public_id, source.manifest)


def _other_keys(run: Run) -> Refused:
    return Refused(
        f"the keys of {run.org} belong to another org than the snapshot is of",
        "check which keys are set; a different org needs a name of its own in ddsnap.yaml",
    )


def _own_keys(run: Run, name: str) -> Refused:
    return Refused(
        f"the keys of {run.org} belong to {name}, the org that the snapshot came from",
        f"check which keys are set; to go back within one org: --to {name}",
    )
