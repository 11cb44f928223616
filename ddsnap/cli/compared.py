"""A snapshot held against its org as it is now: what differs, a line for each resource."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ddsnap.catalog import CATALOG
from ddsnap.cli.render.diff import SIGNS, headline, record, summary
from ddsnap.cli.text import one_line
from ddsnap.errors import ExitCode, gravest
from ddsnap.flows.drift import drift

if TYPE_CHECKING:
    from ddsnap.cli.states import Desk


def compare_with_org(desk: Desk, name: str, *, exit_code: bool) -> ExitCode:
    """Read the org of the snapshot ``name`` whole, and tell where the snapshot is not as it is."""
    terminal, counts = desk.app.terminal, Counter[Any]()
    stored = desk.open(name)
    live = replace(desk, full=True).live(stored.org)
    for found in drift(stored.view, live.view, CATALOG):
        counts[found.address.type, found.kind] += 1
        if terminal.json:
            terminal.event("drift", name=name, **record(found))
        terminal.line(f"{one_line(name)}: {headline(found)}", fg=SIGNS[found.kind][1])
    unread = [(place, *one) for place in (stored, live) for one in place.unread(())]
    for place, type_name, state in unread:
        terminal.warn(f"{type_name} not read as a whole at {place.label}: {state.reason}")
    told = {"differences": sum(counts.values()), "unread": sorted({one[1] for one in unread})}
    if terminal.json:
        terminal.event("compared", name=name, commit=stored.view.commit, **told)
    terminal.line(f"{one_line(stored.label)} against the org as it is now: {summary(counts)}")
    partial = bool(unread) or any(kind == "unknown" for _, kind in counts)
    codes = [ExitCode.PARTIAL] * partial + [ExitCode.DIFFERENT] * (exit_code and bool(counts))
    return gravest(codes)
