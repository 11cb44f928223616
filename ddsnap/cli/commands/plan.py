"""``ddsnap plan``: what a replay would do. It reads the destination and writes nothing there."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddsnap.cli.runs import connection_options, overrides, type_names
from ddsnap.errors import DdsnapError, ExitCode, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.cli.context import App
    from ddsnap.cli.states import State
    from ddsnap.core.actions import Action
    from ddsnap.core.plan import Plan
    from ddsnap.core.values import Address, JSONObject

_MEMBERS = {"actions", "counts", "cycles"}


@dataclass(frozen=True)
class _Planned:
    """A plan and the states that it was made of."""

    plan: Plan
    source: State
    destination: State

    @property
    def restores(self) -> bool:
        """Whether it leads back into the org that the snapshot came from."""
        ours = self.source.view.manifest.org.public_id
        return bool(ours) and ours == self.destination.view.manifest.org.public_id

    @property
    def head(self) -> str:
        """From which commit and org to which org."""
        way = f"{self.source.label} -> {self.destination.label}"
        return f"restore {way} (the same org: ids are kept)" if self.restores else f"replay {way}"


@click.command()
@click.argument("revision", metavar="REV")
@click.argument("wanted", nargs=-1, metavar="[TYPE[/ID]]...")
@click.option("--to", metavar="ORG", help="Where to.  [default: the only other org]")
@click.option("--type", "only", multiple=True, metavar="TYPE",
              help="Plan this type; more may be given.")  # fmt: skip
@click.option("--no-dependencies", is_flag=True, help="Leave out what the selection needs.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Save the plan as JSON.")  # fmt: skip
@click.option("--show", "bodies", multiple=True, metavar="TYPE/ID",
              help="Print only the body that the destination shall hold of it.")  # fmt: skip
@click.option("--to-api-key", default="", metavar="KEY",
              help="API key of the destination; the environment is safer.")  # fmt: skip
@click.option("--to-app-key", default="", metavar="KEY",
              help="Application key of the destination; the environment is safer.")  # fmt: skip
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
    no_dependencies: bool,
    out: Path | None,
    bodies: tuple[str, ...],
    to_api_key: str,
    to_app_key: str,
    **connection: Any,
) -> ExitCode:
    """Show what a replay of the snapshot REV into an org would do; nothing is written there.

    A resource is named by its id or its exact title. Ids that do not exist yet are symbolic:
    ${monitors/123} is the id that monitor 123 will get. Keys given here are the destination's.

    \b
    ddsnap plan us1 --to eu1
    ddsnap plan us1~3 monitors 'dashboards/Web overview' --to eu1 --out plan.json
    ddsnap plan us1 --to eu1 --show monitors/123

    With --json each line is an event: plan (from, to, restore), action for each resource, unread
    for each type that could not be read as a whole, summary (counts, cycles).
    """
    from ddsnap.cli.states import Desk, only_org  # noqa: PLC0415 - slow to import

    _refuse_other_file(out)
    connection["api_key"] = to_api_key or connection["api_key"]
    connection["app_key"] = to_app_key or connection["app_key"]
    with app.open() as repository:
        desk = Desk(app, repository, app.config(repository), given=overrides(**connection))
        source = desk.open(revision)
        select = _selection(source, wanted, only)
        destination = desk.live(to or only_org(desk.config, source.org, "--to ORG"))
        planned = _plan(source, destination, select, dependencies=not no_dependencies)
        if bodies:
            _show(app, planned, bodies)
        else:
            _tell(app, planned)
        if out is not None:
            _save(app, planned.plan, out)
    return _tell_unread(app, planned)


def _selection(
    source: State, wanted: tuple[str, ...], only: tuple[str, ...]
) -> Callable[[Address], bool] | None:
    """Return which resources are wanted; ``None`` where nothing narrows the plan."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows.revisions import find_resources  # noqa: PLC0415

    if not wanted and not only:
        return None
    types = set(type_names((*only, *(word for word in wanted if "/" not in word))))
    named = [word for word in wanted if "/" in word]
    type_names(word.partition("/")[0] for word in named)
    addresses = set(find_resources(source.view, CATALOG, named))
    return lambda address: address.type in types or address in addresses


