"""One action of a plan under way: what writing, changing and deleting have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.behind import holds_marker
from ddsnap.core.changes import json_patch
from ddsnap.core.filling import filling as find_filling
from ddsnap.core.match import portable_digest
from ddsnap.core.outcomes import Outcome
from ddsnap.core.tracing import carried
from ddsnap.flows.present import present_of
from ddsnap.flows.sending import Sending
from ddsnap.flows.work import Done

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.filling import Filling
    from ddsnap.core.outcomes import Status
    from ddsnap.core.requests import Request
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.present import Present
    from ddsnap.flows.work import Ground, Work


class GivenUp(Exception):  # noqa: N818 - an outcome, which never leaves an action
    """The action cannot be carried out; nothing, or nothing more, was written."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Doing:
    """One action under way."""

    def __init__(self, ground: Ground, work: Work) -> None:
        self.ground = ground
        self.work = work
        self.action = work.action
        self.type = ground.run.catalog[work.action.address.type]
        self.sending = Sending(ground.run, ground.log, work.action, self.type, check=ground.check)
        self.id = ""
        self.aliases: Mapping[str, str] = {}

    def failed(self, status: Status, reason: str) -> Done:
        """Return an outcome that says what went wrong, and what was made all the same."""
        sent = tuple(self.sending.sent)
        made = self.id if self.sending.was_made else ""
        return Done(
            Outcome(self.action, status, made, error=reason, requests=sent), aliases=self.aliases
        )

    def finished(self, *, as_written: bool = False) -> Done:
        """Return the outcome. What the snapshot means may be the very document that was written."""
        binding, document, base = self.ground.binding, self.work.document, self.action.base
        intended = self.sending.written if as_written else ""
        if self.action.kind == "delete" or binding.missing(document, base):
            intended = ""
        elif not as_written:
            intended = canonical.digest(binding.plain(document, base))
        outcome = Outcome(self.action, "done", self.id, requests=tuple(self.sending.sent))
        return Done(outcome, intended, self.aliases)

    def present(self, id_: str) -> Present:
        """Look at a resource; of an order, at that of all members there are."""
        existing = None
        if self.type.orders:
            gateway, members = self.ground.run.gateway, self.ground.run.catalog[self.type.orders]
            listed = {gateway.id_of(members, item) for item in gateway.list(members)}
            existing = {*listed, *self.ground.binding.ids(members.name)}
        like = self.work.like
        return present_of(self.ground.run, self.type, id_, existing=existing, like=like)

    def bind(self, present: Present) -> None:
        """Let everybody know which resource it is at the destination."""
        self.aliases = self.ground.binding.bind(self.action.address, self.id, present.raw or {})

    def check_unmoved(self, present: Present) -> None:
        """Raise unless the destination still holds what the plan was made against."""
        if present.document is None:
            raise GivenUp("moved", "it is gone from the destination since the plan was made")
        if present.digest != self.action.against:
            raise GivenUp("moved", "somebody has changed it since the plan was made")

    def is_there(self, present: Present) -> bool:
        """Whether a document that was to be re-pointed is so by now: Datadog may see to it."""
        if present.document is None or self.action.base == "source":
            return False
        wanted = self.ground.binding.written(self.work.document, None, base="destination")
        return present.digest == portable_digest(self.type, wanted)

    def filling(self, body: JSONObject, present: Present) -> Filling:
        """Find the document's secrets, in memory only."""
        document = self.work.document
        given = self.ground.supplied.at(document.address)
        # What was planned, and so what was supplied, is told by places in the snapshot's document.
        planned = carried(self.type, body, document.body) if holds_marker(body) else {}
        values = {at: given[place] for at, place in planned.items() if place in given}
        filling = find_filling(self.type, body, present.document, present.raw, values)
        if filling.unknown:
            unknown = [planned.get(at, at) for at in filling.unknown]
            ask = self.ground.supplied.ask(document.address, unknown)
            told = f"no value for the secret at {', '.join(unknown)}: {ask}"
            raise GivenUp("blocked", told)
        self.ground.run.gateway.conceal(filling.secrets)
        return filling

    def note_patch(self, body: JSONObject) -> None:
        """Note what the journal tells of the document that is to be written."""
        self.sending.patch = json_patch(self.work.base, body)
        self.sending.written = canonical.digest(body)

    def send(self, filling: Filling, requests: list[Request]) -> None:
        """Make requests: with the secrets to the org, with markers to the log."""
        for request in requests:
            self.sending.send_again(self.plain(request, filling), filling.fill(request.body))

    def plain(self, request: Request, filling: Filling) -> Request:
        """Return the request as it is recorded: with the same markers that the document has."""
        query = {**request.query, **(self.type.override if self.ground.override else {})}
        body = None if request.body is None else filling.plain(request.body)
        return replace(request, body=body, query=query)
