"""``ddsnap plan``: what a replay would do. It reads the destination and writes nothing there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddsnap.cli.exchange import exchange_of, offline_option
from ddsnap.cli.options import selection_options
from ddsnap.cli.replaying import Asked, plan_options, plan_with
from ddsnap.cli.runs import connection_options, destination_keys, overrides, type_names
from ddsnap.errors import DdsnapError, ExitCode, Refused, UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.core.select import Selection
    from ddsnap.flows.prepared import Prepared


@click.command()
@click.argument("revision", metavar="REV")
@click.argument("wanted", nargs=-1, metavar="[TYPE[/ID]]...")
@click.option("--to", metavar="ORG", help="The org to plan for.  [default: the only other org]")
@click.option("--type", "only", multiple=True, metavar="TYPE",
              help="Plan this type; more may be given.")  # fmt: skip
@plan_options
@selection_options
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Save the plan as JSON.")  # fmt: skip
@click.option("--show", "bodies", multiple=True, metavar="TYPE/ID",
              help="Print only the body that this one will have at the destination.")  # fmt: skip
@destination_keys
@offline_option
@connection_options
@click.pass_obj
def plan(
    app: App,
    /,
    *,
    revision: str,
    wanted: tuple[str, ...],
    to: str | None,
    only: tuple[str, ...],
    out: Path | None,
    bodies: tuple[str, ...],
    selection: Selection,
    offline: bool,
    asked: dict[str, Any],
    **connection: Any,
) -> ExitCode:
    """Show what a replay of the snapshot REV into an org would do; nothing is written there.

    A resource is named by its id or its exact title. Ids that do not exist yet are symbolic:
    ${monitors/123} is the id that monitor 123 will get. Keys given here are the destination's.
    What the remote has is taken into account as a replay does, but no branch moves. What --out
    saves is carried out by `ddsnap replay --plan FILE`, and nothing else.

    \b
    ddsnap plan us1 --to eu1
    ddsnap plan us1~3 monitors 'dashboards/Web overview' --to eu1 --out plan.json
    ddsnap plan us1 --to eu1 --show monitors/123

    With --json each line is an event: plan (from, to, commit, restore, transforms), action for each
    resource, secret_needed, link (url, host, in) for each that leads back to the source's site,
    summary (counts, cycles), unread for each type that could not be read as a whole, warning (org,
    message) where a replay there did not end, and refused (message, hint) where one of it would be.
    """
    from ddsnap.cli.render.prepared import tell_plan, unread  # noqa: PLC0415 - slow to import
    from ddsnap.flows.revisions import LIVE  # noqa: PLC0415

    if out is not None:
        _check_place(out)
    if out is not None and revision.startswith(LIVE):
        raise UsageError(
            "a plan that is saved is made from what was captured: a live state is not recorded",
            f"capture it first: ddsnap capture {revision.removeprefix(LIVE)}",
        )
    with app.open() as repository:
        config = app.config(repository)
        order = Asked(
            revision,
            (*wanted, *type_names(only)),
            selection.describe(),
            to or "",
            live_source=True,
            given=overrides(**connection),
            exchange=exchange_of(repository, config, offline=offline, looks=True),
            **asked,
        )
        prepared = plan_with(app, repository, config, order)
        if bodies:
            _show(app, prepared, bodies)
        else:
            tell_plan(app.terminal, prepared)
            _tell_limits(app, prepared)
        if out is not None:
            _save(app, prepared, out)
    return ExitCode.PARTIAL if unread(prepared) else ExitCode.DONE


def _tell_limits(app: App, prepared: Prepared) -> None:
    """Say that a replay would be refused, and why."""
    from ddsnap.flows.prepare import check_limits  # noqa: PLC0415 - slow to import

    try:
        check_limits(prepared)
    except Refused as refused:
        app.terminal.warn(f"a replay would be refused: {refused.message}; {refused.hint}")
        if app.terminal.json:
            app.terminal.event("refused", message=refused.message, hint=refused.hint)


def _show(app: App, prepared: Prepared, bodies: tuple[str, ...]) -> None:
    """Print what the destination shall hold of single resources."""
    from ddsnap.cli.render.prepared import present  # noqa: PLC0415 - slow to import
    from ddsnap.core import canonical  # noqa: PLC0415
    from ddsnap.core.plan import intended  # noqa: PLC0415
    from ddsnap.flows.revisions import find_resources  # noqa: PLC0415

    for address in find_resources(prepared.order.source, prepared.run.catalog, bodies):
        _, document = prepared.source.load(address)
        action = prepared.plan.action(address)
        there = present(prepared, action) if action and action.to else None
        body = intended(prepared.plan, document, present=there or None)
        if app.terminal.json:
            app.terminal.event("intended", type=address.type, id=address.id, body=body)
        else:
            app.terminal.line(canonical.encode(body).decode().rstrip("\n"))


# --- saving


def _check_place(out: Path) -> None:
    """Refuse to overwrite anything but an earlier plan, and a place that cannot be written to."""
    from ddsnap.core import canonical  # noqa: PLC0415 - slow to import
    from ddsnap.core.saved_plan import is_plan  # noqa: PLC0415

    try:
        with _beside(out):
            found = canonical.decode(out.read_bytes()) if out.exists() else None
    except DdsnapError:
        found = {}
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{out} cannot be written: {why}", "name another file with --out"
        ) from None
    if found is not None and not is_plan(found):
        raise Refused(f"{out} exists and is no plan", "name another file with --out")


def _beside(out: Path, *, keep: bool = False) -> Any:
    return tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}-", delete=not keep)


def _save(app: App, prepared: Prepared, out: Path) -> None:
    """Write the plan beside its place and move it there, so that it is never half a plan."""
    from ddsnap.core import canonical  # noqa: PLC0415 - slow to import
    from ddsnap.flows.plan_file import head_of  # noqa: PLC0415

    with _beside(out, keep=True) as file:
        file.write(canonical.encode(prepared.plan.to_json(head_of(prepared))))
    os.replace(file.name, out)  # noqa: PTH105 - of a str
    app.terminal.note(f"saved in {out}; `ddsnap replay --plan {out}` carries it out")
