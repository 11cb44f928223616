"""``ddsnap restore``: bring back what an org has lost, or how it was."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ddsnap.cli.exchange import exchange_of, exchange_options
from ddsnap.cli.replaying import Asked, replay_with, restore_options
from ddsnap.cli.runs import arguments_of, connection_options, overrides
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.errors import ExitCode
    from ddsnap.store.repository import Repository


@click.command()
@click.argument("revision", metavar="REV|ORG")
@click.argument("words", nargs=-1, required=True, metavar="TYPE[/ID]...")
@restore_options
@exchange_options
@connection_options
@click.pass_context
def restore(
    context: click.Context,
    /,
    *,
    revision: str,
    words: tuple[str, ...],
    push: bool,
    offline: bool,
    asked: dict[str, Any],
    **connection: Any,
) -> ExitCode:
    """Write what the snapshot REV holds to the org that it came from.

    With the name of an ORG, the last of its snapshots is taken that still held the resource: so
    what was deleted comes back. What it needs comes back with it where that is gone too; what is
    still there stays as it is. What gets a new id is pointed at again by all that knew the old.
    A resource is named by its id or its exact title.

    \b
    ddsnap restore us1 'dashboards/Web overview'
    ddsnap restore us1@yesterday monitors/123
    """
    from ddsnap.cli.meant import both, fetch  # noqa: PLC0415 - slow to import

    app: App = context.obj
    with app.open() as repository:
        config = app.config(repository)
        exchange = exchange_of(repository, config, push=push, offline=offline)
        if revision in config.orgs:
            fetch(app, repository, exchange, *both(revision))
        meant = _meant(repository, revision, words)
        order = Asked(
            meant.revision,
            meant.words,
            (),
            "",
            arguments=arguments_of(context),
            given=overrides(**connection),
            exchange=exchange,
            kind="restore",
            **asked,
        )
        return replay_with(app, repository, config, order)


@dataclass(frozen=True)
class _Meant:
    """Which snapshot is restored from, and what of it."""

    revision: str
    words: tuple[str, ...]


def _meant(repository: Repository, revision: str, words: tuple[str, ...]) -> _Meant:
    """Find the last snapshot that held all of it, where only an org is named."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows.last_seen import last_seen  # noqa: PLC0415
    from ddsnap.flows.repeating import left_open  # noqa: PLC0415

    if repository.branch(f"snapshots/{revision}") is None:
        return _Meant(revision, words)
    tip = repository.branch(f"snapshots/{revision}")
    found = [last_seen(repository, revision, word, CATALOG) for word in words if "/" in word]
    types = tuple(word for word in words if "/" not in word)
    named = tuple(dict.fromkeys((*types, *(str(one.address) for one in found))))
    if left_open(repository, revision, named):  # what came back already was seen later
        return _Meant(revision, named)
    commits: dict[str, list[str]] = {}
    for one in found:
        commits.setdefault(one.commit, []).append(str(one.address))
    if types and tip:
        commits.setdefault(tip, []).extend(types)
    if len(commits) > 1:
        told = "; ".join(shlex.join(("ddsnap", "restore", c[:12], *n)) for c, n in commits.items())
        raise UsageError(
            "no single snapshot was the last to hold all of them", f"restore one by one: {told}"
        )
    commit = next(iter(commits))
    return _Meant(revision if commit == tip else commit[:12], named)
