"""What has come to an org since a run began, belongs to nobody, and may be that run's work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ddsnap.core.counterparts import UNREAD
from ddsnap.core.makers import made_at, may_be_by
from ddsnap.core.paths import parse_document_path
from ddsnap.core.values import Address
from ddsnap.flows.id_map import read_maps
from ddsnap.flows.view import changed_between

if TYPE_CHECKING:
    from collections.abc import Collection

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Document
    from ddsnap.flows.past_writes import PastWrites
    from ddsnap.flows.view import View


@dataclass(frozen=True)
class Arrivals:
    """The org as it is ``now``, and the map of what is replayed into it.

    What is ``known`` belongs to somebody although no map says so.
    """

    now: View
    catalog: Catalog
    id_map: IdMap
    known: Collection[Address] = ()

    def since(self, run: PastWrites | None, types: Collection[str]) -> dict[Address, Document]:
        """Return the new ones of some types; where nobody knows the run, all that there are."""
        if run is None:
            paths = [path for name in types for path in self.now.paths(only=name)]
        else:
            states = run.before.manifest.state_of
            read = {name for name in types if states(name).state not in UNREAD}
            changed = changed_between(run.before, self.now)
            paths = [
                path
                for path, old, _ in changed
                if old is None and parse_document_path(path)[0] in read
            ]
        found = (self.now.document(path, self.catalog) for path in paths)
        return {one.address: one for one in found if one and one.address not in self._mapped}

    @cached_property
    def ids(self) -> dict[Address, str]:
        """The map, without what is there no more."""
        there = set(self.now.addresses(self.catalog))
        return {
            address: mapped.id
            for address, mapped in self.id_map.items()
            if Address(address.type, mapped.id) in there
        }

    def may_be_of(
        self, run: PastWrites | None, document: Document, span: tuple[float, float] | None
    ) -> bool:
        """Whether a run can have made it: by its maker, and within a span of time."""
        type_ = self.catalog[document.address.type]
        made = made_at(type_, document.body)
        timely = made is None or span is None or span[0] <= made <= span[1]
        return timely and may_be_by(type_, document.body, run.names if run else ())

    @cached_property
    def _mapped(self) -> set[Address]:
        """What belongs to somebody, whichever org that is from."""
        tip = self.now.repo.branch(f"journal/{self.now.manifest.org.name}")
        maps = [self.id_map, *(read_maps(self.now.repo, tip).values() if tip else ())]
        mapped = {Address(a.type, entry.id) for known in maps for a, entry in known.items()}
        return mapped.union(self.known)
