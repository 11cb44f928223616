"""``ddsnap log``: an org's snapshots and replays, its runs, or the versions of a resource."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from ddsnap.cli.cut_off import warn_of_cut_off
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.store.repository import Repository


@click.command()
@click.argument("words", nargs=-1, metavar="[ORG] [TYPE[/ID]]")
@click.option("--runs", is_flag=True, help="Show every run, unchanged and failed ones too.")
@click.option("-n", "--number", type=click.IntRange(1), metavar="N", help="Show at most N.")
@click.pass_obj
def log(app: App, words: tuple[str, ...], runs: bool, number: int | None) -> None:
    """Show the snapshots of an ORG and the replays into it, newest first.

    With TYPE the snapshots that changed the type. With TYPE/ID (an id or an exact title, of a
    deleted resource too) each version of one resource: when, who, and which fields; one that was
    restored is followed to its other id. With --runs every run by its id, which `ddsnap replay
    --undo` takes. ORG may be left out where only one is configured.

    \b
    ddsnap log us1
    ddsnap log us1 monitors/123

    With --json each line is an event: snapshot (org, time, commit, kind, summary), run (org, time,
    commit, kind, state, summary, run, by; of a replay, restore, undo or unmute also source and
    undoes), or version (org, time, commit, kind, type, id, title, by, at, changes).
    """
    from ddsnap.cli.named import org_and_what  # noqa: PLC0415 - slow to import
    from ddsnap.cli.render.history import tell_all, tell_runs  # noqa: PLC0415
    from ddsnap.flows.history import runs_of, told_of  # noqa: PLC0415

    if len(words) > 2:
        raise UsageError("log takes an ORG and a TYPE or TYPE/ID", "quote a title with blanks")
    with app.open() as repository:
        org, what = org_and_what(app, repository, words)
        if runs and what:
            raise UsageError("--runs shows those of a whole org", f"leave {what} out")
        if not what:
            warn_of_cut_off(app, repository, org)
        if runs:
            tell_runs(app.terminal, repository, org, islice(runs_of(repository, org), number))
        elif what:
            _tell_one(app, repository, org, what, number)
        else:
            tell_all(app.terminal, repository, org, islice(told_of(repository, org), number))


def _tell_one(app: App, repository: Repository, org: str, what: str, number: int | None) -> None:
    """Tell the past of a type, or of one resource."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.cli.named import find_past_resource  # noqa: PLC0415
    from ddsnap.cli.render.history import tell_resource, tell_type  # noqa: PLC0415
    from ddsnap.cli.runs import type_names  # noqa: PLC0415
    from ddsnap.flows.history import lives_of, versions_of, versions_of_type  # noqa: PLC0415

    if "/" not in what:
        (name,) = type_names([what])
        commits = versions_of_type(repository, org, name)
        tell_type(app.terminal, repository, org, name, islice(commits, number))
        return
    address = find_past_resource(repository, org, what)
    versions = (v for v in versions_of(repository, org, address, CATALOG) if v.drift)
    ids = len(lives_of(repository, org, address)) > 1
    tell_resource(app.terminal, org, islice(versions, number), ids=ids)
