"""The plan of a replay, made of what the destination holds now; nothing is written anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.errors import Refused
from ddsnap.flows.ground import check_meant
from ddsnap.flows.prepare import prepare
from ddsnap.flows.recovery import check_recovery
from ddsnap.flows.sync import ALONE, look
from ddsnap.flows.unsettled import earlier
from ddsnap.flows.view import live_view

if TYPE_CHECKING:
    from ddsnap.flows.prepared import Order, Prepared
    from ddsnap.flows.run import Run
    from ddsnap.flows.sync import Exchange


def preview(run: Run, order: Order, exchange: Exchange = ALONE) -> Prepared:
    """Plan as a replay does; what would keep that from writing is a warning here.

    Raises ``Refused`` where the keys belong to another org than the one that is meant, and where
    what is recorded of that has diverged from the remote's.
    """
    warnings = look(run.repo, exchange, (run.snapshots, run.journal))
    keys = run.gateway.identity()
    warnings += check_meant(run, order, keys)
    try:
        note = check_recovery(run.gateway, run.org)
    except Refused as refusal:
        note = f"a replay would be refused: {refusal.message}"
    cut_off = earlier(run.repo, run.org, order.source.manifest.org.public_id)
    prepared = prepare(run, order, keys, lambda scope, _: live_view(run, scope), cut_off)
    prepared.warnings[:0] = [*warnings, *([note] if note else [])]
    return prepared
