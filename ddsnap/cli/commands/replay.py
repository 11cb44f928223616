"""``ddsnap replay``: bring an org to what a snapshot holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddsnap.cli.exchange import exchange_of, exchange_options
from ddsnap.cli.options import selection_options
from ddsnap.cli.replaying import PLANNED, Asked, replay_options, replay_with
from ddsnap.cli.runs import (
    arguments_of,
    connection_options,
    destination_keys,
    options_given,
    overrides,
)
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.core.select import Selection
    from ddsnap.errors import ExitCode
    from ddsnap.flows.plan_file import SavedPlan


def _run_named(context: click.Context, _: click.Parameter, value: str) -> str:
    """Refuse an option in the place of the run: click takes whatever comes next."""
    if value.startswith("-") and not context.resilient_parsing:
        raise UsageError("--undo needs the RUN", "`ddsnap log --runs ORG` lists them by their ids")
    return value


@click.command()
@click.argument("revision", metavar="[REV]", required=False)
@click.argument("words", nargs=-1, metavar="[TYPE[/ID]]...")
@click.option("--to", metavar="ORG", help="The org to write to.  [default: the only other org]")
@click.option("--resume", is_flag=True,
              help="Go on with the replay into the org that did not come to its end.")  # fmt: skip
@click.option("--undo", default="", metavar="RUN", callback=_run_named,
              help="Take back what this run did, as far as nobody touched it since; what nothing"
                   " brings back only of types that are named.")  # fmt: skip
@click.option("--plan", "plan_file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              metavar="FILE",
              help="Carry out what `ddsnap plan --out FILE` saved, and nothing else.")  # fmt: skip
@replay_options
@selection_options
@destination_keys
@exchange_options
@connection_options
@click.pass_context
def replay(
    context: click.Context,
    /,
    *,
    revision: str | None,
    words: tuple[str, ...],
    to: str | None,
    resume: bool,
    undo: str,
    plan_file: Path | None,
    selection: Selection,
    push: bool,
    offline: bool,
    asked: dict[str, Any],
    **connection: Any,
) -> ExitCode:
    """Write to an org what the snapshot REV holds: what is missing, and what differs.

    The plan is shown first. Between two orgs new monitors are muted and new tests paused unless
    --live is given. Nothing is deleted without --delete. What was done is recorded in the branch
    journal/ORG; doing it again writes nothing.

    \b
    ddsnap replay us1 --to eu1
    ddsnap replay us1@yesterday 'dashboards/Web overview' --to us1
    ddsnap replay --resume --to eu1
    ddsnap replay --plan plan.json
    ddsnap replay --undo 3f2a --to eu1
    ddsnap replay --undo 3f2a logs_indexes --to eu1
    """
    app: App = context.obj
    if plan_file is not None and resume:
        raise UsageError("--plan and --resume exclude each other", "leave one of them out")
    if asked["rehearse"] and resume:
        raise UsageError("--rehearse and --resume exclude each other", "leave one of them out")
    if undo:
        words, revision = tuple(word for word in (revision, *words) if word), None
        _refuse_more(words, resume=resume, others=[*selection.describe(), *_given(asked)])
    elif revision is None and not resume and plan_file is None:
        raise UsageError("REV is missing", "name an org, for its last snapshot, or a git revision")
    elif resume and revision is None:
        _refuse_anew(options_given(context, PLANNED), to or "ORG")
    with app.open() as repository:
        config = app.config(repository)
        exchange = exchange_of(repository, config, push=push, offline=offline)
        order = Asked(
            revision or "",
            words,
            selection.describe(),
            to or "",
            resume=resume,
            undo=undo,
            saved=_read(plan_file),
            arguments=arguments_of(context),
            given=overrides(**connection),
            exchange=exchange,
            **asked,
        )
        return replay_with(app, repository, config, order)


def _given(asked: dict[str, Any]) -> list[str]:
    """The options that say what is replayed, and how: an undo has no use for them."""
    allowed = ("yes", "dependencies", "allow_self_lockout", "rehearse", "strict")
    return [f"--{name.replace('_', '-')}" for name, value in asked.items()
            if value and name not in allowed]  # fmt: skip


def _refuse_more(words: tuple[str, ...], *, resume: bool, others: list[str]) -> None:
    """Refuse what an undo has no use for. Types consent to what nothing brings back."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import

    foreign = [word for word in words if word not in CATALOG]
    extra = [*foreign, *(["--resume"] if resume else []), *others]
    if extra:
        raise UsageError(
            f"--undo takes a run back as a whole, so leave out {extra[0]}",
            "for single resources: ddsnap restore REV TYPE/ID",
        )


def _refuse_anew(given: list[str], to: str) -> None:
    """Refuse what would make another plan of the run that is gone on with."""
    if given:
        raise UsageError(
            f"--resume goes on as the run was begun: leave out {', '.join(given)}",
            f"what is to be replayed otherwise is named again: REV --to {to} --resume",
        )


def _read(plan_file: Path | None) -> SavedPlan | None:
    if plan_file is None:
        return None
    from ddsnap.flows.plan_file import read_saved  # noqa: PLC0415 - slow to import

    try:
        data = plan_file.read_bytes()
    except OSError as error:
        raise UsageError(f"{plan_file} cannot be read: {error.strerror}") from None
    return read_saved(data, str(plan_file))
