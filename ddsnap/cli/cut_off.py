"""A word on a replay that did not end: whoever looks at its org is to know, and how to go on."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.store.repository import Repository


def warn_of_cut_off(app: App, repository: Repository, org: str, *, here: bool = False) -> None:
    """Warn of the replay into ``org`` that did not end, if there is one; of one from ``here``."""
    from ddsnap.flows.takeover import cut_off  # noqa: PLC0415 - slow to import

    found = cut_off(repository, org, datetime.now(timezone.utc), here=here)
    if found is not None:
        app.terminal.warn(f"{found.message}: {found.hint}")
        if app.terminal.json:
            app.terminal.event("warning", org=org, message=found.message)
