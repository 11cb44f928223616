"""``ddsnap diff``: what differs between two states, resource by resource, field by field."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from ddsnap.cli.runs import connection_options, overrides, type_names
from ddsnap.errors import ExitCode, UsageError, gravest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.cli.context import App
    from ddsnap.cli.render.diff import Counts
    from ddsnap.cli.states import Desk, State
    from ddsnap.core.values import Address, JSONObject
    from ddsnap.flows.drift import Drift

FORMATS: Final = ("text", "markdown", "json", "json-patch")


@dataclass(frozen=True)
class _Comparison:
    """Two states, and which resources of them are wanted."""

    old: State
    new: State
    types: tuple[str, ...]
    wanted: frozenset[Address]
    touched: bool

    def drifts(self) -> Iterator[Drift]:
        from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
        from ddsnap.flows.drift import drift  # noqa: PLC0415

        found = drift(self.old.view, self.new.view, CATALOG, types=self.types, touched=self.touched)
        return (one for one in found if not self.wanted or one.address in self.wanted)

    @property
    def head(self) -> str:
        """Both states, and whether they are of two orgs."""
        head = f"{self.old.label} -> {self.new.label}"
        if self.old.view.manifest.org.is_same(self.new.view.manifest.org):
            return head if self.old.org == self.new.org else f"{head} (one org by two names)"
        return f"{head} (two orgs: resources are told apart by id)"

    def unread(self) -> list[tuple[str, str, str]]:
        """Return type, state and reason of what could not be read as a whole."""
        return [
            (name, f"{side.label}: {state.state}", state.reason)
            for side in (self.old, self.new)
            for name, state in side.unread(self.types)
        ]


@click.command()
@click.argument("old", metavar="[A]", required=False)
@click.argument("new", metavar="[B]", required=False)
@click.option("--type", "only", multiple=True, metavar="TYPE",
              help="Compare this type alone; more may be given.")  # fmt: skip
@click.option("--id", "ids", multiple=True, metavar="TYPE/ID",
              help="Compare this resource alone, by id or title; more may be given.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS),
              help="How to tell it.  [default: text]")  # fmt: skip
@click.option("--stat", is_flag=True, help="Only counts, one line for each type.")
@click.option(
    "--touched", is_flag=True, help="Also show what differs only in who changed it, and when."
)
@click.option("--exit-code", is_flag=True, help="End with 5 if there are differences.")
@click.option("--max-bytes", type=click.IntRange(1000), default=60_000, show_default=True,
              help="Size at which markdown is cut.")  # fmt: skip
@connection_options
@click.pass_obj
def diff(
    app: App,
    /,
    *,
    old: str | None,
    new: str | None,
    only: tuple[str, ...],
    ids: tuple[str, ...],
    form: str | None,
    stat: bool,
    touched: bool,
    exit_code: bool,
    max_bytes: int,
    **connection: Any,
) -> ExitCode:
    """Show what changed from state A to state B.

    A state is an org's name (its last snapshot), any git revision (us1~3, a commit), or live:ORG.
    Without B it is the live state of A's org; without A that of the only org.

    \b
    ddsnap diff us1
    ddsnap diff us1~1 us1 --type monitors
    ddsnap diff us1 --format markdown --exit-code

    json-patch gives one object for each resource (type, id, kind, patch); its RFC 6902 patch makes
    B's document of A's, an added one of {}, and null of a deleted one. json tells changes with the
    old and the new value. With --json both are events (diff, drift or patch, unread, summary).
    """
    from ddsnap.cli.states import Desk  # noqa: PLC0415 - slow to import

    with app.open() as repository:
        types = tuple(dict.fromkeys((*type_names(only), *_types_of(ids))))
        desk = Desk(app, repository, app.config(repository), types, overrides(**connection))
        before, after = _states(desk, old, new)
        wanted = _find(before, after, ids)
        comparison = _Comparison(before, after, types, wanted, touched)
        counts = _tell(app, comparison, form or "text", stat=stat, max_bytes=max_bytes)
    partial = bool(comparison.unread()) or any(kind == "unknown" for _, kind in counts)
    codes = [ExitCode.PARTIAL] * partial + [ExitCode.DIFFERENT] * (exit_code and bool(counts))
    return gravest(codes)


def _states(desk: Desk, old: str | None, new: str | None) -> tuple[State, State]:
    """Open both states; what is not named is the last snapshot, or the live org."""
    from ddsnap.cli.states import only_org  # noqa: PLC0415 - slow to import
    from ddsnap.flows.revisions import LIVE  # noqa: PLC0415

    if new is None and old is not None and old.startswith(LIVE):
        old, new = old.removeprefix(LIVE), old
    first = old or only_org(desk.config, asked="ddsnap diff ORG")
    keys = desk.given.keys
    live = [name for name in (first, new or LIVE) if name.startswith(LIVE)]
    if len(set(live)) > 1 and (keys.api_key or keys.app_key):
        raise UsageError("--api-key and --app-key belong to one org", "set the environment instead")
    before = desk.open(first)
    return before, desk.open(new or f"{LIVE}{before.org}")


def _types_of(ids: tuple[str, ...]) -> tuple[str, ...]:
    return type_names(id_.partition("/")[0] for id_ in ids)


def _find(old: State, new: State, ids: tuple[str, ...]) -> frozenset[Address]:
    """Find the resources in either state."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows.revisions import find_resources  # noqa: PLC0415

    def find(id_: str) -> list[Address]:
        try:
            return find_resources(old.view, CATALOG, [id_])
        except UsageError:
            return find_resources(new.view, CATALOG, [id_])

    return frozenset(address for id_ in ids for address in find(id_))


