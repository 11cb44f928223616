"""``ddsnap init``: a repository, its first ``ddsnap.yaml``, its first commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ddsnap.config import template, variable

if TYPE_CHECKING:
    from ddsnap.cli.context import App


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--org", metavar="NAME", default="us1", show_default=True, help="Name of the org.")
@click.option(
    "--site",
    metavar="SITE",
    help="Its Datadog site, or the address of its API.  [default: by the org's name, else us1's]",
)
@click.pass_obj
def init(app: App, directory: Path | None, org: str, site: str | None) -> None:
    """Make a repository with a commented ddsnap.yaml, and commit it.

    \b
    ddsnap init backup --org eu1 --site datadoghq.eu
    """
    from ddsnap.cli.context import CONFIG_FILE  # noqa: PLC0415 - with what follows
    from ddsnap.store.repository import Repository  # noqa: PLC0415 - slow to import

    folder = app.directory / directory if directory else app.directory
    files = {CONFIG_FILE: template(org, _site(org, site))}
    with Repository.init(folder, files, f"Start with {CONFIG_FILE}") as repository:
        path = repository.path / CONFIG_FILE
    app.terminal.event("initialized", directory=str(folder), config=str(path), org=org)
    keys = " and ".join(variable(org, key) for key in ("api_key", "app_key"))
    app.terminal.line(f"Made {path}")
    app.terminal.line(f"Next: set {keys}, then run 'ddsnap capture' there.")


def _site(org: str, site: str | None) -> str:
    """Return the site, or the address where one is given, that the file is to name."""
    from ddsnap.api.hosts import SITES, api_url, find_site, host_of  # noqa: PLC0415

    if site is None:
        return (find_site(org) or SITES[0]).site
    if "://" in site:
        host_of(site)
        return site.rstrip("/")
    known = find_site(site)
    if known is None:
        api_url(site)
    return known.site if known else site
