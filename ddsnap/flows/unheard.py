"""Creations of earlier runs whose answers nobody heard, looked for at the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.normalize import title_of
from ddsnap.core.paths import document_path
from ddsnap.core.unheard import NOTHING, Explained, Unheard, explain
from ddsnap.errors import DdsnapError
from ddsnap.flows.past_replays import undoing
from ddsnap.flows.past_writes import PastWrites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.core.unheard import Open
    from ddsnap.core.values import Document
    from ddsnap.flows.arrivals import Arrivals
    from ddsnap.flows.view import View

_BEFORE: Final = 60.0
_AFTER: Final = 3600.0
"""Seconds around the moment at which a creation was sent: it had its effect then, or never."""


def find_unheard(open_: Sequence[Open], arrivals: Arrivals, source: View) -> Explained:
    """Return what became of creations; ``source`` is what they were made from."""
    asked = {
        one.address: one
        for one in open_
        if one.address.type in arrivals.catalog and one.address not in arrivals.ids
    }
    if not asked:
        return NOTHING
    runs = {one.run: find_run(arrivals, one.run) for one in asked.values()}
    types = {address.type for address in asked}
    new = {name: arrivals.since(run, types) for name, run in runs.items()}

    def may_be(one: Unheard, document: Document) -> bool:
        sent = asked[one.address]
        span = (sent.at - _BEFORE, sent.at + _AFTER) if sent.at else None
        mine = document.address in new[sent.run]
        return mine and arrivals.may_be_of(runs[sent.run], document, span)

    unheard = [_said(one, runs[one.run], arrivals, source) for one in asked.values()]
    there = {address: document for found in new.values() for address, document in found.items()}
    return explain(unheard, there.values(), may_be, arrivals.catalog)


def find_run(arrivals: Arrivals, name: str) -> PastWrites | None:
    """Return a run; ``None`` where this clone does not reach back to it."""
    repo, org = arrivals.now.repo, arrivals.now.manifest.org.name
    try:
        told = undoing(repo, repo.branch(f"journal/{org}"), name)
    except DdsnapError:
        return None
    return PastWrites(repo, told, arrivals.catalog)


def _said(one: Open, run: PastWrites | None, arrivals: Arrivals, source: View) -> Unheard:
    """Return what a creation said; where that is not known any more, its title is."""
    try:
        sent = run.sent(one.address)[-1:] if run else []
    except DdsnapError:
        sent = []
    outcome = run.outcomes.get(one.address) if run else None
    if outcome is not None:
        title = outcome.action.title
    else:
        stored = source.document(document_path(one.address), arrivals.catalog)
        title = title_of(arrivals.catalog[one.address.type], stored.body) if stored else ""
    return Unheard(one.address, title, sent[0] if sent else None)
