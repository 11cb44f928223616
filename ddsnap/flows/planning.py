"""Planning a replay: what would bring an org to what a snapshot holds. Nothing is written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at
from ddsnap.core.id_map import Mapped
from ddsnap.core.plan import Plan, make_plan
from ddsnap.core.select import parse_filter
from ddsnap.core.unheard import NOTHING, Explained
from ddsnap.core.values import Address
from ddsnap.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from ddsnap.config.model import DeleteLimit
    from ddsnap.core.deletion import Deletions
    from ddsnap.core.id_map import IdMap
    from ddsnap.core.manifest import Manifest, OrgIdentity
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Document
    from ddsnap.flows.view import View


def plan_replay(
    source: View,
    destination: View,
    catalog: Catalog,
    *,
    documents: Callable[[], Iterable[Document]] | None = None,
    id_map: IdMap | None = None,
    selection: Callable[[Address], bool] | None = None,
    dependencies: bool = True,
    live: bool = False,
    exact: bool = False,
    adopt: Mapping[Address, str] | None = None,
    create_similar: bool = False,
    explained: Explained = NOTHING,
    names: Mapping[str, Collection[str]] | None = None,
    others: Mapping[Address, str] | None = None,
    now: datetime | None = None,
    deletions: Deletions | None = None,
    refused: Mapping[Address, str] | None = None,
    self_user: str = "",
    self_handle: str = "",
    unread: Collection[Address] = (),
    is_preset: Callable[[Address], bool] = lambda _: False,
) -> Plan:
    """Plan the replay of ``source`` into the org that ``destination`` shows.

    ``documents`` are the source's after transformations. A narrower ``selection`` takes along what
    its resources depend on, unless told not to. Between two orgs the replay is quiet, unless it is
    to go ``live`` at once. The rest is as in ``make_plan``.
    """
    same_org = source.manifest.org.is_same(destination.manifest.org)
    theirs = organization(destination, catalog)
    return make_plan(
        documents or (lambda: source.documents(catalog)),
        lambda: destination.documents(catalog),
        {**with_organization({}, source, catalog, theirs), **(id_map or {})},
        catalog,
        selection=selection,
        dependencies=dependencies,
        same_org=same_org,
        states=_states(source.manifest),
        filtered=_filtered(source.manifest, catalog),
        there=_states(destination.manifest),
        adopt=adopt,
        create_similar=create_similar,
        quiet=is_quiet(source.manifest.org, destination.manifest.org, live=live),
        exact=exact,
        explained=explained,
        names=names,
        others=others,
        now=now,
        deletions=deletions,
        refused=refused,
        self_user=self_user,
        self_handle=self_handle,
        unread=unread,
        is_preset=is_preset,
    )


def is_quiet(source: OrgIdentity, destination: OrgIdentity, *, live: bool) -> bool:
    """Whether what is created at the destination is silenced."""
    return not live and not source.is_same(destination)


def whole_types(manifest: Manifest, catalog: Catalog) -> frozenset[str]:
    """Return the types of which a snapshot says reliably that something is gone.

    They were read completely, and no filter left anything out.
    """
    filtered = _filtered(manifest, catalog)
    return frozenset(
        name for name, state in manifest.types.items() if state.whole and name not in filtered
    )


def _filtered(manifest: Manifest, catalog: Catalog) -> frozenset[str]:
    """Return the types that the snapshot's own filters are about."""
    filters = [parse_filter(text, catalog) for text in manifest.filters]
    return frozenset(name for name in manifest.types if any(one.names(name) for one in filters))


def check_deletions(plan: Plan, limit: DeleteLimit) -> None:
    """Refuse more deletions than are allowed. Raises ``Refused``."""
    counts = Counter(action.address.type for action in plan.actions if action.kind == "delete")
    there = plan.resolution.destination.entries if plan.resolution else ()
    present = sum(address.type in counts for address in there)
    allowed, wanted = limit.of(present), counts.total()
    if wanted > allowed:
        told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        raise Refused(
            f"{wanted} deletions ({told}) are more than the limit, {limit} of {present}",
            "look at them in the plan; --max-deletes allows more for this run",
        )


def _states(manifest: Manifest) -> dict[str, str]:
    return {name: state.state for name, state in manifest.types.items()}


def with_organization(id_map: IdMap, source: View, catalog: Catalog, uuid: str) -> IdMap:
    """Add the orgs themselves, which policies name as a whole; ``uuid`` is the destination's."""
    org = organization(source, catalog) if uuid else ""
    return {**id_map, Address("organization", org): Mapped(uuid, "adopted")} if org else id_map


def organization(view: View, catalog: Catalog) -> str:
    """Return the org's own uuid, which any of its users tells; empty where none does."""
    for user in view.documents(catalog, only="users"):
        org = value_at(user.body, "relationships.org.data.id")
        if isinstance(org, str):
            return org
    return ""
