"""``ddsnap doctor``: what keeps captures from working, and how to mend it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import click

from ddsnap.cli.runs import connection_options, open_run, overrides, scope_of
from ddsnap.cli.text import one_line
from ddsnap.errors import ExitCode, StoreError, UsageError, gravest
from ddsnap.flows.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.cli.context import App
    from ddsnap.cli.runs import Overrides
    from ddsnap.config import Config, Org
    from ddsnap.store.repository import Repository

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("orgs", nargs=-1, metavar="[ORG]...")
@click.option(
    "--pin",
    is_flag=True,
    help="Write the id of each ORG into ddsnap.yaml: other keys are refused then.",
)
@connection_options
@click.pass_obj
def doctor(app: App, /, orgs: tuple[str, ...], pin: bool, **connection: Any) -> ExitCode:
    """Look for what would keep captures of each ORG (default: all) from working.

    The configuration, the repository and its remote; then of each org where its keys come from,
    whether both are accepted and by which org, a glance at each type, and the clock. Nothing is
    changed, except by --pin. Ends with 1 if something must be mended, with 2 if that is in the
    configuration; a warning alone is no reason to end otherwise than with 0.

    \b
    ddsnap doctor us1 --pin

    With --json each line is an event: check (level: ok, warn or fail; check, org, text, mend), and
    one doctor (ok, warnings, failures).
    """
    given = overrides(**connection)
    counts, codes = Counter[str](), [ExitCode.DONE]
    for finding in _findings(app, orgs, given, pin=pin):
        counts[finding.level] += 1
        codes.append(finding.code)
        _tell(app, finding)
    totals = {"ok": counts["ok"], "warnings": counts["warn"], "failures": counts["fail"]}
    if app.terminal.json:
        app.terminal.event("doctor", **totals)
    app.terminal.line(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} to mend")
    return gravest(codes)


def _tell(app: App, finding: Finding) -> None:
    if app.terminal.json:
        told = {"level": finding.level, "check": finding.check, "org": finding.org or None}
        app.terminal.event("check", **told, text=finding.text, mend=finding.mend)
    where = f"{finding.org}: " if finding.org else ""
    line = f"{finding.level:<4}  {where}{one_line(finding.text)}"
    app.terminal.line(line, fg=_COLOURS[finding.level])
    if finding.mend and finding.level != "ok":
        app.terminal.line(f"      -> {one_line(finding.mend)}")


def _findings(
    app: App, names: tuple[str, ...], given: Overrides, *, pin: bool
) -> Iterator[Finding]:
    """Yield what is found: of the repository first, then of each org."""
    from ddsnap.cli.context import find_orgs  # noqa: PLC0415 - with what follows
    from ddsnap.flows.check_repository import (  # noqa: PLC0415
        check_remote,
        check_repository,
        check_runs,
    )

    try:
        repository = app.open()
    except StoreError as error:
        yield Finding.failed("repository", error)
        return
    with repository:
        yield from check_repository(repository)
        try:
            config = app.config(repository)
            chosen = find_orgs(config, names)
            types = scope_of(config).types
        except UsageError as error:
            yield Finding.failed("config", error)
            return
        if len(chosen) > 1 and (given.keys.api_key or given.keys.app_key):
            raise UsageError("--api-key and --app-key belong to one org", "name the org")
        yield Finding("ok", "config", f"{config.file} is valid")
        yield from check_remote(repository, config.remote, [org.name for org in chosen])
        yield from check_runs(repository, [org.name for org in chosen])
        for org in chosen:
            yield from _org(app, repository, config, org, given, types=types, pin=pin)


def _org(
    app: App,
    repository: Repository,
    config: Config,
    org: Org,
    given: Overrides,
    *,
    types: tuple[str, ...],
    pin: bool,
) -> Iterator[Finding]:
    """Yield what is found of one org, and pin it once it is known to be the right one."""
    from ddsnap.flows.check_org import OrgCheck  # noqa: PLC0415 - slow to import

    try:
        where = _origins(app, config, org, given)
        app.keys(config, org, given.keys)
        yield Finding("ok", "keys", f"the keys are found: {where}", org=org.name)
        address = app.address(config, org, given.allowed_hosts)
        yield Finding("ok", "host", f"keys may be sent to {address}", org=org.name)
        with open_run(app, repository, config, org, given=given) as run:
            check = OrgCheck(run, types, named="all" not in config.capture.types)
            yield from check.findings()
            if pin:
                yield _pin(repository, org, check.public_id)
    except UsageError as error:
        yield Finding.failed("config", error, org.name)


def _origins(app: App, config: Config, org: Org, given: Overrides) -> str:
    """Return where the two keys come from, and never what they are."""
    from ddsnap.config import origin  # noqa: PLC0415 - slow to import

    options = {"api_key": given.keys.api_key, "app_key": given.keys.app_key}
    found = {
        key: "the command line" if value else origin(config, org, app.env, key)
        for key, value in options.items()
    }
    return f"API key from {found['api_key']}, application key from {found['app_key']}"


def _pin(repository: Repository, org: Org, public_id: str) -> Finding:
    """Write the id that the org has into the work tree's configuration."""
    from ddsnap.cli.context import CONFIG_FILE  # noqa: PLC0415 - with what follows
    from ddsnap.config import put, save  # noqa: PLC0415

    if not public_id:
        raise UsageError(f"{org.name} is not pinned: the keys did not tell its id", "see above")
    if org.public_id:
        return Finding("ok", "pinned", f"it is pinned to {org.public_id} already", org=org.name)
    path = repository.path / CONFIG_FILE
    with suppress(FileNotFoundError):
        save(path, put(path.read_bytes(), ("orgs", org.name, "public_id"), public_id))
        return Finding("ok", "pinned", f"{path.name} pins {public_id} now", org=org.name)
    raise UsageError(f"{path} is not there to be written to", "git switch main")
