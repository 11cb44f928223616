"""``ddsnap types``: what is covered, and what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON

COLUMNS = ("type", "area", "state", "depends_on", "permissions", "lacks")


@click.command()
@click.pass_obj
def types(app: App) -> None:
    """Show each resource type: area, what it depends on, permissions, whether it is captured.

    DEPENDS_ON names what must exist first; queries and widgets may name more.
    """
    from ddsnap.catalog import CATALOG, DECLARED  # noqa: PLC0415 - slow to import

    names = {*CATALOG.names, *(type_.name for type_ in DECLARED)}
    lacking = [*((type_, "") for type_ in CATALOG.types), *DECLARED.items()]
    app.terminal.table("type", COLUMNS, [_row(type_, lacks, names) for type_, lacks in lacking])


def _row(type_: ResourceType, lacks: str, names: set[str]) -> list[JSON]:
    return [
        type_.name,
        type_.area,
        "declared" if lacks else "captured",
        [*_depends_on(type_, names)],
        [*type_.permissions],
        lacks,
    ]


def _depends_on(type_: ResourceType, names: set[str]) -> list[str]:
    """Return which of ``names`` the type needs, by its parent, its id or its references."""
    needed = {type_.parent, type_.orders, *(part.to for part in type_.parts)}
    for ref in type_.refs:
        needed |= {*ref.prefixed.values()} if ref.prefixed else set()
        needed |= set() if ref.soft else {*ref.to}
        needed |= {to for text in ref.text if not (ref.soft or text.soft) for to in text.to}
    return sorted(needed & names - {type_.name})
