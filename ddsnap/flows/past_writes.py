"""What a past run was about, and what it was about to write, by its patches and its snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.audit import intended_body
from ddsnap.core.directory import read_directory
from ddsnap.core.fields import value_at
from ddsnap.core.match import portable
from ddsnap.core.paths import document_path
from ddsnap.core.reach import reached
from ddsnap.core.values import Address
from ddsnap.core.written import created, creation, timely
from ddsnap.flows.journal import parse_time
from ddsnap.flows.planning import is_quiet
from ddsnap.flows.replay_journal import patch_path
from ddsnap.flows.view import View, snapshot_view
from ddsnap.flows.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.past_replays import Undone
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class PastWrites:
    """A past run, as the journal tells of it."""

    repo: Repository
    told: Undone
    catalog: Catalog

    @cached_property
    def before(self) -> View:
        """The org before it."""
        return snapshot_view(self.repo, self.told.before, self.told.before)

    @cached_property
    def source(self) -> View:
        """The snapshot that was replayed."""
        commit = str(value_at(self.told.record, "source.commit"))
        return snapshot_view(self.repo, commit, commit)

    @cached_property
    def outcomes(self) -> dict[Address, Outcome]:
        """What came of each action."""
        return {outcome.action.address: outcome for outcome in self.told.outcomes}

    @property
    def now(self) -> datetime | None:
        """The time by which its requests were made."""
        return parse_time(self.told.record.get("now"))

    @property
    def names(self) -> frozenset[str]:
        """By what the API may call who ran it; nothing where not all of it is known."""
        names = [str(self.told.record.get(name) or "") for name in ("identity", "handle")]
        return frozenset(names) if all(names) else frozenset()

    @property
    def quiet(self) -> bool:
        """Whether what it created was silenced."""
        return is_quiet(self.told.source, self.told.destination, live=self._wishes.live)

    def about(self) -> Callable[[Address], bool]:
        """Return what it was about: what was selected, and what that needs."""
        selected = self._wishes.selection(self.source, self.catalog)
        if selected is None:
            return lambda _: True
        here = read_directory(self.source.documents(self.catalog), self.catalog)
        needed = self._wishes.dependencies
        return reached(here, self.catalog, selected, dependencies=needed).__contains__

    def sent(self, address: Address) -> list[JSONObject]:
        """What it was about to write, by its patch; last, also what a creation could say."""
        outcome = self.outcomes.get(address)
        data = self.repo.read_file(self.told.commit, patch_path(address))
        if outcome is None:
            return []
        there = Address(address.type, outcome.to or outcome.action.to)
        own = outcome.action.base == "destination"
        view, named = (self.before, there) if own else (self.source, address)
        base, type_ = body_of(view, named, self.catalog), self.catalog[address.type]
        if base is None:
            return []
        steps = canonical.decode(data) if data else []
        patch = (
            [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
        )
        body = portable(type_, intended_body(base, patch))
        call = creation(type_, body) if outcome.action.kind == "create" else None
        if call is None or self.now is None:
            return [body]
        return [body, timely(type_, created(type_, call, body), None, self.now)]

    @property
    def _wishes(self) -> Wishes:
        options = self.told.record.get("options")
        return Wishes.from_json(options if isinstance(options, dict) else {})


def body_of(view: View, address: Address, catalog: Catalog) -> JSONObject | None:
    """Return the document of an address; ``None`` where the view holds none."""
    found = view.document(document_path(address), catalog)
    return found.body if found else None
