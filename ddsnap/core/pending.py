"""What people still have to do about what a replay has made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.resource_type import Write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Address


@dataclass(frozen=True, slots=True)
class Pending:
    """How many of a type wait for somebody, and what they wait for."""

    type: str
    count: int
    words: str

    def __str__(self) -> str:
        one = self.count == 1
        name = self.type.removesuffix("s") if one else self.type
        return f"{self.count} {name} {'is' if one else 'are'} {self.words}"


def pending(
    outcomes: Iterable[Outcome], catalog: Catalog, disabled: Collection[Address]
) -> Iterator[Pending]:
    """Yield what waits for people, by type; nobody waits for what is ``disabled``."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        action = outcome.action
        type_ = catalog.get(action.address.type)
        call = type_.create if type_ else None
        if not isinstance(call, Write) or not call.pending or action.address in disabled:
            continue
        routes = {sent.route for sent in outcome.requests if sent.purpose == "create"}
        if outcome.to and action.origin == "created" and call.path in routes:
            counts[action.address.type] = counts.get(action.address.type, 0) + 1
    for name, count in counts.items():
        call = catalog[name].create
        if isinstance(call, Write):
            yield Pending(name, count, call.pending)
