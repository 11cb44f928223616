"""Capturing one type: its documents into the growing commit, its absences only on proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ddsnap.core import canonical
from ddsnap.core.fields import value_at
from ddsnap.core.kinds import difference
from ddsnap.core.manifest import TypeState
from ddsnap.core.normalize import id_of, title_of
from ddsnap.core.paths import document_path, is_document_path, parse_document_path
from ddsnap.core.values import Address
from ddsnap.errors import ApiError, AuthError, UnstorableError
from ddsnap.flows.absence import ended, look_again, prove_absence, too_sudden
from ddsnap.flows.earlier import Earlier
from ddsnap.flows.live import (
    Item,
    Problem,
    Seen,
    Stored,
    Unchanged,
    Vanished,
    read_type,
    to_item,
)
from ddsnap.flows.outcome import ChangeKind, FoundSecret, ResourceChange, TypeOutcome
from ddsnap.flows.pace import Pace

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.rotation import Rotation
    from ddsnap.core.select import Selection
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.absence import Verdict
    from ddsnap.flows.run import Run


class Draft(Protocol):
    """The snapshot that grows: a commit being written, or a view of the live org."""

    def previous_files(self, folder: str) -> list[str]:
        """Return the paths that the last snapshot holds in ``folder``."""

    def files(self, folder: str) -> list[str]:
        """Return the paths that this one holds by now."""

    def read_previous(self, path: str) -> bytes | None:
        """Return a file of the last snapshot."""

    def keep_equal(self, path: str, data: bytes) -> bool:
        """Carry the last snapshot's file over if it holds exactly ``data``."""

    def keep(self, path: str) -> None:
        """Carry the last snapshot's file over."""

    def keep_folder(self, folder: str) -> None:
        """Carry a whole folder over."""

    def put(self, path: str, data: bytes) -> object:
        """Record a file."""

    def drop(self, path: str) -> None:
        """Leave out a file or folder."""


@dataclass(frozen=True)
class Choice:
    """What of a type is wanted: by the configuration, and by a command line that narrows it."""

    selection: Selection
    narrowing: Selection
    earlier: TypeState
    """The state of the type in the last snapshot, which a narrowed run leaves as it is."""
    answered: frozenset[str] = frozenset()
    """Ids that need not be asked for, since their objects are as new as the run."""


class _Unbelievable(Exception):  # noqa: N818 - never leaves this module
    """The listing was whole, but what it says cannot be taken for the truth."""


