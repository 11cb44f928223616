"""Whether the keys open the org that a replay is meant for, and whether it may be written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.errors import Refused
from ddsnap.flows.identity import check_identity
from ddsnap.flows.recovery import check_recovery
from ddsnap.flows.snapshot import manifest_of

if TYPE_CHECKING:
    from ddsnap.flows.prepare import Order
    from ddsnap.flows.run import Run


def check_ground(run: Run, order: Order, public_id: str) -> list[str]:
    """Refuse an org that is not the one that was meant, or that is in use by its failover.

    Returns warnings.
    """
    if not public_id:
        raise Refused(
            f"the keys of {run.org} cannot tell which org they belong to",
            "a replay needs the application key's scope user_access_read or org_management",
        )
    warnings = check_meant(run, order, public_id)
    note = check_recovery(run.gateway, run.org)
    return [*warnings, *([note] if note else [])]


def check_meant(run: Run, order: Order, public_id: str) -> list[str]:
    """Refuse the keys of another org, those of the snapshot's own under another name included."""
    source = order.source.manifest.org
    if source.public_id and source.public_id == public_id and source.name != run.org:
        raise Refused(
            f"the keys of {run.org} belong to {source.name}, the org that the snapshot came from",
            f"check which keys are set; to go back within one org: --to {source.name}",
        )
    tip = run.repo.branch(run.snapshots)
    before = manifest_of(run.repo, tip, run.snapshots) if tip else None
    return check_identity(run, public_id, before, order.saved.public_id if order.saved else "")
