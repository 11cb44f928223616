"""``ddsnap types``: what is covered, what it needs, and what a capture of it costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.config import Config, Org
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON
    from ddsnap.flows.cost import Cost
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository

COLUMNS = ("type", "area", "state", "depends_on", "permissions", "lacks", "delay")
COSTS = ("org", "type", "listing", "details", "lookups", "requests", "delay")


@click.command()
@click.argument("org", required=False, default="", metavar="[ORG]")
@click.option("--cost", "of_cost", is_flag=True, help="Predict what the next capture of ORG costs.")
@click.option("--full", is_flag=True, help="With --cost: of a capture with --full.")
@click.pass_obj
def types(app: App, org: str, of_cost: bool, full: bool) -> None:
    """Show each resource type: area, what it depends on, permissions, whether it is captured.

    DEPENDS_ON names what must exist first; queries and widgets may name more. DELAY names edits
    that no listing betrays: a capture sees them when their resource's turn comes, every 7 days or
    as capture.full_every says.

    With --cost: how many requests the next capture of ORG makes for each type, should nothing
    change till then. LISTING: pages of lists; DETAILS: resources read one by one; LOOKUPS: tables
    of names.

    \b
    ddsnap types --cost us1

    With --json each line is an event: type, or with --cost one cost of each type (org, type,
    listing, details, lookups, requests, delay) and one cost_total (org, requests, identity, full,
    captured, full_every).
    """
    if of_cost:
        _tell_cost(app, org, full=full)
    elif org or full:
        raise UsageError("ORG and --full need --cost", "write: ddsnap types --cost ORG")
    else:
        _tell_types(app)


def _tell_types(app: App) -> None:
    from ddsnap.catalog import CATALOG, DECLARED  # noqa: PLC0415 - slow to import

    names = {*CATALOG.names, *(type_.name for type_ in DECLARED)}
    lacking = [*((type_, "") for type_ in CATALOG.types), *DECLARED.items()]
    app.terminal.table("type", COLUMNS, [_row(type_, lacks, names) for type_, lacks in lacking])


def _row(type_: ResourceType, lacks: str, names: set[str]) -> list[JSON]:
    from ddsnap.core.rotation import blind_spot  # noqa: PLC0415 - slow to import

    return [
        type_.name,
        type_.area,
        "declared" if lacks else "captured",
        [*_depends_on(type_, names)],
        [*type_.permissions],
        lacks,
        blind_spot(type_),
    ]


def _depends_on(type_: ResourceType, names: set[str]) -> list[str]:
    """Return which of ``names`` the type needs, by its parent, its id or its references."""
    needed = {type_.parent, type_.orders, *(part.to for part in type_.parts)}
    for ref in type_.refs:
        needed |= {*ref.prefixed.values()} if ref.prefixed else set()
        needed |= set() if ref.soft else {*ref.to}
        needed |= {to for text in ref.text if not (ref.soft or text.soft) for to in text.to}
    return sorted(needed & names - {type_.name})


def _tell_cost(app: App, name: str, *, full: bool) -> None:
    """Tell what the next capture of an org costs, type by type and as a whole."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.cli.ages import duration  # noqa: PLC0415
    from ddsnap.cli.context import find_org  # noqa: PLC0415
    from ddsnap.cli.states import only_org  # noqa: PLC0415
    from ddsnap.core.rotation import blind_spot  # noqa: PLC0415
    from ddsnap.flows.cost import IDENTITY  # noqa: PLC0415
    from ddsnap.flows.view import snapshot_view  # noqa: PLC0415

    with app.open() as repository:
        config = app.config(repository)
        org = find_org(config, name or only_org(config, asked="types --cost ORG"))
        tip = repository.branch(f"snapshots/{org.name}")
        view = snapshot_view(repository, tip, org.name) if tip else None
        costs = _costs(repository, config, org, view, full=full)
    spots = {} if full else {cost.type: blind_spot(CATALOG[cost.type]) for cost in costs}
    rows: list[list[JSON]] = [
        [org.name, c.type, c.listing, c.details, c.lookups, c.requests, spots.get(c.type, "")]
        for c in costs
    ]
    every, total = config.capture.full_every, IDENTITY + sum(cost.requests for cost in costs)
    app.terminal.table("cost", COSTS, rows)
    if app.terminal.json:
        told = {"requests": total, "identity": IDENTITY, "full": full, "full_every": every}
        app.terminal.event("cost_total", org=org.name, **told, captured=tip is not None)
    least = "" if tip else "at least "
    app.terminal.line(
        f"{org.name}: {least}{total} requests, {IDENTITY} of them to ask whose keys these are"
    )
    if not tip:
        app.terminal.line("  nothing is captured yet, so this is what an empty org costs")
    elif any(spots.values()):
        app.terminal.line(f"  an edit under DELAY may be seen as late as {duration(every)} after")


def _costs(
    repository: Repository, config: Config, org: Org, view: View | None, *, full: bool
) -> list[Cost]:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.cli.runs import scope_of  # noqa: PLC0415
    from ddsnap.flows.cost import predict  # noqa: PLC0415
    from ddsnap.flows.guard import Guard  # noqa: PLC0415
    from ddsnap.flows.journal import record_of, times_in  # noqa: PLC0415

    run = repository.branch(f"journal/{org.name}")
    current = view is not None and view.manifest.rules == CATALOG.rules
    read_at = times_in(record_of(repository, run), view.commit) if run and view and current else {}
    guard = Guard.of((), config.secrets.allow, config.secrets.redact)
    scope = scope_of(config, full=full)
    return [*predict(view, CATALOG, scope, read_at=read_at, now=time.time(), guard=guard)]
