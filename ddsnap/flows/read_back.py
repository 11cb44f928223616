"""After the writes of a replay: what is read again, and what that must know of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.read_org import Scope


def scope_of(
    outcomes: Sequence[Outcome], types: Collection[str], scope: Scope, catalog: Catalog
) -> Scope:
    """Return what is read: whatever was written in any case, and no loss is a surprise."""
    wrote = [outcome for outcome in outcomes if outcome.requests]
    return replace(
        scope,
        only=frozenset(types) & frozenset(scope.types),
        accept_loss=frozenset(o.action.address.type for o in wrote if o.action.kind == "delete"),
        answered=_answered(outcomes, catalog),
        again=frozenset(Address(o.action.address.type, o.to or o.action.to) for o in wrote),
    )


def policies_of(outcome: Outcome, id_map: IdMap, catalog: Catalog) -> Iterator[Address]:
    """Yield what the map has of the policies that went with what was deleted."""
    for type_ in catalog.types:
        objects = type_.discover.objects if type_.discover else {}
        prefix = objects.get(outcome.action.address.type)
        for address, entry in id_map.items() if prefix else ():
            if address.type == type_.name and entry.id == f"{prefix}:{outcome.action.to}":
                yield address


def renamed(plan: Plan, outcomes: Sequence[Outcome]) -> list[str]:
    """Name what Datadog would not undelete, and what still points at where it was."""
    told = []
    known = plan.resolution
    for outcome in outcomes:
        action = outcome.action
        if not action.undeletes or outcome.to in ("", action.to) or known is None:
            continue
        pointing = [
            str(address)
            for address, entry in known.destination.entries.items()
            for reference in entry.references
            if reference.value == action.to and action.address.type in reference.to
        ]
        where = f"; {pointing[0]} points at the old id" if pointing else ""
        again = f"{where}: restore it again to mend that" if pointing else ""
        told.append(f"{action.address} could not be undeleted and is {outcome.to} now{again}")
    return told


def _answered(outcomes: Sequence[Outcome], catalog: Catalog) -> frozenset[str]:
    """Return the ids of the policies that new resources do not have: nobody gave them any."""
    made = [o for o in outcomes if o.action.kind == "create" and o.to and o.status == "done"]
    # One that failed may have left something all the same: the access of who replays alone.
    tried = {outcome.action.address.id for outcome in outcomes if outcome.requests}
    return frozenset(
        f"{prefix}:{outcome.to}"
        for type_ in catalog.types
        if type_.discover
        for outcome in made
        if (prefix := type_.discover.objects.get(outcome.action.address.type))
        and f"{prefix}:{outcome.action.address.id}" not in tried
    )
