"""Creations whose answers nobody heard, and which of a destination's resources they explain.

What holds all that such a creation said is its work. A title alone is never enough to write over
something, and enough to make nothing beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.match import covers, natural_key, portable
from ddsnap.core.names import folded, same_name
from ddsnap.core.normalize import title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import Address, Document, JSONObject

    Fits = Callable[[ResourceType, JSONObject, JSONObject], bool]


@dataclass(frozen=True, slots=True)
class Open:
    """A creation that may have had its effect: in which run, and when it was sent.

    ``at`` is by the server's clock (seconds since 1970), 0 where nobody knows.
    """

    address: Address
    run: str
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Unheard:
    """What such a creation said, by the source's ``address``; ``None`` where nobody knows it."""

    address: Address
    title: str
    sent: JSONObject | None


@dataclass(frozen=True)
class Explained:
    """The ids that creations have at the destination, and of which nobody can tell, and why not.

    ``doubtful`` are the destination's resources that may be what those have made.
    """

    taken: Mapping[Address, str] = field(default_factory=dict)
    unclear: Mapping[Address, str] = field(default_factory=dict)
    doubtful: frozenset[Address] = frozenset()

    def joined(self, other: Explained) -> Explained:
        """Return both; what this one says goes first."""
        return Explained(
            {**other.taken, **self.taken},
            {**other.unclear, **self.unclear},
            self.doubtful | other.doubtful,
        )


NOTHING: Final = Explained()


def is_unanswered(outcome: Outcome) -> bool:
    """Whether a resource may have been made of which no id is known."""
    asked = (sent for sent in outcome.requests if sent.purpose == "create")
    unheard = any(not 300 <= sent.status < 500 for sent in asked)
    return outcome.action.kind == "create" and not outcome.to and unheard


def still_open(
    before: Iterable[Open],
    outcomes: Collection[Outcome],
    run: str,
    at: Mapping[Address, float],
    *,
    whole: bool,
) -> list[Open]:
    """Return what is open after a run: what it left so, and what it found so and did not settle.

    A run has settled what it found, or made, or was refused: it looked for what was there first. A
    ``whole`` one had to do with all that there is.
    """
    own = {outcome.action.address for outcome in outcomes if is_unanswered(outcome)}
    settled = own | {outcome.action.address for outcome in outcomes if _settles(outcome)}
    met = {outcome.action.address for outcome in outcomes} if whole else None
    kept = (
        one for one in before if one.address not in settled and (met is None or one.address in met)
    )
    return [*kept, *(Open(address, run, at.get(address, 0.0)) for address in sorted(own))]


def _settles(outcome: Outcome) -> bool:
    kind = outcome.action.kind
    return bool(outcome.to) or (kind in ("create", "delete") and bool(outcome.requests))


def explain(
    unheard: Iterable[Unheard],
    there: Iterable[Document],
    may_be: Callable[[Unheard, Document], bool],
    catalog: Catalog,
) -> Explained:
    """Say which of the resources that are ``there`` are whose.

    ``may_be`` says whether a creation can have made one at all. Of equal creations it does not
    matter which made which; where more hold what was sent than were wanted, one is another's.
    """
    sharing = _Sharing(catalog, may_be)
    for document in there:
        sharing.offer(document)
    asked = sorted(unheard, key=lambda one: one.address)
    for fits in (_equals, _holds):
        sharing.share_out(asked, fits)
    for one in asked:
        sharing.suspect(one)
    return Explained(sharing.taken, sharing.unclear, frozenset(sharing.doubtful))


def mark(type_: ResourceType, title: str) -> str:
    """What is the same of a resource and of what made it; nothing where titles tell nothing."""
    return "" if type_.natural_key else folded(title)


