"""What runs that are one have left behind, taken together: the last that knows something tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.values import Address
from ddsnap.flows.left_behind import LeftBehind
from ddsnap.flows.past_writes import body_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.past_replays import Undone
    from ddsnap.flows.view import View


@dataclass(frozen=True)
class Remains:
    """What runs that are one have left behind, each with the digest of it as they left it."""

    made: dict[Address, str]
    changed: dict[Address, str]
    deleted: frozenset[Address]
    mute: Address | None
    strangers: frozenset[Address]
    """Of what was changed, what somebody had made after the first of the runs began."""
    doubtful: frozenset[Address]
    """What one of them may have made and never heard of, and what may be somebody's."""


def remains(
    runs: Sequence[Undone],
    now: View,
    catalog: Catalog,
    others: Collection[Address] = (),
    since: Sequence[Undone] = (),
) -> Remains:
    """Return what such runs, the oldest first, have left behind.

    ``others`` are counterparts of other orgs' resources, ``since`` the runs that have taken
    something of these back by now.
    """
    made, changed = dict[Address, str](), dict[Address, str]()
    each = [LeftBehind(run, now, catalog, others, since) for run in runs]
    for left, own in zip(each, _made_by(each), strict=True):
        known = left.confirmed({*made, *changed})
        made |= {one: digest for one, digest in known.items() if one in made} | own
        changed |= {one: digest for one, digest in known.items() if one in changed}
        changed |= left.changed(each[0].before, made)
    deleted = {there for run in runs for there in run.deleted}
    others = changed.keys() - made.keys()
    strangers = {there for there in others if body_of(each[0].before, there, catalog) is None}
    return Remains(
        made,
        {there: changed[there] for there in others - strangers},
        frozenset(deleted - made.keys()),
        next((mute for left in each if (mute := left.mute())), None),
        frozenset(one for one in strangers if body_of(now, one, catalog) is not None),
        frozenset(one for left in each for one in left.doubtful(made)),
    )


def _made_by(each: Sequence[LeftBehind]) -> list[dict[Address, str]]:
    """Return what each of the runs made; what a later one knows of is no find of an earlier one."""
    found: list[dict[Address, str]] = []
    known = set[Address]()
    for left in reversed(each):
        known |= {Address(a.type, entry.id) for a, entry in left.undone.mapped.items()}
        found.insert(0, left.made(known))
        known |= found[0].keys()
    return found
