"""One action of a past replay: the documents that it was about, and what it may have sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.core import canonical, shapes
from ddsnap.core.audit import closed_references, expected_requests, intended_body
from ddsnap.core.match import portable
from ddsnap.core.values import Address
from ddsnap.errors import Damaged
from ddsnap.flows.past_replays import TAKES_BACK, kind_of
from ddsnap.flows.replay_journal import patch_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.actions import Action
    from ddsnap.core.outcomes import Outcome, Sent
    from ddsnap.core.references import Reference
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.recorded_replay import RecordedReplay

Key: TypeAlias = "tuple[str, str, str, str]"
"""What tells a request: method, route, path and the digest of its body."""


@dataclass(frozen=True)
class PastAction:
    """An action, by its outcome. What the journal does not hold of it raises ``DdsnapError``."""

    past: RecordedReplay
    outcome: Outcome

    @property
    def action(self) -> Action:
        """What was to be done."""
        return self.outcome.action

    @property
    def path(self) -> str:
        """Where its patch is."""
        return patch_path(self.action.address)

    @property
    def masked(self) -> bool:
        """Whether a secret was taken out of its patch."""
        return self.path in self.past.masked

    @property
    def is_plain(self) -> bool:
        """Whether it wrote what the source has, and the map says so."""
        wrote = self.outcome.status == "done" and self.outcome.requests
        plain = self.action.base == "source" and kind_of(self.past.record) not in TAKES_BACK
        return bool(wrote and plain and self.action.kind != "delete")

    @property
    def type(self) -> ResourceType:
        """The type of its resource."""
        type_ = self.past.catalog.get(self.action.address.type)
        if type_ is None:
            raise Damaged(f"{self.action.address.type} is no type that this ddsnap knows")
        return type_

    @property
    def there(self) -> Address:
        """The resource at the destination; its id is empty where it was never made."""
        planned = "" if self.action.kind == "create" else self.action.to
        return Address(self.action.address.type, self.outcome.to or planned)

    @cached_property
    def base(self) -> JSONObject:
        """The document that was patched; what is deleted needs none."""
        if self.action.kind == "delete":
            return {}
        own = self.action.base == "destination"
        view = self.past.before if own else self.past.origin
        found = self.past.document(view, self.there if own else self.action.address)
        if found is None:
            address = self.there if own else self.action.address
            raise Damaged(f"the snapshot {view.label} holds no {address}")
        return found

    @cached_property
    def patch(self) -> tuple[JSONObject, ...]:
        """Its patch; a document that can be written as it stands may need none."""
        if self.action.kind == "delete":
            return ()
        data = self.past.file(self.path)
        if data is None and canonical.same(portable(self.type, self.base), self.base):
            return ()
        if data is None:
            raise Damaged("it is missing")
        body: JSONObject = {"operations": canonical.decode(data)}
        if canonical.encode(body["operations"]) != data:
            raise Damaged("it is not in canonical form")
        return shapes.objects(body, "operations")

    @cached_property
    def wrote(self) -> JSONObject:
        """The document that was written."""
        return {} if self.action.kind == "delete" else intended_body(self.base, self.patch)

    def expected(self) -> set[Key]:
        """Return all that it may have sent."""
        keys: set[Key] = set()
        for closes in self._closes():
            requests = expected_requests(
                self.type,
                self.action,
                base=self.base,
                patch=self.patch,
                present=self.past.document(self.past.before, self.there),
                to=self.there.id,
                now=self.past.now,
                closes=closes,
                identity=str(self.past.record.get("identity") or ""),
            )
            keys.update(map(key_of, requests))
        return keys

    def _closes(self) -> Iterator[tuple[Reference, ...]]:
        """Yield what it may have left out: as it was closed, or what has come later as well."""
        references, past = self.action.closes, self.past
        if not references:
            yield ()
            return
        ids: set[str] = set()
        for address in (Address(name, ref.value) for ref in references for name in ref.to):
            entry = past.mapped.get(address)
            ids |= {entry.id, *entry.aliases.values()} if entry else set()
            ids |= {past.to[address]} if address in past.to else set()
        for later in ((), ids):
            yield closed_references(self.type, self.wrote, past.catalog, later, references)


def key_of(request: Request | Sent) -> Key:
    """Return what tells a request, be it made or computed."""
    digest = request.digest if isinstance(request.digest, str) else request.digest()
    return request.method, request.route, request.path, digest
