"""``ddsnap show``: a snapshot's summary, the resources of a type, or one document's exact bytes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.cli.terminal import Terminal
    from ddsnap.core.values import Address
    from ddsnap.flows.revisions import Snapshot
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository


@click.command()
@click.argument("revision", metavar="REV")
@click.argument("what", required=False, default="", metavar="[TYPE[/ID]]")
@click.pass_obj
def show(app: App, revision: str, what: str) -> None:
    """Show the snapshot that REV (an org, a commit, a tag) names, or part of it.

    With TYPE the resources of the type; with TYPE/ID (an id or an exact title) the document, byte
    for byte as it is stored.

    \b
    ddsnap show us1
    ddsnap show us1~3 monitors/123 > monitor.json

    With --json: one snapshot event (rev, commit, time, org, public_id, site, rules) and of each
    type a type event (type, state, documents, reason); or of each resource a resource event (type,
    id, title); or one document event (rev, commit, type, id, title, body).
    """
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.cli.runs import type_names  # noqa: PLC0415
    from ddsnap.flows.revisions import find_resources, find_snapshot  # noqa: PLC0415
    from ddsnap.flows.view import snapshot_view  # noqa: PLC0415

    with app.open() as repository:
        snapshot = find_snapshot(repository, revision)
        view = snapshot_view(repository, snapshot.commit, revision)
        if not what:
            _tell_snapshot(app.terminal, repository, snapshot)
        elif "/" in what:
            _tell_document(app.terminal, view, find_resources(view, CATALOG, [what])[0])
        else:
            _tell_type(app.terminal, view, *type_names([what]))


def _tell_snapshot(terminal: Terminal, repository: Repository, snapshot: Snapshot) -> None:
    from ddsnap.cli.named import stamp  # noqa: PLC0415 - slow to import
    from ddsnap.store.trees import read_paths  # noqa: PLC0415

    manifest, org = snapshot.manifest, snapshot.manifest.org
    commit = repository.commit_info(snapshot.commit)
    facts = {
        "org": org.name,
        "site": org.site,
        "public_id": org.public_id,
        "time": stamp(commit),
        "commit": commit.sha,
        "rules": manifest.rules,
    }
    if terminal.json:
        terminal.event("snapshot", rev=snapshot.label, **facts)
    else:
        terminal.line("\n".join(f"{name:<10} {value}" for name, value in facts.items() if value))
        terminal.line()
    count = Counter(path.partition("/")[0] for path in read_paths(repository, commit.sha))
    terminal.table(
        "type",
        ("type", "state", "documents", "reason"),
        [[name, state.state, count[name], state.reason] for name, state in manifest.types.items()],
    )


def _tell_type(terminal: Terminal, view: View, type_name: str) -> None:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.core.normalize import title_of  # noqa: PLC0415

    type_ = CATALOG[type_name]
    documents = view.documents(CATALOG, only=type_name)
    rows = [(document.address.id, title_of(type_, document.body)) for document in documents]
    if terminal.json:
        for id_, title in rows:
            terminal.event("resource", type=type_name, id=id_, title=title)
    elif rows:
        terminal.table("resource", ("id", "title"), rows)
    else:
        state = view.manifest.state_of(type_name).state
        terminal.note(f"{view.label} holds no {type_name} ({state})")


def _tell_document(terminal: Terminal, view: View, address: Address) -> None:
    """Write the document as it is stored; only on a screen what could disturb it is escaped."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.core import canonical  # noqa: PLC0415
    from ddsnap.core.normalize import title_of  # noqa: PLC0415
    from ddsnap.core.paths import document_path  # noqa: PLC0415

    path = document_path(address)
    data = view.read(path) or b""
    if terminal.json:
        document = view.document(path, CATALOG)
        title = title_of(CATALOG[address.type], document.body) if document else ""
        where = {"rev": view.label, "commit": view.commit, "type": address.type, "id": address.id}
        terminal.event("document", **where, title=title, body=canonical.decode(data))
    elif terminal.stdout.isatty():
        terminal.line(data.decode("utf-8", "backslashreplace").rstrip("\n"))
    else:
        terminal.stdout.flush()
        terminal.stdout.buffer.write(data)
        terminal.stdout.buffer.flush()
