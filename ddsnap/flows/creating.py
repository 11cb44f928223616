"""Making a resource exactly once, whatever becomes of the answers."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ddsnap.api.session import LostAnswer
from ddsnap.core.match import named_by_id, natural_key, portable, portable_digest
from ddsnap.core.normalize import id_of
from ddsnap.core.requests import (
    create_request,
    finish_requests,
    undelete_request,
)
from ddsnap.core.values import Address
from ddsnap.errors import ApiError, AuthError, DdsnapError
from ddsnap.flows.changing import Changing
from ddsnap.flows.doing import GivenUp
from ddsnap.flows.lost import Sought, Unclear, find_lost, in_the_way
from ddsnap.flows.present import ABSENT
from ddsnap.flows.sending import TRIES, answered_id

if TYPE_CHECKING:
    from ddsnap.core.filling import Filling
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.present import Present
    from ddsnap.flows.work import Done

_TAKEN: Final = (400, 409)
"""What may mean that a name is in use, be the resource there or gone for good."""

_REFUSED: Final = (400, 403, 404, 409, 410, 422)
"""What says that a deleted resource cannot be had back."""


class Creating(Changing):
    """A resource that is not there is made, or had back from Datadog and then updated."""

    def create(self, *, fresh: bool = False) -> Done:
        """Make what is not there; nobody can have made something ``fresh`` in the meantime."""
        type_, now = self.type, self.ground.now
        body = self.ground.binding.written(self.work.document, None, without=self.action.closes)
        if named_by_id(type_):
            self.id = id_of(type_, body)
            there = ABSENT if fresh else self.present(self.id)
            if there.document is not None:
                return self._met(there)
        self.note_patch(body)
        filling = self.filling(body, ABSENT)
        item = self._make_alone(body, filling)
        if item is None:  # it is there already, and Datadog takes no second one
            return self._met(self.present(self.id))
        self.send(filling, finish_requests(type_, filling.document, self.id, now=now))
        return self.finished(as_written=not (type_.quiet or self.action.closes))

    def _make_alone(self, body: JSONObject, filling: Filling) -> JSONObject | None:
        """Make the resource, unless somebody else has done so since the plan was made.

        Return it as the API answers it, or ``None`` where it was there before.
        """
        type_ = self.type
        creating = self.ground.newcomers.creating(type_, body)
        # What is named by its id was asked for just now.
        with nullcontext("") if named_by_id(type_) else creating as other:
            if other:
                told = f"somebody has made {type_.name}/{other}, like it, since the plan was made"
                raise GivenUp("moved", told)
            item = self._make(body, filling)
            if item is not None:
                self._made(item)
            return item

    def _make(self, body: JSONObject, filling: Filling) -> JSONObject | None:
        """Make the resource exactly once, whatever becomes of the answers.

        Return it as the API answers it, or ``None`` where it was there before.
        """
        request = create_request(self.type, filling.document, now=self.ground.now)
        plain_request, content = self.plain(request, filling), filling.fill(request.body)
        tries = TRIES
        while True:
            try:
                answer = self.sending.send(plain_request, content)
                made = answered_id(self.type, body, answer)
            except LostAnswer:  # noqa: PERF203 - a loop of attempts
                found = self._look_for(body)
                if found:
                    self.id = found
                    return self._heard_of(None, self.present(found).raw)
                tries -= 1
                if not tries or self.ground.run.gateway.hurried:
                    raise
            except ApiError as error:
                self.id = self._there_already(body, error)
                if not self.id:
                    raise
                return self._own(self.id)
            else:
                self.id = made
                return self._heard_of(answer.answer, answer.item)

    def _heard_of(self, answer: JSON, item: JSON) -> JSONObject:
        """Return what was made, once what only the ``answer`` to its creation shows is kept."""
        made = item if isinstance(item, dict) else {}
        try:
            self.ground.keep(Address(self.type.name, self.id), answer)
        except DdsnapError as error:
            self._made(made)
            raise GivenUp("failed", ": ".join(filter(None, (error.message, error.hint)))) from None
        return made

    def _made(self, item: JSONObject) -> None:
        """Let everybody know the id, and the disk first."""
        self.sending.made(self.id, item)
        self.aliases = self.ground.binding.bind(self.action.address, self.id, item)

    def _look_for(self, body: JSONObject) -> str:
        """Return the id of what a lost request has made; empty where it had no effect."""
        ground, type_ = self.ground, self.type
        if self.id:
            return self.id if self.present(self.id).document is not None else ""
        taken = {*ground.known.get(type_.name, ()), *ground.binding.ids(type_.name)}
        sought = Sought(type_, body, taken, ground.now, since=self.sending.since)
        try:
            return find_lost(ground.run.gateway, sought, ground.me, ground.pause)
        except Unclear as why:
            raise GivenUp("ambiguous", str(why)) from None

    def _there_already(self, body: JSONObject, error: ApiError) -> str:
        if self.id and error.status in _TAKEN:  # its name is its id
            found = self.id if self.present(self.id).document is not None else ""
        else:
            gateway, now = self.ground.run.gateway, self.ground.now
            found = in_the_way(gateway, Sought(self.type, body, (), now), error)
        owner = self.ground.binding.owner(self.type.name, found) if found else None
        if owner not in (None, self.action.address):
            raise GivenUp("ambiguous", f"{self.type.name}/{found}, like it, belongs to {owner}")
        other = self.ground.binding.other(Address(self.type.name, found))
        if other and not natural_key(self.type, body):
            raise GivenUp("ambiguous", f"{self.type.name}/{found}, like it, is {other}")
        return found

    def _own(self, id_: str) -> JSONObject | None:
        """Return what is in the way if an earlier request of this action has made it."""
        lost = any(not 300 <= sent.status < 500 for sent in self.sending.sent)
        is_new = id_ not in self.ground.known.get(self.type.name, ())
        return self._heard_of(None, self.present(id_).raw) if lost and is_new else None

    def _met(self, there: Present) -> Done:
        """Deal with a resource that the plan did not find, or took for another one.

        What holds what is wanted is taken as it is; what does not is not in the plan.
        """
        found, id_ = Address(self.type.name, self.id), self.id
        if there.document is None:
            raise GivenUp("moved", f"{found} was in its way, and is gone")
        present = portable(self.type, there.document)
        wanted = self.ground.binding.written(self.work.document, present)
        if portable_digest(self.type, wanted) != there.digest:
            if id_ not in self.ground.known.get(self.type.name, ()):
                raise GivenUp("moved", f"somebody has made {found} since the plan was made")
            way = f"--adopt {self.action.address}={id_} takes it over"
            why = f"Datadog calls {found} the same, and it holds something else: {way}"
            raise GivenUp("ambiguous", why)
        self.action = replace(self.action, kind="adopt", origin="adopted", to=id_)
        self.bind(there)
        return self.finished()

    def undelete(self) -> Done:
        """Ask Datadog for a resource that it may still have, under its old id."""
        self.note_patch(self.ground.binding.written(self.work.document, None))
        request = undelete_request(self.type, self.action.to)
        if request is not None:
            try:
                self.sending.send_again(request, request.body)
            except AuthError:
                raise
            except ApiError as error:
                if isinstance(error, LostAnswer) or error.status not in _REFUSED:
                    raise
            else:
                present = self.present(self.action.to)
                if present.document is not None:
                    self.id = self.action.to
                    self._made(present.raw or {})
                    return self.update(present)
        return self.create()
