"""Options that more than one command takes, each defined once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ddsnap.cli.context import App


def _directory(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        _app(context).directory = value


def _json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        _app(context).terminal.json = True


def _verbose(context: click.Context, _: click.Parameter, value: int) -> None:
    if value:
        _app(context).terminal.verbosity = value


def _quiet(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        _app(context).terminal.verbosity = -1


def _no_colour(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        _app(context).terminal.colour = False


def _app(context: click.Context) -> App:
    app: App = context.obj
    return app


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """Return the options of every command, which are good before its name and after it."""
    return [
        click.Option(
            ["-C", "global_directory"],
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            metavar="DIR",
            help="Work in the repository there (or DDSNAP_REPO).",
            callback=_directory,
            expose_value=False,
            hidden=hidden,
        ),
        click.Option(
            ["--json", "global_json"],
            is_flag=True,
            help="NDJSON events on standard output, everything else on standard error.",
            callback=_json,
            expose_value=False,
            hidden=hidden,
        ),
        click.Option(
            ["-v", "--verbose", "global_verbose"],
            count=True,
            help="Say more.",
            callback=_verbose,
            expose_value=False,
            hidden=hidden,
        ),
        click.Option(
            ["-q", "--quiet", "global_quiet"],
            is_flag=True,
            help="Say only results, warnings and errors.",
            callback=_quiet,
            expose_value=False,
            hidden=hidden,
        ),
        click.Option(
            ["--no-color", "global_no_color"],
            is_flag=True,
            help="No colours (or NO_COLOR).",
            callback=_no_colour,
            expose_value=False,
            hidden=hidden,
        ),
    ]
