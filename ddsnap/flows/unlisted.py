"""What no listing tells of, as a policy: a capture reads it in turn, a replay what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.id_map import followed
from ddsnap.core.values import Address
from ddsnap.flows.live import discovered
from ddsnap.flows.view import snapshot_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View


_NEVER_READ: Final = ("uncaptured", "unavailable")


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


def unread(source: View, catalog: Catalog) -> frozenset[Address]:
    """Return what a snapshot may lack, for all that is known, although it is in scope."""
    manifest, found = source.manifest, set[Address]()
    for type_ in catalog.types:
        state = manifest.state_of(type_.name)
        if type_.discover is None or type_.name not in manifest.scope_types:
            continue
        ids = {*state.unread}
        if state.state in _NEVER_READ:
            names = type_.discover.objects
            objects = (one for name in names for one in source.addresses(catalog, only=name))
            ids.update(discovered(type_.discover, objects))
        known = source.addresses(catalog, only=type_.name) if ids else ()
        found.update(Address(type_.name, id_) for id_ in ids - {one.id for one in known})
    return frozenset(found)


def unprotected(source: View, catalog: Catalog, plan: Plan) -> list[str]:
    """Say what is created open to everybody because policies are not captured at all."""
    told = []
    for type_ in catalog.types:
        objects = type_.discover.objects if type_.discover else {}
        made = [a for a in plan.actions if a.kind == "create" and a.address.type in objects]
        if made and type_.name not in source.manifest.scope_types:
            told.append(
                f"{type_.name} are not captured at {source.manifest.org.name}: what is created"
                f" is open to everybody there ({len(made)} that may be restricted)"
            )
    return told


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