@dataclass
class _Sharing:
    """Who has got what until now."""

    catalog: Catalog
    may_be: Callable[[Unheard, Document], bool]
    taken: dict[Address, str] = field(default_factory=dict)
    unclear: dict[Address, str] = field(default_factory=dict)
    claimed: set[Address] = field(default_factory=set)
    doubtful: set[Address] = field(default_factory=set)
    _offered: dict[tuple[str, str], list[Document]] = field(default_factory=dict)

    def offer(self, document: Document) -> None:
        """Let a resource be what somebody made."""
        type_ = self.catalog[document.address.type]
        named = mark(type_, title_of(type_, document.body))
        self._offered.setdefault((type_.name, named), []).append(document)

    def share_out(self, asked: Iterable[Unheard], fits: Fits) -> None:
        """Give what fits to those that want it, unless it is not sure whose it is."""
        groups: dict[tuple[str, str], list[Unheard]] = defaultdict(list)
        for one in asked:
            if one.sent is not None and not self._is_settled(one):
                groups[one.address.type, canonical.digest(one.sent)].append(one)
        fitting = {key: self._fitting(group, fits) for key, group in groups.items()}
        wanted_by = Counter(address for found in fitting.values() for address in found)
        for key, group in groups.items():
            found = sorted(fitting[key])
            contested = any(wanted_by[address] > 1 for address in found)
            self.claimed.update(found)
            if contested or len(found) > len(group):
                keyed = any(fitting[key].values())
                for one in group if not keyed else ():
                    self._doubt(one, found, "of which not each is its work")
            else:
                pairs = zip(group, found, strict=False)  # some may have had no effect
                self.taken.update((one.address, address.id) for one, address in pairs)

    def suspect(self, one: Unheard) -> None:
        """Let nothing be made beside what is called the same, and may be its work."""
        if self._is_settled(one):
            return
        type_ = self.catalog[one.address.type]
        found = [
            document.address
            for document in self._candidates(one, one.title)
            if document.address not in self.claimed
            and not _is_keyed(type_, document.body)
            and _is_called(type_, document.body, one)
        ]
        if found:
            self._doubt(one, found, "which is called the same")

    def _doubt(self, one: Unheard, found: Sequence[Address], what: str) -> None:
        self.unclear[one.address] = _told(one, found, what)
        self.doubtful.update(found)

    def _is_settled(self, one: Unheard) -> bool:
        return one.address in self.taken or one.address in self.unclear

    def _fitting(self, group: Sequence[Unheard], fits: Fits) -> dict[Address, bool]:
        """What fits all of a group, and whether Datadog itself tells it apart."""
        type_, sent = self.catalog[group[0].address.type], group[0].sent
        return {
            document.address: _is_keyed(type_, document.body)
            for one in group
            for document in self._candidates(one, title_of(type_, sent or {}))
            if document.address not in self.claimed and fits(type_, document.body, sent or {})
        }

    def _candidates(self, one: Unheard, title: str) -> Iterator[Document]:
        type_ = self.catalog[one.address.type]
        offered = self._offered.get((type_.name, mark(type_, title)), ())
        return (document for document in offered if self.may_be(one, document))


def _equals(type_: ResourceType, there: JSONObject, sent: JSONObject) -> bool:
    return canonical.same(portable(type_, there), sent)


def _holds(type_: ResourceType, there: JSONObject, sent: JSONObject) -> bool:
    return covers(portable(type_, there), sent)


def _is_keyed(type_: ResourceType, body: JSONObject) -> bool:
    """Whether a plan finds it by its key, whatever else it holds."""
    return natural_key(type_, body) is not None and type_.timely is None


def _is_called(type_: ResourceType, there: JSONObject, one: Unheard) -> bool:
    if one.sent is not None:
        return same_name(type_, there, one.sent)
    title = folded(one.title)
    return bool(title) and folded(title_of(type_, there)) == title


def _told(one: Unheard, found: Sequence[Address], what: str) -> str:
    names = ", ".join(map(str, found))
    way = f"--adopt {one.address}={found[0].id} takes it"
    return f"the run that was cut off may have made {names}, {what}: {way}"
