"""Options that more than one command takes, each defined once."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ddsnap.cli.context import App
    from ddsnap.core.select import Selection


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
            help="Work in this repository (or set DDSNAP_REPO).",
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
            help="No colours (or set NO_COLOR).",
            callback=_no_colour,
            expose_value=False,
            hidden=hidden,
        ),
    ]


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take filters; it gets them as one ``Selection``, named ``selection``.

    A resource is selected when any one of the filters on its type holds.
    """

    @wraps(command)
    def selecting(
        *args: Any,
        filters: tuple[str, ...],
        names: tuple[str, ...],
        tags: tuple[str, ...],
        ids: tuple[str, ...],
        **others: Any,
    ) -> Any:
        return command(*args, selection=_selection(filters, names, tags, ids), **others)

    for option in (
        click.option("--id", "ids", multiple=True, metavar="ID",
                     help="Also select the resources of this id; more may be given."),
        click.option("--tag", "tags", multiple=True, metavar="TAG",
                     help="Also select what carries exactly this tag."),
        click.option("--name", "names", multiple=True, metavar="REGEX",
                     help="Also select what has this in its title."),
        click.option("--filter", "filters", multiple=True, metavar="FILTER",
                     help="Select from a type: TYPE:JSONPATH, or Type=...;Name=...;Value=...;"
                          "Operator=.... To pass one of --filter, --name, --tag and --id is"
                          " enough."),
    ):  # fmt: skip
        selecting = option(selecting)
    return selecting


def _selection(
    filters: Iterable[str], names: Iterable[str], tags: Iterable[str], ids: Iterable[str]
) -> Selection:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.core import select  # noqa: PLC0415

    read = (
        *(select.parse_filter(text, CATALOG) for text in filters),
        *(select.name_filter(regex) for regex in names),
        *(select.tag_filter(tag) for tag in tags),
        *(select.id_filter(id_) for id_ in ids),
    )
    return select.Selection(read)
