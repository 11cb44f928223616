"""What ``replay`` and ``restore`` share: their options, the order, the question, what is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

import click

from ddsnap.cli.context import find_org
from ddsnap.cli.runs import Overrides, open_run, scope_of
from ddsnap.cli.supplying import supplies
from ddsnap.errors import ExitCode, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.cli.context import App
    from ddsnap.cli.supplying import Supply
    from ddsnap.config import Config
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.prepare import Order, Prepared
    from ddsnap.flows.sync import Exchange
    from ddsnap.flows.view import View
    from ddsnap.flows.wishes import Wishes
    from ddsnap.store.repository import Repository


def _alone() -> Exchange:
    from ddsnap.flows.sync import ALONE  # noqa: PLC0415 - slow to import

    return ALONE


@dataclass(frozen=True)
class Asked:
    """A replay as the command line asks for it."""

    revision: str
    words: tuple[str, ...]
    filters: tuple[str, ...]
    to: str
    resume: bool = False
    yes: bool = False
    transforms: tuple[str, ...] = ()
    adopt: tuple[str, ...] = ()
    dependencies: bool = True
    live: bool = False
    delete: bool = False
    delete_adopted: bool = False
    max_deletes: str = ""
    create_similar: bool = False
    strict: bool = False
    allow_unmatched: bool = False
    allow_self_lockout: bool = False
    secrets_from_source: bool = False
    saved: JSONObject | None = None
    arguments: tuple[str, ...] = ()
    given: Overrides = field(default_factory=Overrides)
    exchange: Exchange = field(default_factory=_alone)
    kind: Literal["replay", "restore"] = "replay"

    def wishes(self) -> Wishes:
        """Return what of it the journal keeps."""
        from ddsnap.flows.wishes import Wishes  # noqa: PLC0415 - slow to import

        return Wishes(
            self.words,
            self.filters,
            self.transforms,
            self.adopt,
            self.dependencies,
            self.live,
            self.delete,
            self.delete_adopted,
            self.max_deletes,
            self.create_similar,
            self.strict,
            self.allow_unmatched,
            self.allow_self_lockout,
        )


def replay_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take the options of a replay; it gets them as a mapping, ``asked``."""

    @wraps(command)
    def asking(*args: Any, no_dependencies: bool, **others: Any) -> Any:
        asked = {name: others.pop(name) for name in _NAMES}
        asked["dependencies"] = not no_dependencies
        return command(*args, asked=asked, **others)

    for option in (
        click.option("--strict", is_flag=True,
                     help="Write nothing if anything moved since the plan was made."),
        click.option("--allow-unmatched", is_flag=True,
                     help="Go on although a transformation matches nothing."),
        click.option("--secrets-from-source", is_flag=True,
                     help="Read secrets that the source shows, and send them on."),
        click.option("--allow-self-lockout", is_flag=True,
                     help="Write policies that shut out the owner of the keys."),
        click.option("--create-similar", is_flag=True,
                     help="Create what has the title of something else there, beside it."),
        click.option("--adopt", multiple=True, metavar="TYPE/ID=ID",
                     help="Take this one at the destination for its counterpart."),
        click.option("--max-deletes", default="", metavar="N|P%",
                     help="Delete so many at most.  [default: as configured, 20]"),
        click.option("--delete-adopted", is_flag=True,
                     help="With --delete: also what ddsnap found there and adopted."),
        click.option("--delete", is_flag=True,
                     help="Delete what ddsnap made there and the snapshot no longer holds."),
        click.option("--live", is_flag=True,
                     help="Leave monitors and tests as loud as they are at the source."),
        click.option("--no-dependencies", is_flag=True,
                     help="Leave out what the selection needs."),
        click.option("--transform", "transforms", multiple=True, metavar="NAME",
                     help="Apply this transformation too; more may be given."),
        click.option("--yes", is_flag=True, help="Do not ask."),
    ):  # fmt: skip
        asking = option(asking)
    return asking


_NAMES = (
    "yes", "transforms", "adopt", "live", "delete", "delete_adopted", "max_deletes",
    "create_similar", "strict", "allow_unmatched", "allow_self_lockout", "secrets_from_source",
)  # fmt: skip


def replay_with(app: App, repository: Repository, config: Config, asked: Asked) -> ExitCode:
    """Carry out what was asked, and tell it."""
    from ddsnap.cli.render.replayed import tell  # noqa: PLC0415 - with what follows
    from ddsnap.flows.replay import exit_code, replay  # noqa: PLC0415 - slow to import

    asked, source, rules = _meant(app, repository, config, asked)
    org = find_org(config, asked.to)
    app.if_interrupted = f"`ddsnap replay --resume --to {org.name}` goes on, and doubles nothing"
    with (
        supplies(app, repository, config, asked, source) as supply,
        open_run(app, repository, config, org, arguments=asked.arguments, given=asked.given) as run,
    ):
        order = _order(app, config, asked, source, rules, supply=supply)
        result = replay(run, order, lambda made: _approve(app, made, yes=asked.yes), asked.exchange)
        tell(app.terminal, result)
        return exit_code(result)


