"""``ddsnap sandbox``: the embedded Datadog, for as long as it is wanted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from ddsnap.config import check_org_name, variable
from ddsnap.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; any by default.")
@click.option("--org", "orgs", multiple=True, default=("us1",), show_default=True, metavar="NAME",
              help="An org of this name; may be given more than once.")  # fmt: skip
@click.option("--seed", type=int, metavar="N", help="Fill each org, the same for the same seed.")
@click.option("--size", type=click.IntRange(1), default=100, show_default=True,
              help="About how many resources a seed makes.")  # fmt: skip
@click.pass_obj
def sandbox(app: App, port: int, orgs: tuple[str, ...], seed: int | None, size: int) -> ExitCode:
    """Run the embedded Datadog on the loopback interface until Ctrl-C.

    \b
    ddsnap sandbox --org us1 --org eu1 --seed 1
    """
    from ddsnap.sandbox import Sandbox  # noqa: PLC0415 - an extra

    server = Sandbox(port=port)
    for name in dict.fromkeys(map(check_org_name, orgs)):
        server.add_org(name, seed=seed, size=size)
    try:
        server.start()
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error}", "leave --port out") from None
    try:
        for org in server.orgs.values():
            _introduce(app, org.name, server.url, org.api_key, org.app_key)
        app.terminal.note("Ctrl-C ends it.")
        threading.Event().wait()
    except KeyboardInterrupt:
        app.terminal.note("stopped")
    finally:
        server.stop()
    return ExitCode.DONE


def _introduce(app: App, org: str, url: str, api_key: str, app_key: str) -> None:
    """Tell how to reach an org; its keys are invented and open nothing else."""
    if app.terminal.json:
        app.terminal.event("org", name=org, api_url=url, api_key=api_key, app_key=app_key)
        return
    app.terminal.line(f"# ddsnap.yaml: orgs: {{{org}: {{api_url: '{url}'}}}}")
    app.terminal.line(f"export {variable(org, 'api_key')}={api_key}")
    app.terminal.line(f"export {variable(org, 'app_key')}={app_key}")
