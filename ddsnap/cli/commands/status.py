"""``ddsnap status``: is the backup fresh and complete?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ddsnap.cli.ages import duration, seconds_of
from ddsnap.cli.text import one_line
from ddsnap.errors import gravest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.cli.context import App
    from ddsnap.config import Config
    from ddsnap.core.manifest import TypeState
    from ddsnap.errors import ExitCode
    from ddsnap.flows.status import LastReplay, LastRun, Status, Verdict
    from ddsnap.store.repository import Repository


@click.command()
@click.argument("orgs", nargs=-1, metavar="[ORG]...")
@click.option("--max-age", default="26h", show_default=True, callback=seconds_of, metavar="TIME",
              help="How long ago all of it may have been read: 90m, 26h, 3d.")  # fmt: skip
@click.pass_obj
def status(app: App, orgs: tuple[str, ...], max_age: float) -> ExitCode:
    """Say whether the backup of each ORG (default: all) is fresh and complete.

    Nobody is asked: the journal, the last snapshot and what is known of the remote tell it. Ends
    with 0 if each is fresh and complete, with 4 if something is lacking or older than --max-age,
    and with 1 if an org was never captured or its last capture failed.

    \b
    ddsnap status --max-age 2h || alert

    With --json each line is an event: of each org one status (org, verdict: fresh, old,
    incomplete, failed or never; code, age of the oldest reading in seconds, max_age, failures in a
    row, run: of the last capture its commit, state, age, seconds, requests, counts, error, secrets;
    lacking and unavailable: type, state, reason; snapshot, pushed, unpushed, held_by; replay: of
    the last one its run, commit, kind, state, source, age, counts, by; cut_off: which one is to be
    gone on with).
    """
    with app.open() as repository:
        config = app.config(repository)
        names = _names(repository, config, orgs)
        return gravest([_one(app, repository, config, name, max_age) for name in names])


def _names(repository: Repository, config: Config, given: tuple[str, ...]) -> list[str]:
    """Return the orgs to look at: what is recorded, too, if it is no longer configured."""
    from ddsnap.cli.context import find_org, find_orgs  # noqa: PLC0415 - with what follows
    from ddsnap.cli.named import orgs_recorded  # noqa: PLC0415 - slow to import

    if not given:
        return [org.name for org in find_orgs(config, ())]
    recorded = orgs_recorded(repository)
    return [n if n in recorded else find_org(config, n).name for n in dict.fromkeys(given)]


def _one(app: App, repository: Repository, config: Config, org: str, max_age: float) -> ExitCode:
    from ddsnap.cli.runs import scope_of  # noqa: PLC0415 - slow to import
    from ddsnap.flows.status import CODES, status_of  # noqa: PLC0415
    from ddsnap.store.remote import find_remote  # noqa: PLC0415

    wanted = scope_of(config).types if org in config.orgs else ()
    found = status_of(
        repository,
        org,
        types=wanted,
        named="all" not in config.capture.types,
        remote=find_remote(repository, config.remote),
    )
    now = time.time()
    verdict = found.verdict(now, max_age)
    if app.terminal.json:
        told = _record(found, now)
        code = int(CODES[verdict])
        app.terminal.event("status", verdict=verdict, code=code, max_age=max_age, **told)
    colour = {"fresh": "green", "failed": "red", "never": "red"}.get(verdict, "yellow")
    app.terminal.line(f"{org}: {_headline(found, verdict, now, max_age)}", fg=colour)
    for line in _lines(found, now):
        app.terminal.line(f"  {one_line(line)}")
    return CODES[verdict]


def _headline(found: Status, verdict: Verdict, now: float, max_age: float) -> str:
    if verdict == "never":
        return f"never captured; run 'ddsnap capture {found.org}'"
    read = "when all of it was read is not known"
    if found.read_at is not None:
        read = f"all of it was read {duration(now - found.read_at)} ago"
    if verdict == "failed":
        times = "" if found.failures == 1 else f" {found.failures} times in a row"
        return (
            f"the last capture failed{times}; {read if found.snapshot else 'nothing is recorded'}"
        )
    if verdict == "old":
        return f"old: {read}, which is more than {duration(max_age)}"
    return f"{'fresh and complete' if verdict == 'fresh' else 'incomplete'}: {read}"


def _lines(found: Status, now: float) -> Iterator[str]:
    if found.run:
        yield _run_line(found.run, now)
    if found.cut_off:
        yield f"! {found.cut_off.message}: {found.cut_off.hint}"
    elif found.replay:
        yield _replay_line(found.replay, now)
    for name, state in found.lacking.items():
        reason = state.reason or ("not read yet" if state.state == "uncaptured" else "")
        yield f"! {name} is {state.state}{': ' if reason else ''}{reason}"
    if found.run and found.run.secrets:
        yield f"! {found.run.secrets} redacted, not decided about: see secrets.redact and .allow"
    if found.snapshot and found.read_at is None and not found.lacking:
        yield f"! snapshots/{found.org} is not where the last run left it; capture it again"
    for name, state in found.unavailable.items():
        if name not in found.lacking:
            yield f"  {name} is unavailable{': ' if state.reason else ''}{state.reason}"
    if found.unpushed is not None:
        many = "commit is" if found.unpushed == 1 else "commits are"
        yield f"! {found.unpushed} {many} not pushed" if found.unpushed else "  all is pushed"
    if found.held_by:
        yield f"  under way: {found.held_by}"


def _run_line(run: LastRun, now: float) -> str:
    from ddsnap.flows.messages import summary  # noqa: PLC0415 - slow to import

    age = "" if run.finished is None else f" {duration(now - run.finished)} ago"
    if run.state == "failed":
        return f"! last run{age}: {run.error or 'failed'}"
    what = summary(run.counts)
    return f"  last run{age}: {run.state}, {what}, {run.requests} requests in {run.seconds:.1f} s"


def _replay_line(replay: LastReplay, now: float) -> str:
    from ddsnap.core.outcomes import RESULTS  # noqa: PLC0415 - slow to import

    age = "" if replay.finished is None else f" {duration(now - replay.finished)} ago"
    what = f"replay from {replay.source}" if replay.kind == "replay" else replay.kind
    if replay.open:
        told = f"by {replay.by} has not ended, last heard of{age}: run {replay.run}"
        return f"! {'an' if what.startswith('un') else 'a'} {what} {told}"
    counts = replay.counts
    told = ", ".join(f"{counts[result]} {result}" for result in RESULTS if counts[result])
    mark = " " if replay.state == "done" else "!"
    return f"{mark} last {what}{age}: {replay.state}{', ' if told else ''}{told}"


def _record(found: Status, now: float) -> dict[str, object]:
    """Return the fields of the event, ages in seconds."""
    age = None if found.read_at is None else _age(found.read_at, now)
    return {
        "org": found.org,
        "age": age,
        "snapshot": found.snapshot,
        "failures": found.failures,
        "run": found.run and _run_record(found.run, now),
        "lacking": _states(found.lacking),
        "unavailable": _states(found.unavailable),
        "pushed": None if found.unpushed is None else not found.unpushed,
        "unpushed": found.unpushed,
        "held_by": found.held_by or None,
        "replay": found.replay and _replay_record(found.replay, now),
        "cut_off": found.cut_off and found.cut_off.message,
    }


def _run_record(run: LastRun, now: float) -> dict[str, object]:
    return {
        "commit": run.commit,
        "state": run.state,
        "age": None if run.finished is None else _age(run.finished, now),
        "seconds": run.seconds,
        "requests": run.requests,
        "counts": dict(run.counts),
        "secrets": run.secrets,
        "error": run.error or None,
    }


def _replay_record(replay: LastReplay, now: float) -> dict[str, object]:
    return {
        "run": replay.run,
        "commit": replay.commit,
        "kind": replay.kind,
        "state": replay.state,
        "source": replay.source,
        "age": None if replay.finished is None else _age(replay.finished, now),
        "counts": dict(replay.counts),
        "by": replay.by,
    }


def _states(states: Mapping[str, TypeState]) -> list[dict[str, str]]:
    return [{"type": n, "state": s.state, "reason": s.reason} for n, s in states.items()]


def _age(then: float, now: float) -> float:
    return round(max(0.0, now - then), 1)
