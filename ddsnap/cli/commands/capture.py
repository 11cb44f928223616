"""``ddsnap capture``: a snapshot of one org, or of all."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ddsnap.cli.cut_off import warn_of_cut_off
from ddsnap.cli.exchange import exchange_of, exchange_options
from ddsnap.cli.options import selection_options
from ddsnap.cli.runs import arguments_of, connection_options, open_run, overrides, scope_of
from ddsnap.errors import DdsnapError, ExitCode, UsageError, gravest

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.cli.runs import Overrides
    from ddsnap.config import Config, Org
    from ddsnap.core.select import Selection
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.run import Run
    from ddsnap.flows.sync import Exchange
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class _Order:
    """What was asked for, the same for each org."""

    config: Config
    scope: Scope
    arguments: tuple[str, ...]
    given: Overrides
    exchange: Exchange
    dry_run: bool


@click.command()
@click.argument("orgs", nargs=-1, metavar="[ORG]...")
@click.option("--type", "only", multiple=True, metavar="TYPE",
              help="Read this type alone, carry the others over; more may be given.")  # fmt: skip
@click.option("--exclude", multiple=True, metavar="TYPE",
              help="Carry this type over unread; more may be given.")  # fmt: skip
@selection_options
@click.option("--accept-loss", multiple=True, metavar="TYPE",
              help="Believe that most of this type is gone; more may be given.")  # fmt: skip
@click.option("--full", is_flag=True, help="Read everything, whatever seems unchanged.")
@click.option("--dry-run", is_flag=True, help="Say what a capture would record; write nothing.")
@exchange_options
@connection_options
@click.pass_context
def capture(
    context: click.Context,
    /,
    *,
    orgs: tuple[str, ...],
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    accept_loss: tuple[str, ...],
    full: bool,
    dry_run: bool,
    push: bool,
    offline: bool,
    selection: Selection,
    **connection: Any,
) -> ExitCode:
    """Record each ORG's configuration in its branch snapshots/ORG; all orgs by default.

    What cannot be read keeps its last document; an org that fails does not stop the others. Each
    run is recorded in journal/ORG. With filters only what they select is read anew; all else is
    carried over. Where git has a remote, both branches are first brought up to date from there.

    \b
    ddsnap capture
    ddsnap capture us1 --type monitors,dashboards

    With --json each line is an event: type_started and type_finished while reading, and estimate
    (type, requests, seconds) where rate limits make the rest of a type long; then, of each org,
    change (kind, type, id, title, by), problem (type, id, title, reason, kept), secret (type, id,
    title, pointer, why), new_field (type, field, count), warning (message) and one captured (state,
    commit, new, pushed, superseded, counts, types, requests, seconds), or one error (code, message,
    hint). All of them name their org.
    """
    from ddsnap.cli.context import find_orgs  # noqa: PLC0415 - with what follows

    app: App = context.obj
    with app.open() as repository:
        config = app.config(repository)
        chosen = find_orgs(config, orgs)
        given = overrides(**connection)
        if len(chosen) > 1 and (given.keys.api_key or given.keys.app_key):
            raise UsageError("--api-key and --app-key belong to one org", "name the org")
        scope = scope_of(config, only, exclude, accept_loss, full=full, narrowing=selection)
        exchange = exchange_of(repository, config, push=push, offline=offline)
        order = _Order(config, scope, arguments_of(context), given, exchange, dry_run)
        return gravest([_capture_one(app, repository, org, order) for org in chosen])


def _capture_one(app: App, repository: Repository, org: Org, order: _Order) -> ExitCode:
    """Capture one org and tell what came of it; its failure is told here too."""
    from ddsnap.cli.captured import tell  # noqa: PLC0415 - slow to import
    from ddsnap.flows.capture import exit_code  # noqa: PLC0415

    # A capture costs no more for a long journal; `status` looks through it.
    warn_of_cut_off(app, repository, org.name, here=True)
    try:
        with open_run(
            app, repository, order.config, org, arguments=order.arguments, given=order.given
        ) as run:
            result = _read(app, run, order)
            tell(app.terminal, run, result, dry_run=order.dry_run)
            return exit_code(result)
    except DdsnapError as error:
        code, message, hint = error.code, error.message, error.hint
    if app.terminal.json:
        app.terminal.event("error", org=org.name, code=int(code), message=message, hint=hint)
    app.terminal.error(message if org.name in message else f"{org.name}: {message}", hint)
    return code


def _read(app: App, run: Run, order: _Order) -> CaptureResult:
    """Do the work, with a bar on a terminal that counts the types."""
    from ddsnap.cli.watch import watched  # noqa: PLC0415 - with what follows
    from ddsnap.flows.capture import capture as capture_org  # noqa: PLC0415 - slow to import

    total = len(order.scope.only or order.scope.types)
    shown = app.terminal.interactive
    with app.terminal.progress(run.org, total) if shown else nullcontext() as advance:
        run = watched(run, advance) if advance else run
        if order.dry_run:
            return _rehearse(run, order.scope)
        return capture_org(run, order.scope, order.exchange)


def _rehearse(run: Run, scope: Scope) -> CaptureResult:
    """Read the org over its last snapshot and return what a capture would find."""
    from ddsnap.flows import journal  # noqa: PLC0415 - slow to import
    from ddsnap.flows.view import live_view  # noqa: PLC0415

    started, known = run.clock(), journal.unknown_fields(run)
    view, result = live_view(run, scope)
    result.commit = view.commit
    for name, outcome in result.types.items():
        fresh = {f: n for f, n in outcome.unknown.items() if f not in known.get(name, ())}
        if fresh:
            result.new_fields[name] = Counter(fresh)
    result.requests = run.gateway.requests()
    result.seconds = (run.clock() - started).total_seconds()
    return result
