"""``ddsnap sandbox``: the embedded Datadog, for as long as it is wanted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from ddsnap.config import check_org_name, variable
from ddsnap.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.core.values import Document
    from ddsnap.sandbox import Sandbox


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; any by default.")
@click.option("--org", "orgs", multiple=True, metavar="NAME",
              help="An org of this name; may be given more than once.  [default: us1, or the"
                   " snapshot's]")  # fmt: skip
@click.option("--seed", type=int, metavar="N", help="Fill each org, the same for the same seed.")
@click.option("--size", type=click.IntRange(1), default=100, show_default=True,
              help="About how many resources a seed makes.")  # fmt: skip
@click.option("--from", "revision", metavar="REV",
              help="Fill each org with this snapshot; secrets become placeholders.")  # fmt: skip
@click.pass_obj
def sandbox(
    app: App,
    /,
    *,
    port: int,
    orgs: tuple[str, ...],
    seed: int | None,
    size: int,
    revision: str | None,
) -> ExitCode:
    """Run the embedded Datadog on the loopback interface until Ctrl-C.

    \b
    ddsnap sandbox --org us1 --org eu1 --seed 1
    ddsnap sandbox --from us1~3
    """
    from ddsnap.sandbox import Sandbox  # noqa: PLC0415 - an extra

    if revision is not None and seed is not None:
        raise UsageError("--from and --seed both say what the orgs hold", "leave one of them out")
    server = Sandbox(port=port)
    if revision is not None:
        _add_from(app, server, revision, orgs)
    else:
        for name in dict.fromkeys(map(check_org_name, orgs or ("us1",))):
            server.add_org(name, seed=seed, size=size)
    _start(server, port)
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


def _start(server: Sandbox, port: int) -> None:
    try:
        server.start()
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error}", "leave --port out") from None


def _add_from(app: App, server: Sandbox, revision: str, names: tuple[str, ...]) -> None:
    """Add orgs that hold a snapshot; the one of its own name can stand in for the real one."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows.revisions import find_snapshot  # noqa: PLC0415
    from ddsnap.flows.view import snapshot_view  # noqa: PLC0415

    with app.open() as repository:
        view = snapshot_view(repository, find_snapshot(repository, revision).commit, revision)
        documents = [_typed(document) for document in view.documents(CATALOG)]
    ours = view.manifest.org
    for name in dict.fromkeys(map(check_org_name, names or (ours.name,))):
        org = server.add_org(name)
        org.load_snapshot(documents)
        if name == ours.name:
            org.public_id = ours.public_id


def _typed(document: Document) -> tuple[str, dict[str, object]]:
    return document.address.type, dict(document.body)


def _introduce(app: App, org: str, url: str, api_key: str, app_key: str) -> None:
    """Tell how to reach an org; its keys are invented and open nothing else."""
    if app.terminal.json:
        app.terminal.event("org", name=org, api_url=url, api_key=api_key, app_key=app_key)
        return
    app.terminal.line(f"# ddsnap.yaml: orgs: {{{org}: {{api_url: '{url}'}}}}")
    app.terminal.line(f"export {variable(org, 'api_key')}={api_key}")
    app.terminal.line(f"export {variable(org, 'app_key')}={app_key}")
