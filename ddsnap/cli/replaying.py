"""What ``plan``, ``replay`` and ``restore`` share: their options, the question, what is told."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

import click

from ddsnap.cli.context import find_org
from ddsnap.cli.runs import Overrides, open_run
from ddsnap.cli.supplying import supplies
from ddsnap.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.cli.context import App
    from ddsnap.config import Config
    from ddsnap.errors import ExitCode
    from ddsnap.flows.plan_file import SavedPlan
    from ddsnap.flows.prepare import Prepared
    from ddsnap.flows.sync import Exchange
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
    rehearse: bool = False
    live_source: bool = False
    """Whether ``live:ORG`` will do for the snapshot."""
    saved: SavedPlan | None = None
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


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take what a plan depends on; it gets that as a mapping, ``asked``."""

    @wraps(command)
    def asking(*args: Any, no_dependencies: bool, **others: Any) -> Any:
        asked = others.pop("asked", {}) | {name: others.pop(name) for name in _PLANNED}
        asked["dependencies"] = not no_dependencies
        return command(*args, asked=asked, **others)

    for option in (
        click.option("--allow-unmatched", is_flag=True,
                     help="Go on although a transformation matches nothing."),
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
    ):  # fmt: skip
        asking = option(asking)
    return asking


def replay_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take the options of a replay; it gets them as a mapping, ``asked``."""

    @wraps(command)
    def asking(*args: Any, **others: Any) -> Any:
        asked = {name: others.pop(name) for name in _CARRIED_OUT}
        return planned(*args, asked=asked, **others)

    planned = plan_options(command)
    for option in (
        click.option("--secrets-from-source", is_flag=True,
                     help="Read secrets that the source shows, and send them on."),
        click.option("--strict", is_flag=True,
                     help="Write nothing if anything moved since the plan was saved."),
        click.option("--rehearse", is_flag=True,
                     help="Replay into an embedded copy of the org, and say what would fail."),
        click.option("--yes", is_flag=True, help="Do not ask."),
    ):  # fmt: skip
        asking = option(asking)
    return asking


_PLANNED = (
    "transforms", "adopt", "live", "delete", "delete_adopted", "max_deletes", "create_similar",
    "allow_unmatched", "allow_self_lockout",
)  # fmt: skip
_CARRIED_OUT = ("yes", "rehearse", "strict", "secrets_from_source")


def replay_with(app: App, repository: Repository, config: Config, asked: Asked) -> ExitCode:
    """Carry out what was asked, and tell it."""
    from ddsnap.cli.meant import meant, order_of  # noqa: PLC0415 - slow to import
    from ddsnap.cli.render.prepared import tell_plan  # noqa: PLC0415
    from ddsnap.cli.render.replayed import tell  # noqa: PLC0415
    from ddsnap.cli.watch import Bars  # noqa: PLC0415
    from ddsnap.flows.replay import exit_code, replay  # noqa: PLC0415

    asked, source, rules = meant(app, repository, config, asked)
    org = find_org(config, asked.to)
    with (
        supplies(app, repository, config, asked, source) as supply,
        open_run(app, repository, config, org, arguments=asked.arguments, given=asked.given) as run,
        Bars(app.terminal) as bars,
    ):
        order = order_of(app, config, asked, source, rules, supply=supply)

        def show(prepared: Prepared) -> None:
            bars.stop()
            tell_plan(app.terminal, prepared)

        def approve(prepared: Prepared) -> None:
            _approve(app, prepared, yes=asked.yes)
            bars.start(f"writing to {org.name}", prepared.writes)
            again = f"`ddsnap replay --resume --to {org.name}`"
            app.if_interrupted = f"{again} goes on, and doubles nothing"

        bars.start(f"reading {org.name}", len(order.scope.types))
        result = replay(bars.watch(run), order, approve, asked.exchange, show)
        bars.stop()
        tell(app.terminal, result)
        return exit_code(result)


def plan_with(app: App, repository: Repository, config: Config, asked: Asked) -> Prepared:
    """Plan what was asked, as a replay would, on what the destination holds now."""
    from ddsnap.cli.meant import meant, order_of  # noqa: PLC0415 - slow to import
    from ddsnap.cli.watch import Bars  # noqa: PLC0415
    from ddsnap.flows.preview import preview  # noqa: PLC0415

    asked, source, rules = meant(app, repository, config, asked)
    org = find_org(config, asked.to)
    with (
        supplies(app, repository, config, asked, source) as supply,
        open_run(app, repository, config, org, given=asked.given) as run,
        Bars(app.terminal) as bars,
    ):
        order = order_of(app, config, asked, source, rules, supply=supply)
        bars.start(f"reading {org.name}", len(order.scope.types))
        return preview(bars.watch(run), order)


def _approve(app: App, prepared: Prepared, *, yes: bool) -> None:
    """Ask; raises ``Refused`` unless it shall be carried out."""
    terminal = app.terminal
    if yes or not prepared.writes:
        return
    if terminal.json or not (terminal.interactive and sys.stdin.isatty()):
        raise Refused(
            "nothing was written: the replay was not confirmed",
            "look at the plan above, then add --yes",
        )
    if not click.confirm(f"Write this to {prepared.run.org}?", default=False, err=True):
        raise Refused("nothing was written")
