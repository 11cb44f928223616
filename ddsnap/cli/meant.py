"""What the command line of a plan or a replay means: the snapshot, the rules, the order."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from ddsnap.cli.context import find_org
from ddsnap.cli.rules import read_rules
from ddsnap.cli.runs import scope_of, type_names
from ddsnap.cli.states import Desk, only_org
from ddsnap.config import parse_limit
from ddsnap.config.transforms import applying, parse_rule
from ddsnap.errors import UsageError
from ddsnap.flows.interrupted import to_resume
from ddsnap.flows.prepared import SECOND_LOOK, Order
from ddsnap.flows.read_org import Scope
from ddsnap.flows.repeating import left_open
from ddsnap.flows.revisions import LIVE, find_snapshot
from ddsnap.flows.sync import begin, look
from ddsnap.flows.undo import find_run
from ddsnap.flows.view import snapshot_view
from ddsnap.flows.wishes import Wishes
from ddsnap.flows.worker_keys import keys_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.cli.context import App
    from ddsnap.cli.replaying import Asked
    from ddsnap.cli.supplying import Supply
    from ddsnap.config import Config
    from ddsnap.core.transform import Rule
    from ddsnap.flows.plan_file import SavedPlan
    from ddsnap.flows.sync import Exchange
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository

    Meant = tuple[Asked, View, tuple[Rule, ...]]


def meant(app: App, repository: Repository, config: Config, asked: Asked) -> Meant:
    """Find the snapshot and the rules: as asked, or as the run that is resumed had them."""
    if asked.delete_adopted and not asked.delete:
        raise UsageError("--delete-adopted deletes nothing by itself", "add --delete")
    if asked.saved is not None:
        return _saved(app, repository, asked, asked.saved)
    if asked.resume and not asked.revision:
        return _resumed(repository, config, asked)
    if asked.undo:
        return _undone(app, repository, config, asked)
    type_names(word.partition("/")[0] for word in asked.words)  # each of them is one
    asked = _as_left_open(app, repository, config, asked)
    source = _source(app, repository, config, asked)
    org = source.manifest.org.name
    to = asked.to or (org if asked.kind == "restore" else only_org(config, org, "--to ORG"))
    known = app.rules(repository) if org == to else read_rules(app, repository, config)
    rules = applying(
        known,
        config.replay.transforms,
        org,
        to,
        asked.transforms,
        same_org=org == to,
        file=config.file,
    )
    used = {rule.name for rule in rules}
    idle = (rule.name for rule in known if rule.name not in used and org != to)
    return replace(asked, to=to, idle=tuple(idle)), source, rules


def order_of(
    app: App, config: Config, asked: Asked, source: View, rules: tuple[Rule, ...], *, supply: Supply
) -> Order:
    """Return what was asked for as the order of a replay."""
    whole = scope_of(config)
    # What the configured filters leave out may be there all the same: a replay must know.
    scope = Scope(whole.types, full_every=whole.full_every)
    # Nobody waits longer for one look than for a request.
    total = config.http.total if asked.given.timeout is None else asked.given.timeout
    return Order(
        source,
        asked.revision,
        asked.wishes(),
        scope,
        rules,
        supply,
        parse_limit(asked.max_deletes) if asked.max_deletes else config.replay.max_deletes,
        keys_folder=lambda: keys_folder(app.env, asked.to),
        approved=asked.approved,
        idle=asked.idle,
        kind=asked.kind,
        resume=asked.resume,
        second_look=min(SECOND_LOOK, total),
    )


def _as_left_open(app: App, repository: Repository, config: Config, asked: Asked) -> Asked:
    """Return what is asked by the snapshot that the last run from there to there did not finish."""
    org = asked.revision
    within = asked.to == org or asked.kind == "restore"
    if org not in config.orgs or not within or asked.unmute:
        return asked
    fetch(app, repository, asked.exchange, *both(org))
    left = left_open(repository, org, asked.words, asked.filters)
    tip = repository.branch(f"snapshots/{org}")
    if left is None or tip in (None, left.commit):
        return asked
    told = replace(asked, revision=left.commit[:12], words=left.words)
    app.terminal.warn(
        f"{org} means {left.commit[:12]} here, of which the last run into {org} did not bring back"
        f" all; its last snapshot is {tip[:12]}"
    )
    return told


def _source(app: App, repository: Repository, config: Config, asked: Asked) -> View:
    if not asked.revision.startswith(LIVE):
        org, *when = re.split("[@~^]", asked.revision, maxsplit=1)
        if org in config.orgs:  # a fresh clone has none of its branches yet
            journal = [f"journal/{org}"] if when else []
            fetch(app, repository, asked.exchange, f"snapshots/{org}", *journal)
        found = find_snapshot(repository, asked.revision)
        return snapshot_view(repository, found.commit, asked.revision)
    if asked.live_source:
        return Desk(app, repository, config).open(asked.revision).view
    raise UsageError(
        "a replay takes what was captured: a live state is not recorded",
        f"capture it first: ddsnap capture {asked.revision.removeprefix(LIVE)}",
    )


def _saved(app: App, repository: Repository, asked: Asked, saved: SavedPlan) -> Meant:
    """Take everything from a saved plan; the command line says nothing of it again."""
    if asked.revision or asked.wishes() != Wishes(strict=asked.strict):
        raise UsageError(
            f"{saved.where} says what is replayed, and how", "leave out REV and what goes with it"
        )
    if asked.to not in ("", saved.to):
        raise UsageError(f"{saved.where} is for {saved.to}", "leave --to out, or plan again")
    wishes = replace(saved.wishes, strict=asked.strict)
    asked = replace(
        _with_wishes(asked, wishes),
        revision=saved.revision,
        to=saved.to,
        kind=saved.kind,
        approved=saved.approved,
    )
    fetch(app, repository, asked.exchange, f"snapshots/{saved.org}")
    return asked, saved.view(repository), saved.rules(app.rules(repository))


def fetch(app: App, repository: Repository, exchange: Exchange, *branches: str) -> None:
    """Take over what other machines have published, before anything is looked up in it."""
    if not exchange.offline:
        take = look if exchange.looks else begin
        for told in take(repository, replace(exchange, push=False), branches):
            app.terminal.note(told)


def both(*orgs: str) -> list[str]:
    """Return the branches of orgs."""
    return [f"{kind}/{org}" for org in orgs for kind in ("snapshots", "journal")]


def _resumed(repository: Repository, config: Config, asked: Asked) -> Meant:
    to = asked.to or only_org(config, "", "--to ORG")
    begin(repository, asked.exchange, (f"journal/{to}",))  # it may have been begun elsewhere
    begun = to_resume(repository, to)
    if begun is None:
        raise UsageError(
            f"no replay into {to} was cut off", "without --resume, name the snapshot: REV --to ORG"
        )
    view = snapshot_view(repository, begun.commit, begun.revision)
    again = replace(
        _with_wishes(asked, replace(begun.wishes, strict=asked.strict)),
        to=to,
        revision=begun.revision,
        kind=begun.kind,
        approved=begun.approved,
    )
    return again, view, _rules(begun.rules)


def _undone(app: App, repository: Repository, config: Config, asked: Asked) -> Meant:
    """Find the run that is taken back, and the snapshot of its org before it."""
    if asked.to:
        find_org(config, asked.to)
    fetch(app, repository, asked.exchange, *both(*([asked.to] if asked.to else config.orgs)))
    found = find_run(repository, asked.undo, asked.to)
    view = snapshot_view(repository, found.before, f"{found.org} before run {found.run[:12]}")
    told = replace(asked, revision=found.before[:12], to=found.org, undo=found.run, kind="restore")
    return told, view, ()


def _rules(texts: Mapping[str, str]) -> tuple[Rule, ...]:
    return tuple(parse_rule(f"{name}.yaml", text.encode()) for name, text in texts.items())


def _with_wishes(asked: Asked, wishes: Wishes) -> Asked:
    """Return what is asked with what an earlier run, or a saved plan, was asked to do."""
    return replace(asked, **{field.name: getattr(wishes, field.name) for field in fields(wishes)})