# --- telling


def _tell(app: App, comparison: _Comparison, form: str, *, stat: bool, max_bytes: int) -> Counts:
    if app.terminal.json or form in ("json", "json-patch"):
        return _tell_programs(app, comparison, "patch" if form == "json-patch" else "drift",
                              stat=stat)  # fmt: skip
    if form == "markdown":
        return _tell_reviewers(app, comparison, max_bytes, stat=stat)
    return _tell_people(app, comparison, stat=stat)


def _tell_people(app: App, comparison: _Comparison, *, stat: bool) -> Counts:
    from ddsnap.cli.render import diff as render  # noqa: PLC0415 - with what follows

    terminal, counts = app.terminal, Counter[Any]()
    terminal.line(comparison.head, bold=True)
    for drift in comparison.drifts():
        counts[drift.address.type, drift.kind] += 1
        for line in () if stat else render.drift_lines(drift, all_of_it=terminal.verbosity > 0):
            terminal.line(str(line), **({"fg": line.colour} if line.colour else {}))
    if stat and counts:
        terminal.line(render.stat(counts))
    terminal.line(render.summary(counts), bold=True)
    for name, state, reason in comparison.unread():
        terminal.line(f"! {name} not read as a whole at {state}{': ' if reason else ''}{reason}",
                      fg="magenta")  # fmt: skip
    return counts


def _tell_reviewers(app: App, comparison: _Comparison, max_bytes: int, *, stat: bool) -> Counts:
    from ddsnap.cli.render.markdown import Report  # noqa: PLC0415 - with what follows

    report = Report(comparison.head, max_bytes, details=not stat)
    for drift in comparison.drifts():
        report.add(drift)
    app.terminal.line(report.text(comparison.unread()))
    return report.counts


def _tell_programs(app: App, comparison: _Comparison, name: str, *, stat: bool) -> Counts:
    """Write one object for each resource; with ``--json`` as events, among others."""
    from ddsnap.cli.render.diff import patch_record, record  # noqa: PLC0415 - with what follows

    terminal, counts = app.terminal, Counter[Any]()
    labels = {"old": comparison.old.label, "new": comparison.new.label}
    orgs = {"old_org": comparison.old.org, "new_org": comparison.new.org}
    if terminal.json:
        terminal.event("diff", **labels, **orgs)
    for drift in comparison.drifts():
        counts[drift.address.type, drift.kind] += 1
        if not stat:
            _object(app, name, patch_record(drift) if name == "patch" else record(drift))
    for type_name, state, reason in comparison.unread():
        if terminal.json:
            terminal.event("unread", type=type_name, state=state, reason=reason)
        else:
            terminal.warn(f"{type_name} not read as a whole at {state}: {reason}")
    if terminal.json or stat:
        types: dict[str, Any] = {}
        for (type_name, kind), count in sorted(counts.items()):
            types.setdefault(type_name, {})[kind] = count
        _object(app, "summary", {"types": types})
    return counts


def _object(app: App, name: str, told: JSONObject) -> None:
    from ddsnap.cli.render.diff import json_line  # noqa: PLC0415 - with what called this

    if app.terminal.json:
        app.terminal.event(name, **told)
    else:
        app.terminal.line(json_line(told))
