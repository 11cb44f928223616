"""Planning a replay: what would bring an org to what a snapshot holds. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at
from ddsnap.core.id_map import Mapped
from ddsnap.core.plan import Plan, make_plan
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.view import View


def plan_replay(
    source: View,
    destination: View,
    catalog: Catalog,
    *,
    selection: Callable[[Address], bool] | None = None,
    dependencies: bool = True,
) -> Plan:
    """Plan the replay of ``source`` into the org that ``destination`` shows.

    A narrower ``selection`` takes along what its resources depend on, unless told not to.
    """
    ours, theirs = source.manifest.org, destination.manifest.org
    org, counterpart = _organization(source, catalog), _organization(destination, catalog)
    known: dict[Address, Mapped] = {}
    if org and counterpart:
        known[Address("organization", org)] = Mapped(counterpart, "adopted")
    return make_plan(
        lambda: source.documents(catalog),
        lambda: destination.documents(catalog),
        known,
        catalog,
        selection=selection,
        dependencies=dependencies,
        same_org=bool(ours.public_id) and ours.public_id == theirs.public_id,
        states={name: state.state for name, state in source.manifest.types.items()},
    )


def _organization(view: View, catalog: Catalog) -> str:
    """Return the org's own uuid, which policies name; any of its users tells it."""
    for user in view.documents(catalog, only="users"):
        org = value_at(user.body, "relationships.org.data.id")
        if isinstance(org, str):
            return org
    return ""
