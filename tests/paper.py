"""A replay carried out on paper: planned and recorded as a real one is, but nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ddsnap.catalog import CATALOG
from ddsnap.core.canonical import encode
from ddsnap.core.changes import json_patch
from ddsnap.core.id_map import Mapped
from ddsnap.core.match import portable, portable_digest
from ddsnap.core.outcomes import Outcome, Sent
from ddsnap.core.paths import document_path
from ddsnap.core.plan import intended, make_plan
from ddsnap.core.requests import (
    create_request,
    delete_request,
    finish_requests,
    leave_out,
    new_id,
    update_requests,
)
from ddsnap.core.values import Address, Document
from ddsnap.flows.id_map import map_files, read_map
from ddsnap.flows.replay_journal import Replayed, Source, stage_replay
from ddsnap.flows.view import snapshot_view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddsnap.core.actions import Action
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View

_ORIGINS: Any = {"create": "created", "adopt": "adopted"}
NOW = datetime(2026, 11, 21, 12, 0, 1, 234567, tzinfo=timezone.utc)


@dataclass
class Paper:
    """What a replay between two snapshots would have sent and recorded."""

    source: View
    there: View
    identity: str = "11111111-2222-3333-4444-555555555555"
    outcomes: list[Outcome] = field(default_factory=list)
    patches: dict[str, bytes] = field(default_factory=dict)
    mapped: dict[Address, Mapped] = field(default_factory=dict)
    ids: dict[Address, str] = field(default_factory=dict)
    closed: int = 0

    def carry_out(self) -> None:
        """Plan, then do as the plan says."""
        self.plan = make_plan(
            lambda: self.source.documents(CATALOG),
            lambda: self.there.documents(CATALOG),
            {},
            CATALOG,
            states={name: state.state for name, state in self.source.manifest.types.items()},
        )
        left: list[tuple[Action, Document, JSONObject]] = []
        for planned in self.plan.actions:
            action = replace(planned, origin=planned.origin or _ORIGINS.get(planned.kind, ""))
            document = self.source.document(document_path(action.address), CATALOG)
            assert document is not None
            if action.kind == "create":
                left.append((action, document, self._create(action, document)))
            elif action.writes:
                self._update(action, document)
            else:
                status: Any = "unchanged" if action.kind == "adopt" else action.kind
                self._record(action, status, action.to, ())
        for action, document, made in left:
            self._close(action, document, made)

    def delete(self, address: Address) -> None:
        """Delete a resource of the destination."""
        from ddsnap.core.actions import Action

        body = self.present(address)
        request = delete_request(CATALOG[address.type], address.id, body)
        self._record(Action("delete", address, to=address.id), "done", address.id, [request])

    def present(self, address: Address) -> JSONObject:
        found = self.there.document(document_path(address), CATALOG)
        return found.body if found else {}

    def stage(self, run: Run, **more: Any) -> str:
        """Record it; return the commit, which is the journal's tip then."""
        ours, theirs = self.source.manifest.org, self.there.manifest.org
        source = Source(ours.name, ours.public_id, self.source.commit or "", ours.name)
        told: dict[str, Any] = {
            "state": "done",
            "started": NOW,
            "identity": self.identity,
            "transforms": ("tag",),
            **more,
        }
        replayed = Replayed(
            source=source, destination=theirs, before=self.there.commit or "", **told
        )
        rules = {"tag": "match: {where: '$[?@.x]'}\npatch:\n  - {op: add, path: /x, value: 1}\n"}
        known = read_map(run.repo, run.repo.branch(run.journal), ours, theirs)
        maps = map_files({**known, **self.mapped}, ours, theirs)
        commit = stage_replay(run, replayed, self.outcomes, self.patches, rules, maps=maps)
        run.repo.move_branch(run.journal, run.repo.branch(run.journal), commit, "replay")
        return commit

    def _create(self, action: Action, document: Document) -> JSONObject:
        type_ = CATALOG[action.address.type]
        document = Document(document.address, leave_out(type_, document.body, action.closes))
        body = intended(self.plan, document, ids=self.ids)
        first = create_request(type_, body, now=NOW)
        id_ = self._id_of(type_, body)
        self.ids[action.address] = id_
        self._record(action, "done", id_, [first, *finish_requests(type_, body, id_, now=NOW)])
        return body

    def _id_of(self, type_: ResourceType, body: JSONObject) -> str:
        if type_.constant_id:
            return type_.constant_id
        item: Any = {}
        here = item
        *way, last = type_.id.split(".")
        for step in way:
            here = here.setdefault(step, {})
        here[last] = body.get(last) if type_.id in type_.natural_key else f"n{len(self.ids)}"
        return new_id(type_, body, item)

    def _close(self, action: Action, document: Document, made: JSONObject) -> None:
        type_, id_ = CATALOG[action.address.type], self.ids[action.address]
        body = intended(self.plan, document, ids=self.ids)
        more = update_requests(type_, body, made, id_, now=NOW) if action.closes else []
        self.closed += len(more)
        nth = next(n for n, o in enumerate(self.outcomes) if o.action == action)
        outcome = self.outcomes[nth]
        self.outcomes[nth] = replace(outcome, requests=(*outcome.requests, *_sent(more)))
        self._patch(action, document.body, body)

    def _update(self, action: Action, document: Document) -> None:
        type_ = CATALOG[action.address.type]
        present = self.present(Address(type_.name, action.to))
        own = portable(type_, present)
        body = intended(self.plan, document, ids=self.ids, present=own)
        assert action.against in ("", portable_digest(type_, present))
        requests = update_requests(type_, body, present, action.to, now=NOW)
        self._record(action, "done", action.to, requests)
        self._patch(action, document.body, body)

    def _patch(self, action: Action, base: JSONObject, body: JSONObject) -> None:
        operations: Any = json_patch(base, body)
        self.patches[f"patches/{document_path(action.address)}"] = encode(operations)

    def _record(self, action: Action, status: Any, to: str, requests: Iterable[Request]) -> None:
        self.outcomes.append(Outcome(action, status, to, "", _sent(requests)))
        if action.origin and to:
            self.mapped[action.address] = Mapped(to, action.origin)


def _sent(requests: Iterable[Request]) -> tuple[Sent, ...]:
    return tuple(Sent(r.method, r.route, r.path, 200, r.digest(), r.purpose) for r in requests)


def on_paper(run: Run, source: str, there: str) -> Paper:
    """Carry out the replay of one snapshot over another."""
    views = (snapshot_view(run.repo, commit, commit[:12]) for commit in (source, there))
    paper = Paper(*views)
    paper.carry_out()
    return paper