class TypeCapture:
    """The capture of one type, from what the last snapshot held to what this one shall hold."""

    def __init__(
        self,
        run: Run,
        draft: Draft,
        type_: ResourceType,
        seen: Seen,
        rotation: Rotation,
        *,
        choice: Choice,
    ) -> None:
        self.run = run
        self.draft = draft
        self.type = type_
        self.seen = seen
        self.before = frozenset(filter(is_document_path, draft.previous_files(type_.name)))
        if type_.discover:
            seen.ids[type_.name] = [self._id(path) for path in sorted(self.before)]
        self.outcome = TypeOutcome(type_.name)
        self._rotation = rotation
        self._choice = choice
        self._covered: set[str] = set()
        self._listed: set[str] = set()
        self._vanished: set[str] = set()

    def read(self, *, accept_loss: bool = False) -> TypeOutcome:
        """Read the type; whatever fails keeps the documents of the last snapshot.

        Raises ``AuthError`` where the keys are refused, since nothing can be read any more.
        """
        try:
            self._look_up_others()
            pace, gateway = Pace(self.run, self.type), self.run.gateway
            for item in read_type(
                gateway, self.type, self.seen, self._earlier(), pace=pace, lose=self._lose
            ):
                self._listed.add(item.address.id)
                self._take(item)
            self._settle_missing(accept_loss=accept_loss)
        except AuthError:
            raise
        except ApiError as error:
            gone = error.status in (403, 404) and not self.before
            return self._give_up(TypeState("unavailable" if gone else "stale", error.message))
        except _Unbelievable as error:
            return self._give_up(TypeState("stale", str(error)))
        self.outcome.state = self._state()
        if self._choice.narrowing.of(self.type.name) and self.outcome.state.whole:
            self.outcome.state, self.outcome.narrowed = self._choice.earlier, True
        return self.outcome

    def _lose(self, place: int, error: ApiError) -> None:
        """Take note of a record whose id cannot be known; if it was captured, it is missing now."""
        reason = f"every page that holds it fails: {error.message}"
        address = Address(self.type.name, f"offset {place}")
        self.outcome.problems.append(Problem(address, reason, nameless=True))

    @property
    def existing(self) -> set[str]:
        """The ids that exist by what was read, whether filters keep them or not."""
        return self._listed - self._vanished

    def _look_up_others(self) -> None:
        """List what this type is read through, unless this run has: no document tells all of it."""
        for name in (self.type.parent, self.type.orders):
            other = self.run.catalog.get(name)
            if other and name not in self.seen.existing and name not in self.seen.unread:
                self.seen.existing[name] = self._ids_of(other)

    def _ids_of(self, type_: ResourceType) -> set[str]:
        gateway, parents = self.run.gateway, self.seen.parents_of(type_)
        return {gateway.id_of(type_, item) for item in gateway.list(type_, parents=parents)}

    def _earlier(self) -> Earlier:
        discover = self.type.discover
        if discover is None:
            return Earlier(self._rotation, self._stored_body)
        asked = {*self.seen.ids[self.type.name], *self._choice.answered}
        current = set[str]()
        for name, prefix in discover.objects.items():
            files = filter(is_document_path, self.draft.previous_files(name))
            before = map(parse_document_path, files)
            asked |= {f"{prefix}:{id_}" for _, id_ in before if id_ is not None}
            current |= {f"{prefix}:{id_}" for id_ in self.seen.ids.get(name, ())}
        return Earlier(self._rotation, self._stored_body, frozenset(asked), frozenset(current))

    def _stored_body(self, id_: str) -> JSONObject | None:
        """A document that may be reused; one with an undecided secret is read again each time."""
        path = document_path(Address(self.type.name, id_))
        data = self.draft.read_previous(path) if path in self.before else None
        body = _object(data) if data else {}
        if not data or not body or self.run.guard.undecided(self.type, id_, data):
            return None
        return body

    def _take(self, item: Item) -> None:
        path = document_path(item.address)
        if isinstance(item, Unchanged):
            self._covered.add(path)
            if path in self.before:
                self.draft.keep(path)
        elif isinstance(item, Vanished):
            self._vanished.add(item.address.id)
        elif isinstance(item, Problem):
            self._keep_unread(item, path)
        elif path not in self._covered:
            self._covered.add(path)
            self._choose(item, path)

    def _choose(self, item: Stored, path: str) -> None:
        """Store what is wanted; filters decide what is recorded, never what is gone."""
        body = item.normalized.document.body
        if not self._choice.narrowing.keeps(self.type, body):
            if path in self.before:
                self.draft.keep(path)
        elif self._choice.selection.keeps(self.type, body):
            self.outcome.unknown.update(item.normalized.unknown)
            self._store(item, path)
        elif path in self.before:
            self.outcome.changes.append(self._change("left", item.address, body))

    def _keep_unread(self, problem: Problem, path: str) -> None:
        self.outcome.problems.append(problem)
        if path in self.before:
            self._covered.add(path)
            self.draft.keep(path)

    def _store(self, item: Stored, path: str) -> None:
        concerned = self.run.guard.concerns(self.type, item.data)
        if not concerned and self.draft.keep_equal(path, item.data):
            return
        guarded = self._guard(item)
        if guarded is None or self.draft.keep_equal(path, guarded.data):
            return
        item, body = guarded, guarded.normalized.document.body
        kind: ChangeKind = "added"
        if path in self.before:
            difference_ = difference(self.type, self._previous(path), body)
            if difference_ == "same":  # 5 became 5.0: no change, and so no new bytes
                self.draft.keep(path)
                return
            kind = difference_
        self.draft.put(path, item.data)
        self.outcome.changes.append(self._change(kind, item.address, body))

    def _guard(self, item: Stored) -> Stored | None:
        """Take secrets out of a document; ``None`` where that leaves none to store."""
        path = document_path(item.address)
        last = self.draft.read_previous(path) if path in self.before else None
        like = self.run.heirs.models(item.address, last)
        try:
            normalized, data, findings = self.run.guard.redact(
                self.type, item.normalized, item.data, like
            )
        except (KeyError, UnstorableError):
            reason = "what identifies it, or the name of a member, is a secret"
            self._keep_unread(Problem(item.address, reason), path)
            return None
        title = title_of(self.type, normalized.document.body)
        self.outcome.secrets += [
            FoundSecret(item.address, title, found.pointer, found.why) for found in findings
        ]
        return Stored(normalized, data)

    def _settle_missing(self, *, accept_loss: bool) -> None:
        self._settle_vanished()
        missing = {
            self._id(path): path for path in self.before - self._covered if self._asked(path)
        }
        gone = self._vanished.intersection(missing) if self.type.discover else set()
        rest = sorted(missing.keys() - gone)
        over = {id_ for id_, path in missing.items() if self._ended(path)}
        if too_sudden(len(missing) - len(over), len(self.before)) and not accept_loss:
            raise _Unbelievable(
                f"{len(missing)} of {len(self.before)} are gone at once;"
                f" if that is right, run again with --accept-loss {self.type.name}"
            )
        if rest and not self.type.direct and self.type.parent in self.seen.unread:
            raise _Unbelievable(f"read through {self.type.parent}, which could not be read")
        verdict = prove_absence(self.run.gateway, self.type, rest, self._listed, self._relist)
        if verdict.contradiction:
            raise _Unbelievable(verdict.contradiction)
        self._apply(verdict)
        for id_ in sorted(gone | verdict.gone):
            address = Address(self.type.name, id_)
            body = self._previous(missing[id_])
            kind: ChangeKind = "expired" if id_ in over else "deleted"
            self.outcome.changes.append(self._change(kind, address, body))

    def _settle_vanished(self) -> None:
        """What a new listing names still cannot be gone, whatever its own address said."""
        if self.type.discover or not self._vanished:
            return
        listed = self._vanished & self._relist()
        self._vanished -= listed
        self._apply(look_again(self.run.gateway, self.type, sorted(listed)))

    def _ended(self, path: str) -> bool:
        now = self.run.clock()
        return bool(self.type.ends) and ended(self.type, self._previous(path), now)

    def _asked(self, path: str) -> bool:
        """Whether a narrowed run is about a document; one that it is not about is carried over."""
        if self._choice.narrowing.keeps(self.type, self._previous(path)):
            return True
        self.draft.keep(path)
        return False

    def _apply(self, verdict: Verdict) -> None:
        names = {named.lookup: self.run.gateway.lookup(named.lookup) for named in self.type.named}
        self._listed.update(verdict.unsure)
        for id_, reading in verdict.found:
            self._listed.add(id_)
            self._take(to_item(self.type, id_, reading, names))
        for id_, reason in verdict.unsure.items():
            address = Address(self.type.name, id_)
            self._keep_unread(Problem(address, reason), document_path(address))

    def _relist(self) -> set[str]:
        return self._ids_of(self.type)

    def _state(self) -> TypeState:
        through = (self.type.parent, *(self.type.discover.objects if self.type.discover else ()))
        unread = sorted(name for name in through if name in self.seen.unread)
        if self.outcome.problems:
            count = len(self.outcome.problems)
            return TypeState("partial", f"{count} could not be read or stored")
        if unread:
            return TypeState(
                "partial", f"read through {', '.join(unread)}, which could not be read"
            )
        discover = self.type.discover
        if discover is None:
            return TypeState("complete")
        return TypeState("harvested" if discover.mentions else "rotating")

    def _give_up(self, state: TypeState) -> TypeOutcome:
        """Carry the last snapshot's documents over, whatever was read of this one."""
        self.draft.drop(self.type.name)
        self.draft.keep_folder(self.type.name)
        self.outcome = TypeOutcome(self.type.name, state)
        return self.outcome

    def _previous(self, path: str) -> JSONObject:
        return _object(self.draft.read_previous(path) or b"{}")

    def _id(self, path: str) -> str:
        """The id of a stored document; one whose name was cut says it itself."""
        _, id_ = parse_document_path(path)
        return id_ if id_ is not None else id_of(self.type, self._previous(path))

    def _change(self, kind: ChangeKind, address: Address, body: JSONObject) -> ResourceChange:
        by = value_at(body, self.type.modified_by) if self.type.modified_by else None
        return ResourceChange(
            kind, address, title_of(self.type, body), by if isinstance(by, str) else ""
        )


def _object(data: bytes) -> JSONObject:
    try:
        body = canonical.decode(data)
    except UnstorableError:  # somebody's hand was in it: nothing of it can be told
        return {}
    return body if isinstance(body, dict) else {}
