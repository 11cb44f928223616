"""Runs that died with their machine, and may have done more than they published.

Whatever such a run was to make may be there, if it is new since, in its time, and by its identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.core.likely import likely_sent
from ddsnap.core.normalize import title_of
from ddsnap.core.unheard import NOTHING, Explained, Unheard, explain, mark
from ddsnap.core.values import Address
from ddsnap.flows.journal import parse_time
from ddsnap.flows.unheard import find_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ddsnap.core.values import Document
    from ddsnap.flows.arrivals import Arrivals
    from ddsnap.flows.past_writes import PastWrites

_SKEW: Final = 900.0
"""Seconds by which the clock of another machine may differ."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Such a run, and until when it can have gone on (ISO 8601)."""

    run: str
    until: str


def find_silent(
    silent: Silent,
    known: Explained,
    arrivals: Arrivals,
    documents: Callable[[], Iterable[Document]],
) -> Explained:
    """Return what else it made of the ``documents``, beside what is ``known``."""
    run = find_run(arrivals, silent.run)
    there = _in_its_time(run, silent, known, arrivals) if run else []
    if run is None or not there:
        return NOTHING
    wanted = [
        one
        for one in _wanted(run, there, documents(), arrivals)
        if one.address not in known.unclear
    ]
    ids = {**arrivals.ids, **known.taken}
    taken: dict[Address, str] = {}
    exact = True
    while True:
        theirs = {Address(address.type, id_) for address, id_ in taken.items()}
        left = [one for one in there if one.address not in theirs]
        asked = _likely(wanted, {**ids, **taken}, run, exact=exact)
        more = explain(asked, left, lambda _one, _document: True, arrivals.catalog)
        taken |= more.taken
        if not exact:
            return Explained(taken, more.unclear)
        # What a resource refers to was made before it, unless they stand in a circle.
        exact = bool(more.taken)


def _in_its_time(
    run: PastWrites, silent: Silent, known: Explained, arrivals: Arrivals
) -> list[Document]:
    began, until = run.now, parse_time(silent.until)
    span = (began.timestamp() - _SKEW, until.timestamp() + _SKEW) if began and until else None
    types = [type_.name for type_ in arrivals.catalog.types if type_.create]
    taken = {Address(address.type, id_) for address, id_ in known.taken.items()}
    return [
        one
        for one in arrivals.since(run, types).values()
        if one.address not in taken and arrivals.may_be_of(run, one, span)
    ]


def _wanted(
    run: PastWrites, there: Iterable[Document], documents: Iterable[Document], arrivals: Arrivals
) -> Iterator[Document]:
    """Yield what it was about, as far as something of that type and title is there."""

    def told(document: Document) -> tuple[str, str]:
        type_ = arrivals.catalog[document.address.type]
        return type_.name, mark(type_, title_of(type_, document.body))

    marks, about = {told(one) for one in there}, run.about()
    for one in documents:
        known = one.address.type not in arrivals.catalog or one.address in arrivals.ids
        if not known and told(one) in marks and about(one.address):
            yield one


def _likely(
    wanted: Iterable[Document], ids: Mapping[Address, str], run: PastWrites, *, exact: bool
) -> Iterator[Unheard]:
    for one in wanted:
        if one.address in ids or run.now is None:
            continue
        sent = likely_sent(one, ids, run.catalog, run.now, quiet=run.quiet, exact=exact)
        if sent is not None:
            yield Unheard(one.address, title_of(run.catalog[one.address.type], one.body), sent)