def _meant(
    app: App, repository: Repository, config: Config, asked: Asked
) -> tuple[Asked, View, tuple[Rule, ...]]:
    """Find the snapshot and the rules: as asked, or as the replay that is resumed had them."""
    from ddsnap.cli.states import only_org  # noqa: PLC0415 - slow to import
    from ddsnap.config.transforms import applying  # noqa: PLC0415
    from ddsnap.flows.revisions import find_snapshot  # noqa: PLC0415
    from ddsnap.flows.view import snapshot_view  # noqa: PLC0415

    if not asked.revision:
        return _resumed(repository, config, asked)
    if asked.revision.startswith("live:"):
        raise UsageError(
            "a replay takes what was captured: a live state is not recorded",
            f"capture it first: ddsnap capture {asked.revision.removeprefix('live:')}",
        )
    found = find_snapshot(repository, asked.revision)
    source = snapshot_view(repository, found.commit, asked.revision)
    org = source.manifest.org.name
    to = asked.to or (org if asked.kind == "restore" else only_org(config, org, "--to ORG"))
    rules = applying(
        app.rules(repository),
        config.replay.transforms,
        org,
        to,
        asked.transforms,
        same_org=org == to,
        file=config.file,
    )
    return replace(asked, to=to), source, rules


def _resumed(
    repository: Repository, config: Config, asked: Asked
) -> tuple[Asked, View, tuple[Rule, ...]]:
    from ddsnap.cli.states import only_org  # noqa: PLC0415 - slow to import
    from ddsnap.config.transforms import parse_rule  # noqa: PLC0415
    from ddsnap.flows.takeover import unfinished  # noqa: PLC0415
    from ddsnap.flows.view import snapshot_view  # noqa: PLC0415

    to = asked.to or only_org(config, "", "--to ORG")
    left = unfinished(repository, to)
    if left is None:
        raise UsageError(
            f"no replay into {to} was cut off", "without --resume, name the snapshot: REV --to ORG"
        )
    begun = left.order()
    rules = tuple(parse_rule(f"{name}.yaml", text.encode()) for name, text in begun.rules.items())
    view = snapshot_view(repository, begun.commit, begun.revision)
    wishes = begun.wishes
    words, filters = wishes.words, wishes.filters
    again = replace(
        asked,
        to=to,
        revision=begun.revision,
        words=words,
        filters=filters,
        transforms=wishes.transforms,
        adopt=wishes.adopt,
        dependencies=wishes.dependencies,
        live=wishes.live,
        delete=wishes.delete,
        delete_adopted=wishes.delete_adopted,
        max_deletes=wishes.max_deletes,
        create_similar=wishes.create_similar,
        allow_unmatched=wishes.allow_unmatched,
        allow_self_lockout=wishes.allow_self_lockout,
        kind=begun.kind,
    )
    return again, view, rules


def _order(
    app: App, config: Config, asked: Asked, source: View, rules: tuple[Rule, ...], *, supply: Supply
) -> Order:
    from ddsnap.config import parse_limit  # noqa: PLC0415 - slow to import
    from ddsnap.flows.prepare import Order  # noqa: PLC0415
    from ddsnap.flows.read_org import Scope  # noqa: PLC0415
    from ddsnap.flows.worker_keys import keys_folder  # noqa: PLC0415

    whole = scope_of(config)
    # What the configured filters leave out may be there all the same: a replay must know.
    scope = Scope(whole.types, full_every=whole.full_every)
    return Order(
        source,
        asked.revision,
        asked.wishes(),
        scope,
        rules,
        supply,
        parse_limit(asked.max_deletes) if asked.max_deletes else config.replay.max_deletes,
        keys_folder=lambda: keys_folder(app.env, asked.to),
        saved=asked.saved,
        kind=asked.kind,
        resume=asked.resume,
    )


def _approve(app: App, prepared: Prepared, *, yes: bool) -> None:
    """Show the plan and ask; raises ``Refused`` unless it shall be carried out."""
    from ddsnap.cli.render.replayed import tell_plan  # noqa: PLC0415 - slow to import

    terminal = app.terminal
    tell_plan(terminal, prepared)
    if yes or not any(action.writes for action in prepared.plan.actions):
        return
    hint = "look at the plan above, then add --yes"
    if not terminal.interactive or terminal.json:
        raise Refused("nothing was written: the replay was not confirmed", hint)
    org = prepared.run.org
    if not click.confirm(f"Write this to {org}?", default=False, err=True):
        raise Refused("nothing was written", "")
