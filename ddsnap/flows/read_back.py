"""After the writes of a replay: what is read again, and what that must know of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.core.outcomes import renamed
from ddsnap.core.paths import document_path
from ddsnap.core.references import find_references
from ddsnap.core.repointing import still_pointing
from ddsnap.core.secrets import maybe_marked
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.replay_source import ReplaySource
    from ddsnap.flows.view import View


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


def marked_among(outcomes: Sequence[Outcome], source: ReplaySource) -> dict[Address, JSONObject]:
    """Return the documents with markers that were written, by what they are at the destination.

    Secrets stand there in the markers' place, in clear wherever the API shows them.
    """
    found: dict[Address, JSONObject] = {}
    for outcome in outcomes:
        action = outcome.action
        there = Address(action.address.type, outcome.to or action.to)
        if not outcome.requests or action.kind == "delete" or action.base == "destination":
            continue
        data = source.view.read(document_path(action.address)) if there.id else None
        if data is not None and maybe_marked(data):
            found[there] = source.load(action.address)[1].body
    return found


def policies_of(outcome: Outcome, id_map: IdMap, catalog: Catalog) -> Iterator[Address]:
    """Yield what the map has of the policies that went with what was deleted."""
    for type_ in catalog.types:
        objects = type_.discover.objects if type_.discover else {}
        prefix = objects.get(outcome.action.address.type)
        for address, entry in id_map.items() if prefix else ():
            if address.type == type_.name and entry.id == f"{prefix}:{outcome.action.to}":
                yield address


def dangling(plan: Plan, outcomes: Sequence[Outcome], after: View) -> list[Address]:
    """Return what still points at where something was that Datadog would not undelete."""
    known, new = plan.resolution, renamed(outcomes)
    if known is None or not new:
        return []
    olds = {old for old, found in known.lost.items() if found.address in new}
    wrote = {Address(o.action.address.type, o.to) for o in outcomes if o.to and o.requests}
    looked_at = {address for address, _ in still_pointing(known, new, ())} | wrote
    return [
        address for address in sorted(looked_at) if _points(after, address, olds, known.catalog)
    ]


def _points(after: View, address: Address, olds: set[tuple[str, str]], catalog: Catalog) -> bool:
    document = after.document(document_path(address), catalog)
    if document is None:
        return False
    return any(
        (name, reference.value) in olds
        for reference in find_references(document.body, catalog[address.type], catalog)
        for name in reference.to
    )


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
