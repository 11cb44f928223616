"""Proof of absence: a resource counts as deleted only when Datadog itself says so.

The proof is a whole listing without the id and a direct read that says it is gone. Anything less
keeps the earlier document.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ddsnap.api.gateway import Found, Gone, Unreadable
from ddsnap.core.times import end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ddsnap.api.gateway import Gateway
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject

ONE_BY_ONE: Final = 50
"""Up to so many missing ids are each read; of more, a sample of so many."""
SUDDEN: Final = 10
"""So many gone at once, and more than half of the type, are not believed unasked."""


@dataclass
class Verdict:
    """What became of the ids that a listing did not name."""

    gone: set[str] = field(default_factory=set)
    found: list[tuple[str, Found]] = field(default_factory=list)
    unsure: dict[str, str] = field(default_factory=dict)
    """Ids that could not be proven either way, with the reason."""
    contradiction: str = ""
    """Why nothing of this type can be believed."""


def too_sudden(missing: int, before: int) -> bool:
    """Whether so many of a type are gone at once that somebody must confirm it."""
    return missing >= SUDDEN and missing * 2 > before


def ended(type_: ResourceType, body: JSONObject, now: datetime) -> bool:
    """Whether a resource that is gone was over anyway, by what its last document says."""
    end = end_of(type_, body)
    return end is not None and end <= now


def prove_absence(
    gateway: Gateway,
    type_: ResourceType,
    missing: Sequence[str],
    listed: set[str],
    list_again: Callable[[], set[str]],
) -> Verdict:
    """Ask Datadog about the ``missing`` ids, which the listing of ``listed`` did not name."""
    if not missing:
        return Verdict()
    if not type_.direct:
        return _by_two_listings(missing, listed, list_again())
    if len(missing) <= ONE_BY_ONE:
        return _by_reading(gateway, type_, missing)
    again = list_again()
    back = sorted(again.intersection(missing))
    if back:
        reason = f"two listings disagree: {back[0]} and {len(back) - 1} more came back"
        return Verdict(contradiction=reason)
    sample = random.Random(len(missing)).sample(sorted(missing), ONE_BY_ONE)
    verdict = _by_reading(gateway, type_, sample)
    if verdict.found or verdict.unsure:
        named = verdict.found[0][0] if verdict.found else next(iter(verdict.unsure))
        reason = f"{len(missing)} are missing from the listing, but {named} is not gone"
        return Verdict(contradiction=reason)
    return Verdict(gone=set(missing))


def look_again(gateway: Gateway, type_: ResourceType, listed: Sequence[str]) -> Verdict:
    """Read once more what is listed, although it was gone when it was read: that proves nothing."""
    verdict = _by_reading(gateway, type_, listed)
    reason = "it is listed, but its own address says that it is gone"
    return Verdict(found=verdict.found, unsure=verdict.unsure | dict.fromkeys(verdict.gone, reason))


def _by_two_listings(missing: Sequence[str], listed: set[str], again: set[str]) -> Verdict:
    if listed == again:
        return Verdict(gone=set(missing))
    return Verdict(contradiction="two listings of the type disagree")


def _by_reading(gateway: Gateway, type_: ResourceType, ids: Sequence[str]) -> Verdict:
    verdict = Verdict()
    for id_, reading in gateway.read_many(type_, ((id_, None) for id_ in ids)):
        if isinstance(reading, Gone):
            verdict.gone.add(id_)
        elif isinstance(reading, Unreadable):
            verdict.unsure[id_] = f"missing from the listing, and {reading.reason}"
        else:
            verdict.found.append((id_, reading))
    return verdict
