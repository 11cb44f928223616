"""Reading a whole org, type by type, on top of what the last snapshot held."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core.manifest import Manifest, TypeState
from ddsnap.core.paths import is_document_path, parse_document_path
from ddsnap.core.rotation import Rotation
from ddsnap.core.select import Selection
from ddsnap.core.values import Address
from ddsnap.flows.capture_type import Choice, Draft, TypeCapture
from ddsnap.flows.live import Seen, discovered
from ddsnap.flows.outcome import CaptureResult, ResourceChange, TypeOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.resource_type import Discover, ResourceType
    from ddsnap.flows.run import Run


_ASTRAY: Final = 60.0
"""Seconds; a clock that went back by more was wrong."""


@dataclass(frozen=True)
class Scope:
    """What a capture shall read: the configured types, and those that the command line names."""

    types: tuple[str, ...]
    only: frozenset[str] = frozenset()
    """Narrowed on the command line: every other type is carried over."""
    accept_loss: frozenset[str] = frozenset()
    full: bool = False
    """Read everything, whatever seems unchanged."""
    full_every: float = 7 * 86400.0
    """Seconds within which each resource is read, however unchanged it seems."""
    selection: Selection = field(default_factory=Selection)
    """The configured filters: what does not pass them has left the scope."""
    narrowing: Selection = field(default_factory=Selection)
    """The command line's filters: what does not pass them is carried over."""
    named: frozenset[str] = frozenset()
    """The types that somebody asked for by name: one that is unavailable is trouble then."""
    answered: frozenset[str] = frozenset()
    """Of types without a listing, the ids of what is known not to be there: nobody else made it."""
    again: frozenset[Address] = frozenset()
    """What is read whatever is known of it: the run itself has changed it."""

    def rotation(self, before: Manifest | None, last: float | None, now: float) -> Rotation:
        """Return which resources of a type, read as a whole at ``last``, are read again at ``now``.

        With other filters than the last snapshot's, what was left out may be wanted: then all. So
        it is where the last reading lies ahead: a clock was wrong then, or is now.
        """
        ahead = last is not None and last - now > _ASTRAY
        anew = self.full or ahead or self.refiltered(before)
        return Rotation(None if anew else last, now, self.full_every)

    def refiltered(self, before: Manifest | None) -> bool:
        """Whether the last snapshot was made with other filters than these."""
        return (before.filters if before else ()) != self.selection.describe()


def read_org(
    run: Run,
    scope: Scope,
    draft: Draft,
    before: Manifest | None,
    read_at: Mapping[str, float] | None = None,
) -> CaptureResult:
    """Read, or carry over, every type in scope into ``draft``; what left the scope is dropped.

    ``read_at`` tells when each type was last read as a whole (epoch seconds), for the snapshot that
    ``draft`` grows from; what has not changed since is not read again.
    """
    return _Reader(run, scope, draft, before, read_at or {}).read_all()


