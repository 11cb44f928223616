"""What no listing tells of, as a policy: a capture reads it in turn, a replay what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.id_map import followed
from ddsnap.core.values import Address
from ddsnap.flows.view import snapshot_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View


def unlisted(
    run: Run, source: View, id_map: IdMap, needed: Collection[Address] | None, *, same_org: bool
) -> frozenset[Address]:
    """Return what of the destination must be read now, whatever its last snapshot holds of it.

    Those are the counterparts of what is ``needed`` of the source (``None``: all of it), and where
    it is not known yet whose counterparts they are, all that may be.
    """
    tip = run.repo.branch(run.snapshots)
    before = snapshot_view(run.repo, tip, run.snapshots) if tip else None
    lives = followed(id_map) if same_org else id_map
    found: set[Address] = set()
    for type_ in run.catalog.types:
        if type_.discover is None:
            continue
        there = [*before.addresses(run.catalog, only=type_.name)] if before else []
        for address in source.addresses(run.catalog, only=type_.name):
            if needed is None or address in needed:
                found.update(_counterparts(type_, address, lives, there, same_org=same_org))
        if needed is None:  # what is gone from the source may be deleted
            mapped = (Address(one.type, to.id) for one, to in id_map.items())
            found.update(one for one in mapped if one.type == type_.name)
    return frozenset(found)


def _counterparts(
    type_: ResourceType,
    address: Address,
    lives: IdMap,
    there: Collection[Address],
    *,
    same_org: bool,
) -> Iterator[Address]:
    kind, _, object_id = address.id.partition(":")
    objects = type_.discover.objects if type_.discover else {}
    mapped = [lives.get(Address(name, object_id)) for name in objects if objects[name] == kind]
    ids = {one.id for one in mapped if one} | ({object_id} if same_org else set())
    if ids:
        yield from (Address(type_.name, f"{kind}:{id_}") for id_ in ids)
    else:
        yield from (one for one in there if one.id.startswith(f"{kind}:"))
