"""``ddsnap verify``: what is recorded is whole, canonical and where it belongs."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from ddsnap.cli.runs import connection_options, overrides
from ddsnap.cli.text import one_line
from ddsnap.errors import ExitCode, StoreError, UsageError, gravest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddsnap.cli.context import App
    from ddsnap.cli.runs import Overrides
    from ddsnap.flows.verify import Checked, Fault
    from ddsnap.store.repository import Repository


@click.command()
@click.argument("what", required=False, default="", metavar="[REV|ORG]")
@click.option("--live", is_flag=True,
              help="Also compare the snapshot with its org as it is now.")  # fmt: skip
@click.option("--exit-code", is_flag=True, help="With --live, end with 5 if they differ.")
@connection_options
@click.pass_obj
def verify(app: App, /, *, what: str, live: bool, exit_code: bool, **connection: Any) -> ExitCode:
    """Check an ORG's snapshots and journal from first to last, or the one snapshot of a REV.

    Without an argument every org of which something is recorded. Each document
    is read and must be canonical, normalized and in its place; what each past replay sent is
    computed again from the snapshots, its patches and its ids. Faults end with 1.

    With --live each resource in which the last snapshot, or that of the REV, differs from the org
    is named; nothing is recorded. What cannot be read as a whole ends with 4.

    \b
    ddsnap verify
    ddsnap verify us1~3
    ddsnap verify us1 --live --exit-code

    With --json each line is an event: fault (name, commit, path, reason), and of each thing that
    was checked one verified (name, commits, documents, requests of replays, notes, faults). With
    --live also drift (name, type, id, kind, title, by, at, changes) and one compared (name, commit,
    differences, unread).
    """
    from ddsnap.cli.named import orgs_recorded  # noqa: PLC0415 - slow to import

    given = overrides(**connection)
    if exit_code and not live:
        raise UsageError("--exit-code is about what differs from the org", "add --live")
    with app.open() as repository:
        known = orgs_recorded(repository)
        if not what and not known:
            raise UsageError("nothing is recorded yet", "run `ddsnap capture`")
        if what and what not in known:
            codes = [_report(app, what, _snapshot_faults(repository, what))]
        else:
            orgs = [what] if what else known
            codes = [_report(app, org, _org_faults(repository, org)) for org in orgs]
        if live:
            codes += _compare(
                app, repository, [what] if what else known, given, exit_code=exit_code
            )
        return gravest(codes)


def _compare(
    app: App, repository: Repository, names: list[str], given: Overrides, *, exit_code: bool
) -> Iterator[ExitCode]:
    """Hold snapshots against their orgs."""
    from ddsnap.cli.compared import compare_with_org  # noqa: PLC0415 - slow to import
    from ddsnap.cli.states import Desk  # noqa: PLC0415

    desk = Desk(app, repository, app.config(repository), given=given)
    if len(names) > 1 and (given.keys.api_key or given.keys.app_key):
        raise UsageError("--api-key and --app-key belong to one org", "name the org")
    for name in names:
        yield compare_with_org(desk, name, exit_code=exit_code)


def _report(app: App, name: str, found: tuple[Checked, Iterator[Fault]]) -> ExitCode:
    """Tell each fault as it is found, then how much was looked at."""
    checked, count = found[0], 0
    for fault in found[1]:
        count += 1
        if app.terminal.json:
            told = {"commit": fault.commit, "path": fault.path, "reason": fault.reason}
            app.terminal.event("fault", name=name, **told)
        where = f"{fault.commit[:7]} {fault.path}".strip()
        app.terminal.line(f"{one_line(f'{name}: {where}: {fault.reason}')}")
    size = {"commits": checked.commits, "documents": checked.documents}
    if app.terminal.json:
        more = {"requests": checked.requests, "notes": checked.notes, "faults": count}
        app.terminal.event("verified", name=name, **size, **more)
    size |= {"requests": checked.requests} if checked.requests else {}
    for note in checked.notes:
        app.terminal.line(f"{one_line(f'{name}: {note}')}")
    verdict = f"{count} {'fault' if count == 1 else 'faults'}" if count else "sound"
    sizes = ", ".join(f"{number} {noun}" for noun, number in size.items())
    app.terminal.line(f"{one_line(name)}: {verdict} ({sizes})")
    return ExitCode.FAILED if count else ExitCode.DONE


def _snapshot_faults(repository: Repository, revision: str) -> tuple[Checked, Iterator[Fault]]:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows.revisions import find_snapshot  # noqa: PLC0415
    from ddsnap.flows.verify import Checked, verify_snapshot  # noqa: PLC0415

    checked = Checked()
    commit = find_snapshot(repository, revision).commit
    return checked, verify_snapshot(repository, commit, CATALOG, checked)


def _org_faults(repository: Repository, org: str) -> tuple[Checked, Iterator[Fault]]:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows import verify  # noqa: PLC0415

    checked = verify.Checked()

    def history(tip: str) -> Iterator[Fault]:
        return verify.verify_branch(repository, tip, CATALOG, checked)

    def alone(tip: str) -> Iterator[Fault]:
        return verify.verify_snapshot(repository, tip, CATALOG, checked)

    def runs(tip: str) -> Iterator[Fault]:
        return verify.verify_journal(repository, tip, CATALOG, checked)

    return checked, chain(
        _followed(repository, f"snapshots/{org}", history, alone),
        _followed(repository, f"journal/{org}", runs),
    )


def _followed(
    repository: Repository,
    branch: str,
    check: Callable[[str], Iterator[Fault]],
    otherwise: Callable[[str], Iterator[Fault]] | None = None,
) -> Iterator[Fault]:
    """Yield the faults of a branch; where its history breaks off, that is one itself."""
    from ddsnap.flows.verify import Fault  # noqa: PLC0415 - slow to import

    tip = None
    try:
        tip = repository.branch(branch)
        if tip:
            yield from check(tip)
    except StoreError as error:
        yield Fault(tip or branch, "", f"the history breaks off: {error.message}")
        if tip and otherwise:
            yield from otherwise(tip)