@dataclass
class _Reader:
    """What was read so far, and the snapshot that grows from it."""

    run: Run
    scope: Scope
    draft: Draft
    before: Manifest | None
    read_at: Mapping[str, float]
    seen: Seen = field(default_factory=Seen)

    def read_all(self) -> CaptureResult:
        result = CaptureResult(self.run.org, named=self.scope.named)
        if not self.scope.refiltered(self.before):
            result.read_at = {n: t for n, t in self.read_at.items() if n in self.scope.types}
        for type_ in self.run.catalog.types:
            if type_.name in self.scope.types:
                began = self.run.read_time()
                result.types[type_.name] = outcome = self._one_type(type_, began)
                narrowed = self.scope.narrowing.of(type_.name)
                if outcome.refreshed and outcome.state.whole and not narrowed:
                    result.read_at[type_.name] = began
                self._remember(type_, outcome)
        self._forget_unasked(result)
        self._note_unread(result)
        for name in self.before.types if self.before else ():
            left = [] if name in self.scope.types else self.draft.previous_files(name)
            if left:
                left = [path for path in left if is_document_path(path)]
                changes = [ResourceChange("left", _address(path)) for path in left]
                state = TypeState("uncaptured")
                result.types[name] = TypeOutcome(name, state, changes=changes, refreshed=False)
        return result

    def _one_type(self, type_: ResourceType, began: float) -> TypeOutcome:
        if self.scope.only and type_.name not in self.scope.only:
            self.draft.keep_folder(type_.name)
            count = len(self.draft.files(type_.name))
            return TypeOutcome(type_.name, self._earlier_state(type_), count=count, refreshed=False)
        self.run.sink("type_started", org=self.run.org, type=type_.name)
        choice = Choice(
            self.scope.selection,
            self.scope.narrowing,
            self._part_read(self._earlier_state(type_)),
            self.scope.answered,
        )
        # Up to where the next one goes on from: a gap would leave out what is due in it.
        rotation = self.scope.rotation(self.before, self.read_at.get(type_.name), began)
        again = (one.id for one in self.scope.again if one.type == type_.name)
        rotation = replace(rotation, again=frozenset(again))
        capture_type = TypeCapture(self.run, self.draft, type_, self.seen, rotation, choice=choice)
        outcome = capture_type.read(accept_loss=type_.name in self.scope.accept_loss)
        if outcome.narrowed or outcome.state.state in ("complete", "partial"):
            self.seen.existing[type_.name] = capture_type.existing
        outcome.count = len(self.draft.files(type_.name))
        self.run.sink(
            "type_finished",
            org=self.run.org,
            type=type_.name,
            state=outcome.state.state,
            reason=outcome.state.reason,
            count=outcome.count,
        )
        return outcome

    def _forget_unasked(self, result: CaptureResult) -> None:
        """Where objects are new and what is discovered by them was not read, read it all next time.

        The next run could not tell that these objects have never been asked about.
        """
        new = {change.address.type for change in result.changes if change.kind == "added"}
        for name, outcome in result.types.items():
            discover = self.run.catalog[name].discover
            whole = outcome.refreshed and outcome.state.whole and not outcome.narrowed
            if discover and not whole and not new.isdisjoint(discover.objects):
                result.read_at.pop(name, None)

    def _note_unread(self, result: CaptureResult) -> None:
        """Note, of types without a listing, what was not asked about with success.

        What a document does not tell of is not known to be absent: an object whose policy was not
        read may be restricted.
        """
        new = [change.address for change in result.changes if change.kind == "added"]
        for name, outcome in result.types.items():
            discover = self.run.catalog[name].discover
            if discover is None or name not in self.scope.types:
                continue
            earlier = self._earlier_state(self.run.catalog[name])
            asked = outcome.refreshed and not outcome.narrowed and outcome.state.state != "stale"
            unread = {problem.address.id for problem in outcome.problems}
            if not asked and earlier.state in ("uncaptured", "unavailable"):
                unread |= set(discovered(discover, self._objects(discover)))
            elif not asked:
                unread |= {*earlier.unread, *discovered(discover, new)}
            unread &= set(discovered(discover, self._objects(discover)))
            unread -= {_address(path).id for path in self.draft.files(name)}
            outcome.state = replace(outcome.state, unread=tuple(sorted(unread)))

    def _objects(self, discover: Discover) -> list[Address]:
        """The objects about which a type without a listing may say something."""
        files = (path for name in discover.objects for path in self.draft.files(name))
        return [_address(path) for path in files if is_document_path(path)]

    def _earlier_state(self, type_: ResourceType) -> TypeState:
        return self.before.state_of(type_.name) if self.before else TypeState("uncaptured")

    @staticmethod
    def _part_read(state: TypeState) -> TypeState:
        """The state after a narrowed run: the earlier one, but something was read now."""
        never = state.state in ("uncaptured", "unavailable")
        return TypeState("partial", "only what filters named was read") if never else state

    def _remember(self, type_: ResourceType, outcome: TypeOutcome) -> None:
        """Keep the ids of a type that others are read through, kept documents included."""
        if not outcome.state.whole and outcome.refreshed:
            self.seen.unread.add(type_.name)
        if any(type_.name in _needed(other) for other in self.run.catalog.types):
            self.seen.ids[type_.name] = [
                _address(path).id for path in self.draft.files(type_.name) if is_document_path(path)
            ]


def _needed(type_: ResourceType) -> set[str]:
    """The types whose ids are needed to read this one."""
    objects = type_.discover.objects if type_.discover else {}
    return {type_.parent, type_.orders, *objects}


def _address(path: str) -> Address:
    name, id_ = parse_document_path(path)
    return Address(name, id_ or path)
