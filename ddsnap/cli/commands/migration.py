"""``ddsnap migration``: after a replay into another org: is it quiet still, and let it be heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ddsnap.cli.exchange import exchange_of, exchange_options
from ddsnap.cli.replaying import Asked, replay_with
from ddsnap.cli.runs import arguments_of, connection_options, overrides
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.errors import ExitCode


@click.group(no_args_is_help=False)
def migration() -> None:
    """End a migration: let be heard what a replay has made and silenced.

    Between two orgs a replay is quiet: new monitors carry the tag migration:true, which a downtime
    silences, and new tests are paused.

    \b
    ddsnap migration unmute --to eu1
    """


@migration.command()
@click.option(
    "--to", metavar="ORG", help="The org to unmute.  [default: the only one that was replayed into]"
)
@click.option("--resume-tests", is_flag=True,
              help="Have the tests run as they do at their source.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@exchange_options
@connection_options
@click.pass_context
def unmute(
    context: click.Context,
    /,
    *,
    to: str | None,
    resume_tests: bool,
    yes: bool,
    push: bool,
    offline: bool,
    **connection: Any,
) -> ExitCode:
    """Take the tag off the monitors that ddsnap has made, and cancel the downtime.

    Whatever else carries the tag keeps it. Tests stay paused unless --resume-tests is given. It is
    a run like any replay: recorded, and taken back by `ddsnap replay --undo`.

    \b
    ddsnap migration unmute --to eu1
    ddsnap migration unmute --to eu1 --resume-tests --yes
    """
    from ddsnap.cli.meant import both, fetch  # noqa: PLC0415 - slow to import
    from ddsnap.flows.past_replays import replayed_into  # noqa: PLC0415

    app: App = context.obj
    with app.open() as repository:
        config = app.config(repository)
        exchange = exchange_of(repository, config, push=push, offline=offline)
        fetch(app, repository, exchange, *both(*([to] if to else config.orgs)))
        known = [to] if to else replayed_into(repository)
        if len(known) != 1:
            told = ", ".join(known) or "none"
            raise UsageError("which org is meant?", f"name it with --to; replayed into: {told}")
        order = Asked(
            known[0],
            (),
            (),
            known[0],
            yes=yes,
            unmute=True,
            resume_tests=resume_tests,
            arguments=arguments_of(context),
            given=overrides(**connection),
            exchange=exchange,
            kind="restore",
        )
        return replay_with(app, repository, config, order)
