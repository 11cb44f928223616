"""What a command does with the remote: its options, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.config import Config
    from ddsnap.flows.sync import Exchange
    from ddsnap.store.repository import Repository

_USUAL: Final = "origin"


def exchange_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take ``--push`` and ``--offline``, for :func:`exchange_of`."""
    told = "Push the branches of the orgs to the remote; in a replay, also the source's."
    return click.option("--push", is_flag=True, help=told)(offline_option(command))


def offline_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command that pushes nothing take ``--offline``."""
    told = "Leave the remote alone; otherwise a run fetches from it first."
    return click.option("--offline", is_flag=True, help=told)(command)


def exchange_of(
    repository: Repository,
    config: Config,
    *,
    push: bool = False,
    offline: bool,
    looks: bool = False,
) -> Exchange:
    """Return what to do with the remote that ``ddsnap.yaml`` names, or with none.

    What only ``looks`` at it moves no branch here. Raises ``UsageError`` where what was asked for
    needs a remote and git knows none.
    """
    from ddsnap.flows.sync import Exchange  # noqa: PLC0415 - slow to import
    from ddsnap.store.remote import find_remote  # noqa: PLC0415

    if push and offline:
        raise UsageError("--push and --offline exclude each other", "leave one of them out")
    remote = find_remote(repository, config.remote)
    if remote is None and (push or config.remote != _USUAL):
        raise UsageError(
            f"git knows no remote called '{config.remote}' here",
            f"git remote add {config.remote} URL, or name another under 'remote:'",
        )
    return Exchange(remote, push, offline, looks)
