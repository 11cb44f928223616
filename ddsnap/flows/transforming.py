"""What the rules of a replay must know of both orgs before there is a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.directory import Directory, read_directory
from ddsnap.core.principals import resolvable_principals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import Address
    from ddsnap.flows.view import View


def principals_known(
    rules: Sequence[Rule],
    source: View,
    destination: View | None,
    catalog: Catalog,
    id_map: IdMap,
    *,
    selected: Callable[[Address], bool] = lambda _: True,
) -> Callable[[Reference], bool]:
    """Return the test of principals for ``transform``; both orgs are read only if a rule asks.

    Without a destination every principal of the source is taken to be created there.
    """
    if not any(rule.drop_principals for rule in rules):
        return lambda _: True
    ours = source.manifest.org
    return resolvable_principals(
        read_directory(source.documents(catalog), catalog),
        read_directory(destination.documents(catalog), catalog) if destination else Directory(),
        catalog,
        id_map,
        selected=selected,
        same_org=destination is not None and ours.is_same(destination.manifest.org),
    )
