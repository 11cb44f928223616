"""Where a replay's secrets come from: the environment, a file, or the source itself."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.cli.context import find_org
from ddsnap.cli.runs import open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ddsnap.cli.context import App
    from ddsnap.cli.replaying import Asked
    from ddsnap.config import Config
    from ddsnap.config.secrets_file import Entry
    from ddsnap.flows.run import Run
    from ddsnap.flows.supply import Need, Supplied
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository

    Supply: TypeAlias = "Callable[[Iterable[Need]], Supplied]"


@contextmanager
def supplies(
    app: App, repository: Repository, config: Config, asked: Asked, source: View
) -> Iterator[Supply]:
    """Open what supplies secrets; from now on no report holds one that was given."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.flows.supply import read_secrets_file, supply  # noqa: PLC0415

    entries: tuple[Entry, ...] = ()
    if config.secrets.file:
        path = Path(config.file).parent / config.secrets.file
        entries, warnings = read_secrets_file(repository, path, app.env, CATALOG.names)
        for warning in warnings:
            app.terminal.warn(warning)
        app.secrets |= {entry.value for entry in entries}

    def find(needs: Iterable[Need]) -> Supplied:
        return supply(needs, app.env, entries)

    if not asked.secrets_from_source:
        yield find
        return
    org = find_org(config, source.manifest.org.name)
    with open_run(app, repository, config, org) as run:

        def find_more(needs: Iterable[Need]) -> Supplied:
            found = _with_source(run, source, find, [*needs], app.terminal.warn)
            app.secrets |= found.known
            return found

        yield find_more


def _with_source(
    run: Run,
    source: View,
    find: Callable[[Iterable[Need]], Supplied],
    needs: list[Need],
    warn: Callable[[str], object],
) -> Supplied:
    """Add what the source shows of what nobody has given; it is only read, and kept in memory.

    Raises ``Refused`` where the keys of the source belong to another org.
    """
    from ddsnap.core.paths import document_path  # noqa: PLC0415 - slow to import
    from ddsnap.flows.ground import check_source  # noqa: PLC0415
    from ddsnap.flows.present import from_source  # noqa: PLC0415

    supplied = find(needs)
    if all(need.stood.keys() <= supplied.at(need.address).keys() for need in needs):
        return supplied
    for warning in check_source(run, source):
        warn(warning)
    values = {address: dict(found) for address, found in supplied.values.items()}
    for need in needs:
        given = supplied.at(need.address)
        # Where a place in the snapshot's document is not known for sure, nothing is taken.
        lacking = {at: need.stood[at] for at in need.pointers if at in need.stood.keys() - given}
        document = source.document(document_path(need.address), run.catalog) if lacking else None
        if document is not None:
            type_ = run.catalog[need.address.type]
            found = from_source(run, type_, need.address.id, document.body)
            shown = {at: value for at, place in lacking.items()
                     if isinstance(value := found.get(place), str)}  # fmt: skip
            values[need.address] = {**shown, **given}
    told = {value for found in values.values() for value in found.values()}
    return replace(supplied, values=values, known=supplied.known | told)
