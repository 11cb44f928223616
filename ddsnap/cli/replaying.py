"""What ``plan``, ``replay`` and ``restore`` share: their options, the question, what is told."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import click

from ddsnap.cli.context import find_org
from ddsnap.cli.cut_off import warn_of_cut_off
from ddsnap.cli.outlet import ReaderGone
from ddsnap.cli.runs import Overrides, open_run
from ddsnap.cli.supplying import supplies
from ddsnap.errors import DdsnapError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ddsnap.cli.context import App
    from ddsnap.config import Config
    from ddsnap.core.saved_plan import Approved
    from ddsnap.errors import ExitCode
    from ddsnap.flows.plan_file import SavedPlan
    from ddsnap.flows.prepared import Order, Prepared
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
    validate: bool = False
    strict: bool = False
    allow_unmatched: bool = False
    allow_self_lockout: bool = False
    allow_unprotected: bool = False
    secrets_from_source: bool = False
    rehearse: bool = False
    live_source: bool = False
    """Whether ``live:ORG`` will do for the snapshot."""
    idle: tuple[str, ...] = ()
    """The transformations that there are, and that do not apply between these orgs."""
    saved: SavedPlan | None = None
    approved: Approved | None = None
    """Nothing but what it says is carried out."""
    arguments: tuple[str, ...] = ()
    given: Overrides = field(default_factory=Overrides)
    exchange: Exchange = field(default_factory=_alone)
    kind: Literal["replay", "restore"] = "replay"
    undo: str = ""
    """The run that is to be taken back, or the beginning of its id."""
    unmute: bool = False
    resume_tests: bool = False

    def wishes(self) -> Wishes:
        """Return what of it the journal keeps."""
        from ddsnap.flows.wishes import Wishes  # noqa: PLC0415 - slow to import

        return Wishes(**{field.name: getattr(self, field.name) for field in fields(Wishes)})


_Command: TypeAlias = "Callable[..., Any]"


def _let(*names: str) -> Callable[[_Command], _Command]:
    """Let a command take these options; it gets them as a mapping, ``asked``."""

    def let(command: _Command) -> _Command:
        @wraps(command)
        def asking(*args: Any, **others: Any) -> Any:
            asked = {name: others.pop(name) for name in names}
            asked["dependencies"] = not asked.pop("no_dependencies")
            return command(*args, asked=asked, **others)

        taking: _Command = asking
        for name in reversed(names):
            taking = _OPTIONS[name](taking)
        return taking

    return let


def _flag(name: str, told: str) -> Callable[[_Command], _Command]:
    return click.option(name, is_flag=True, help=told)


_OPTIONS: Final[Mapping[str, Callable[[_Command], _Command]]] = {
    "yes": _flag("--yes", "Do not ask."),
    "rehearse": _flag("--rehearse",
                      "Replay into an embedded copy of the org, and say what would fail."),
    "strict": _flag("--strict", "Write nothing if anything moved since the plan was saved."),
    "secrets_from_source": _flag("--secrets-from-source",
                                 "Read secrets that the source shows, and send them on."),
    "transforms": click.option("--transform", "transforms", multiple=True, metavar="NAME",
                               help="Apply this transformation too; more may be given."),
    "no_dependencies": _flag("--no-dependencies", "Leave out what the selection needs."),
    "live": _flag("--live", "Leave monitors and tests as loud as they are at the source."),
    "delete": _flag("--delete", "Delete what ddsnap made there and the snapshot no longer holds."),
    "delete_adopted": _flag("--delete-adopted",
                            "With --delete: also what ddsnap found there and adopted."),
    "max_deletes": click.option("--max-deletes", default="", metavar="N|P%",
                                help="Delete this many at most.  [default: as configured, 20]"),
    "adopt": click.option("--adopt", multiple=True, metavar="TYPE/ID=ID",
                          help="Take this id at the destination for its counterpart."),
    "create_similar": _flag("--create-similar",
                            "Create also what has the title of something else there."),
    "validate": _flag("--validate",
                      "Ask Datadog of each monitor whether it would take it, a request each."),
    "allow_self_lockout": _flag("--allow-self-lockout",
                                "Write policies that shut out the owner of the keys."),
    "allow_unprotected": _flag("--allow-unprotected",
                               "Create also what may be restricted, but was not read as such."),
    "allow_unmatched": _flag("--allow-unmatched",
                             "Go on although a transformation matches nothing."),
}  # fmt: skip
_CARRIED_OUT: Final = ("yes", "rehearse", "strict", "secrets_from_source")

_PLANNED: Final = tuple(name for name in _OPTIONS if name not in _CARRIED_OUT)

PLANNED: Final = frozenset((*_PLANNED, "filters", "names", "tags", "ids"))
"""The options that a plan depends on."""

replay_options = _let(*_OPTIONS)
plan_options = _let(*_PLANNED)
restore_options = _let(
    "yes", "transforms", "no_dependencies", "adopt", "create_similar", "allow_self_lockout",
    "allow_unprotected", "allow_unmatched",
)  # fmt: skip
"""What means something within one org."""


def replay_with(app: App, repository: Repository, config: Config, asked: Asked) -> ExitCode:
    """Carry out what was asked, or rehearse it, and tell it."""
    if asked.rehearse:
        from ddsnap.cli.rehearsing import rehearse_with  # noqa: PLC0415 - needs an extra

        return rehearse_with(app, repository, config, asked)
    from ddsnap.cli.meant import meant, order_of  # noqa: PLC0415 - slow to import
    from ddsnap.cli.render.prepared import tell_plan  # noqa: PLC0415
    from ddsnap.cli.render.replayed import tell  # noqa: PLC0415
    from ddsnap.cli.watch import Bars  # noqa: PLC0415
    from ddsnap.flows.repeating import again  # noqa: PLC0415
    from ddsnap.flows.replay import replay  # noqa: PLC0415
    from ddsnap.flows.replay_result import exit_code  # noqa: PLC0415

    asked, source, rules = meant(app, repository, config, asked)
    org = find_org(config, asked.to)
    with (
        _listened_to(app),
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
            app.terminal.persist()  # what was approved is done, and recorded, whoever listens
            bars.start(f"writing to {org.name}", prepared.writes)
            on = f"`ddsnap replay --resume --to {org.name}` goes on, and doubles nothing"
            app.if_interrupted = f"{on}; if nothing had begun: `{anew}`" if anew else on

        bars.start(f"reading {org.name}", len(order.scope.types))
        anew = again(order, org.name)
        try:
            result = replay(bars.watch(run), order, approve, asked.exchange, show)
        except DdsnapError:
            bars.stop()
            _tell_again(app, repository, order, anew)
            raise
        bars.stop()
        tell(app.terminal, result)
        return exit_code(result)


@contextmanager
def _listened_to(app: App) -> Iterator[None]:
    """Say that nothing was written where the plan finds no reader; afterwards nobody minds."""
    try:
        yield
    except ReaderGone:
        app.terminal.persist()
        raise DdsnapError(
            "nothing was written: the reader of the output has gone",
            "let the plan be read to its end, or send it to a file",
        ) from None


def _tell_again(app: App, repository: Repository, order: Order, command: str) -> None:
    """Tell how the same is asked for where the run has moved what it was asked of, and ended."""
    org = order.source.manifest.org.name
    tip = repository.branch(f"snapshots/{org}")
    if command and order.revision == org and tip != order.source.commit:
        app.terminal.note(f"again: {command}")


def plan_with(app: App, repository: Repository, config: Config, asked: Asked) -> Prepared:
    """Plan what was asked, as a replay would, on what the destination holds now."""
    from ddsnap.cli.meant import meant, order_of  # noqa: PLC0415 - slow to import
    from ddsnap.cli.watch import Bars  # noqa: PLC0415
    from ddsnap.flows.preview import preview  # noqa: PLC0415

    asked, source, rules = meant(app, repository, config, asked)
    org = find_org(config, asked.to)
    warn_of_cut_off(app, repository, org.name)
    with (
        supplies(app, repository, config, asked, source) as supply,
        open_run(app, repository, config, org, given=asked.given) as run,
        Bars(app.terminal) as bars,
    ):
        order = order_of(app, config, asked, source, rules, supply=supply)
        bars.start(f"reading {org.name}", len(order.scope.types))
        return preview(bars.watch(run), order, asked.exchange)


def _approve(app: App, prepared: Prepared, *, yes: bool) -> None:
    """Ask; raises ``Refused`` unless it shall be carried out."""
    from ddsnap.cli.render.plan import counted  # noqa: PLC0415 - slow to import

    terminal = app.terminal
    if yes or not prepared.writes:
        return
    if terminal.json or not (terminal.interactive and sys.stdin.isatty()):
        raise Refused(
            "nothing was written: the replay was not confirmed",
            "look at the plan, which -q does not show, then add --yes"
            if terminal.verbosity < 0
            else "look at the plan above, then add --yes",
        )
    told = counted(prepared.plan, prepared.moved)
    if not _confirmed(app, f"Write this to {prepared.run.org} ({told})?"):
        raise Refused("nothing was written")


def _confirmed(app: App, question: str) -> bool:
    """Ask; who answers with Ctrl-C or Ctrl-D is told so on a line of its own."""
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort:
        app.terminal.stderr.write("\n")
        raise