def _plan(
    source: State,
    destination: State,
    select: Callable[[Address], bool] | None,
    *,
    dependencies: bool,
) -> _Planned:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows.planning import plan_replay  # noqa: PLC0415

    made = plan_replay(
        source.view, destination.view, CATALOG, selection=select, dependencies=dependencies
    )
    if select is not None and not made.actions:
        raise UsageError(f"{source.label} holds nothing of what was named")
    return _Planned(made, source, destination)


def _present(planned: _Planned, action: Action) -> JSONObject:
    """Return what the destination has of a resource, as plans compare it."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.core.match import portable  # noqa: PLC0415
    from ddsnap.core.paths import document_path  # noqa: PLC0415
    from ddsnap.core.values import Address  # noqa: PLC0415

    address = Address(action.address.type, action.to)
    found = planned.destination.view.document(document_path(address), CATALOG)
    return portable(CATALOG[address.type], found.body) if found else {}


# --- telling


def _tell(app: App, planned: _Planned) -> None:
    from ddsnap.cli.render.plan import plan_lines  # noqa: PLC0415 - with what follows

    terminal = app.terminal
    if terminal.json:
        labels = {"from": planned.source.label, "to": planned.destination.label}
        terminal.event("plan", **labels, restore=planned.restores)
        for action in planned.plan.actions:
            terminal.event("action", **action.to_json())
        told = planned.plan.to_json()
        terminal.event("summary", counts=told["counts"], cycles=told["cycles"])
        return
    terminal.line(planned.head, bold=True)
    present = partial(_present, planned) if terminal.verbosity > 0 else None
    for line in plan_lines(planned.plan, present):
        terminal.line(str(line), **({"fg": line.colour} if line.colour else {}))


def _show(app: App, planned: _Planned, bodies: tuple[str, ...]) -> None:
    """Print what the destination shall hold of single resources."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.core import canonical  # noqa: PLC0415
    from ddsnap.core.paths import document_path  # noqa: PLC0415
    from ddsnap.core.plan import intended  # noqa: PLC0415
    from ddsnap.flows.revisions import find_resources  # noqa: PLC0415

    for address in find_resources(planned.source.view, CATALOG, bodies):
        document = planned.source.view.document(document_path(address), CATALOG)
        if document is None:
            raise UsageError(f"{planned.source.label} holds no {address}")
        action = planned.plan.action(address)
        present = _present(planned, action) if action and action.to else None
        body = intended(planned.plan, document, present=present or None)
        if app.terminal.json:
            app.terminal.event("intended", type=address.type, id=address.id, body=body)
        else:
            app.terminal.line(canonical.encode(body).decode().rstrip("\n"))


def _tell_unread(app: App, planned: _Planned) -> ExitCode:
    """Name what could not be read; of what the destination holds unseen no plan can be right."""
    sides = ((planned.source, ""), (planned.destination, "; it may hold more than the plan says"))
    for state, so in sides:
        for name, found in state.unread(()):
            told = f"{name} not read as a whole at {state.label}: {found.reason or found.state}"
            app.terminal.warn(f"{told}{so}")
            if app.terminal.json:
                app.terminal.event("unread", type=name, state=found.state, reason=found.reason)
    return ExitCode.PARTIAL if any(planned.destination.unread(())) else ExitCode.DONE


# --- saving


def _refuse_other_file(out: Path | None) -> None:
    """Refuse to overwrite anything but an earlier plan."""
    from ddsnap.core import canonical  # noqa: PLC0415 - slow to import

    if out is None or not out.exists():
        return
    try:
        found = canonical.decode(out.read_bytes())
    except DdsnapError:
        found = None
    if not isinstance(found, dict) or not found.keys() >= _MEMBERS:
        raise Refused(f"{out} exists and is no plan", "name another file with --out")


def _save(app: App, made: Plan, out: Path) -> None:
    """Write the plan beside its place and move it there, so that it is never half a plan."""
    from ddsnap.core import canonical  # noqa: PLC0415 - slow to import

    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}-", delete=False) as file:
        file.write(canonical.encode(made.to_json()))
    os.replace(file.name, out)  # noqa: PTH105 - of a str
    app.terminal.note(f"saved in {out}")
