"""Carrying out one action of a plan: look again, intend, write, and say what came of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ddsnap.api.patience import Withheld
from ddsnap.api.session import LostAnswer
from ddsnap.core import canonical
from ddsnap.core.audit import locked
from ddsnap.core.behind import holds_marker
from ddsnap.core.changes import json_patch
from ddsnap.core.filling import filling as find_filling
from ddsnap.core.intended import is_reordered
from ddsnap.core.lockout import in_our_words
from ddsnap.core.match import named_by_id, natural_key, portable, portable_digest
from ddsnap.core.normalize import id_of
from ddsnap.core.outcomes import Outcome
from ddsnap.core.references import find_references
from ddsnap.core.requests import (
    create_request,
    delete_request,
    finish_requests,
    new_id,
    undelete_request,
    update_requests,
)
from ddsnap.core.tracing import carried
from ddsnap.core.values import Address
from ddsnap.errors import ApiError, AuthError, DdsnapError
from ddsnap.flows.lost import Sought, Unclear, find_lost, in_the_way
from ddsnap.flows.present import ABSENT, present_of
from ddsnap.flows.sending import TRIES, Sending
from ddsnap.flows.work import Done, lacks_closing, left, unclosed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ddsnap.core.filling import Filling
    from ddsnap.core.outcomes import Status
    from ddsnap.core.references import Reference
    from ddsnap.core.requests import Request
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.present import Present
    from ddsnap.flows.work import Ground, Work


ENDED: Final = "the run was interrupted"
"""Why an action was not reached."""

_GONE: Final = (404, 410)
_TAKEN: Final = (400, 409)
"""What may mean that a name is in use, be the resource there or gone for good."""

_INCOMPLETE: Final = (400, 409, 422)
"""What may say that an order does not name each member."""

_REFUSED: Final = (400, 403, 404, 409, 410, 422)
"""What says that a deleted resource cannot be had back."""


class _Unsettled(Exception):  # noqa: N818 - an outcome, which never leaves this module
    """The action cannot be carried out; nothing, or nothing more, was written."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def act(ground: Ground, work: Work) -> list[Done]:
    """Carry out an action, then those of the policies that protect its resource."""
    first = _carry_out(ground, work, _Doing.act)
    done = [first]
    made = first.outcome.action.kind == "create"
    # What is there by now is not left open, whatever has come between, and in whatever hurry.
    ground = replace(ground, check=lambda: None) if made else ground
    for policy in work.policies:
        if not first.outcome.to:
            done.append(_unprotecting(first, policy))
            continue
        with ground.run.gateway.patiently() if made else nullcontext():
            # Of what is no work of this run, the policy may be somebody's too.
            done.append(_carry_out(ground, policy, _Doing.protect if made else _Doing.act))
            if done[-1].outcome.status != "done" and made:
                done[-1] = _carry_out(ground, policy, _locking(done[-1]))
    return done


def _unprotecting(first: Done, policy: Work) -> Done:
    """Leave a policy alone whose resource was not written."""
    if first.outcome.status == "not reached":
        return left(policy.action, "not reached", first.outcome.error)
    reason = f"{first.outcome.action.address}, which it protects, was not written"
    return left(policy.action, "blocked", reason)


def close(ground: Ground, work: Work, made: Done) -> Done:
    """Write the references that were left out of a creation, now that their targets exist."""

    def closing(doing: _Doing) -> Done:
        return doing.close(made)

    return _carry_out(ground, work, closing)


def _locking(failed: Done) -> Callable[[_Doing], Done]:
    return lambda doing: doing.lock(failed)


def _carry_out(ground: Ground, work: Work, step: Callable[[_Doing], Done]) -> Done:
    """Let no trouble with one resource end the run, but for keys that are refused."""
    doing = _Doing(ground, work)
    try:
        done = step(doing)
    except AuthError:
        raise
    except _Unsettled as trouble:
        done = doing.failed(trouble.status, trouble.reason)
    except Withheld as error:
        sent = doing.sending.sent
        done = doing.failed("failed", error.message) if sent else doing.failed("not reached", ENDED)
    except DdsnapError as error:
        done = doing.failed("failed", in_our_words(doing.type, error.message))
    # Whoever goes on with the run must know what it still lacks.
    told = unclosed(done) if step is _Doing.act and lacks_closing(done) else done
    ground.log.note(
        "outcome",
        outcome=told.outcome.to_json(),
        intended=told.intended,
        aliases=dict(told.aliases),
    )
    return done


class _Doing:
    """One action under way."""

    def __init__(self, ground: Ground, work: Work) -> None:
        self.ground = ground
        self.work = work
        self.action = work.action
        self.type = ground.run.catalog[work.action.address.type]
        self.sending = Sending(ground.run, ground.log, work.action, self.type, check=ground.check)
        self.id = ""
        self.aliases: Mapping[str, str] = {}

    # --- the ways to go

    def act(self) -> Done:
        """Do what the plan says."""
        if self.action.kind == "delete":
            return self._delete()
        if self.action.kind == "create":
            return self._undelete() if self.action.undeletes else self._create()
        if self.type.orders:
            return self._reorder()
        present = self._present(self.action.to)
        if not self._is_there(present):
            self._check_unmoved(present)
        return self._update(present)

    def protect(self) -> Done:
        """Write the policy of a resource that was just written: nobody else was there before."""
        return self._create(fresh=True) if self.action.kind == "create" else self.act()

    def lock(self, failed: Done) -> Done:
        """Restrict a resource whose policy could not be written to the replaying identity."""
        body = self.ground.binding.written(self.work.document, None)
        alone = locked(self.type, body, self.ground.user)
        self.sending.sent += failed.outcome.requests
        reason = failed.outcome.error
        plain = create_request(self.type, alone, now=self.ground.now)
        request = replace(plain, purpose="lock")
        try:
            self.sending.send_again(request, request.body)
        except AuthError:
            raise
        except ApiError as error:
            return self.failed("failed", f"{reason}; it is OPEN: {error.message}")
        self.id = id_of(self.type, alone)
        self.sending.made(self.id, {})
        return self.failed("failed", f"{reason}; what it protects is restricted to you alone")

    def close(self, made: Done) -> Done:
        """Write what was left out of the creation."""
        self.action = made.outcome.action
        self.id, self.aliases = made.outcome.to, made.aliases
        self.sending.sent += made.outcome.requests
        self.sending.was_made = True
        binding, document = self.ground.binding, self.work.document
        open_ = binding.missing(document)
        present = ABSENT if self._was_created() else self._present(self.id)
        there = portable(self.type, present.document) if present.document else None
        full = binding.written(document, there, without=open_)
        if there is None:
            there = binding.written(document, None, without=self.action.closes)
        self._note_patch(full)
        filling = self._filling(full, present)
        before = filling.present or there
        now = self.ground.now
        self._send(filling, update_requests(self.type, filling.document, before, self.id, now=now))
        if open_:
            raise _Unsettled("failed", binding.why(binding.missing(document)[0]))
        self.action = replace(self.action, closes=tuple(self._closed(full)))
        return self._finished()

    def _was_created(self) -> bool:
        """Whether it is new: what was there before, or was undeleted, may hold anything."""
        return self.action.origin != "adopted" and self.id != self.action.to

    # --- creating

    def _create(self, *, fresh: bool = False) -> Done:
        type_, now = self.type, self.ground.now
        body = self.ground.binding.written(self.work.document, None, without=self.action.closes)
        if named_by_id(type_):
            self.id = id_of(type_, body)
            there = ABSENT if fresh else self._present(self.id)
            if there.document is not None:
                return self._met(there)
        self._note_patch(body)
        filling = self._filling(body, ABSENT)
        item = self._make_alone(body, filling)
        if item is None:  # it is there already, and Datadog takes no second one
            return self._met(self._present(self.id))
        self._send(filling, finish_requests(type_, filling.document, self.id, now=now))
        return self._finished(as_written=not (type_.quiet or self.action.closes))

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
                raise _Unsettled("moved", told)
            item = self._make(body, filling)
            if item is not None:
                self._made(item)
            return item

    def _make(self, body: JSONObject, filling: Filling) -> JSONObject | None:
        """Make the resource exactly once, whatever becomes of the answers.

        Return it as the API answers it, or ``None`` where it was there before.
        """
        request = create_request(self.type, filling.document, now=self.ground.now)
        plain_request, content = self._plain(request, filling), filling.fill(request.body)
        tries = TRIES
        while True:
            try:
                answer = self.sending.send(plain_request, content)
            except LostAnswer:  # noqa: PERF203 - a loop of attempts
                found = self._look_for(body)
                if found:
                    self.id = found
                    return self._heard_of(None, self._present(found).raw)
                tries -= 1
                if not tries or self.ground.run.gateway.hurried:
                    raise
            except ApiError as error:
                self.id = self._there_already(body, error)
                if not self.id:
                    raise
                return self._own(self.id)
            else:
                self.id = new_id(self.type, body, answer.item)
                return self._heard_of(answer.answer, answer.item)

    def _heard_of(self, answer: JSON, item: JSON) -> JSONObject:
        """Return what was made, once what only the ``answer`` to its creation shows is kept."""
        made = item if isinstance(item, dict) else {}
        try:
            self.ground.keep(Address(self.type.name, self.id), answer)
        except DdsnapError as error:
            self._made(made)
            raise _Unsettled(
                "failed", ": ".join(filter(None, (error.message, error.hint)))
            ) from None
        return made

    def _made(self, item: JSONObject) -> None:
        """Let everybody know the id, and the disk first."""
        self.sending.made(self.id, item)
        self.aliases = self.ground.binding.bind(self.action.address, self.id, item)

    def _look_for(self, body: JSONObject) -> str:
        """Return the id of what a lost request has made; empty where it had no effect."""
        ground, type_ = self.ground, self.type
        if self.id:
            return self.id if self._present(self.id).document is not None else ""
        taken = {*ground.known.get(type_.name, ()), *ground.binding.ids(type_.name)}
        sought = Sought(type_, body, taken, ground.now, since=self.sending.since)
        try:
            return find_lost(ground.run.gateway, sought, ground.me, ground.pause)
        except Unclear as why:
            raise _Unsettled("ambiguous", str(why)) from None

    def _there_already(self, body: JSONObject, error: ApiError) -> str:
        if self.id and error.status in _TAKEN:  # its name is its id
            found = self.id if self._present(self.id).document is not None else ""
        else:
            gateway, now = self.ground.run.gateway, self.ground.now
            found = in_the_way(gateway, Sought(self.type, body, (), now), error)
        owner = self.ground.binding.owner(self.type.name, found) if found else None
        if owner not in (None, self.action.address):
            raise _Unsettled("ambiguous", f"{self.type.name}/{found}, like it, belongs to {owner}")
        other = self.ground.binding.other(Address(self.type.name, found))
        if other and not natural_key(self.type, body):
            raise _Unsettled("ambiguous", f"{self.type.name}/{found}, like it, is {other}")
        return found

    def _own(self, id_: str) -> JSONObject | None:
        """Return what is in the way if an earlier request of this action has made it."""
        lost = any(not 300 <= sent.status < 500 for sent in self.sending.sent)
        is_new = id_ not in self.ground.known.get(self.type.name, ())
        return self._heard_of(None, self._present(id_).raw) if lost and is_new else None

    def _met(self, there: Present) -> Done:
        """Deal with a resource that the plan did not find, or took for another one.

        What holds what is wanted is taken as it is; what does not is not in the plan.
        """
        found, id_ = Address(self.type.name, self.id), self.id
        if there.document is None:
            raise _Unsettled("moved", f"{found} was in its way, and is gone")
        present = portable(self.type, there.document)
        wanted = self.ground.binding.written(self.work.document, present)
        if portable_digest(self.type, wanted) != there.digest:
            if id_ not in self.ground.known.get(self.type.name, ()):
                raise _Unsettled("moved", f"somebody has made {found} since the plan was made")
            way = f"--adopt {self.action.address}={id_} takes it over"
            why = f"Datadog calls {found} the same, and it holds something else: {way}"
            raise _Unsettled("ambiguous", why)
        self.action = replace(self.action, kind="adopt", origin="adopted", to=id_)
        self._bind(there)
        return self._finished()

    def _undelete(self) -> Done:
        """Ask Datadog for a resource that it may still have, under its old id."""
        self._note_patch(self.ground.binding.written(self.work.document, None))
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
                present = self._present(self.action.to)
                if present.document is not None:
                    self.id = self.action.to
                    self._made(present.raw or {})
                    return self._update(present)
        return self._create()

    # --- changing

    def _update(self, present: Present) -> Done:
        if present.document is None:
            raise _Unsettled("moved", "it is gone from the destination since the plan was made")
        self.id = self.id or self.action.to
        there = portable(self.type, present.document)
        later = self.action.closes if self.action.kind == "create" else ()
        binding, base = self.ground.binding, self.action.base
        body = binding.written(self.work.document, there, base=base, without=later)
        self._note_patch(body)
        filling = self._filling(body, present)
        now = self.ground.now
        self._send(
            filling,
            update_requests(
                self.type, filling.document, filling.present or there, self.id, now=now
            ),
        )
        self._bind(present)
        return self._finished()

    def _reorder(self) -> Done:
        """Write an order: it moves with every member that is made, by this run or by others.

        It must name all there are: who made one in the meantime has it refused, once.
        """
        try:
            return self._update(self._ordered())
        except ApiError as error:
            if error.status not in _INCOMPLETE:
                raise
        return self._update(self._ordered())

    def _ordered(self) -> Present:
        """Return the order as it is, unless somebody else has brought it about."""
        present, then = self._present(self.action.to), self.work.then
        if present.document and then and is_reordered(self.type, then, present.document):
            raise _Unsettled("moved", "somebody has changed it since the plan was made")
        return present

    def _delete(self) -> Done:
        self.id = self.action.to
        present = self._present(self.id)
        if present.document is None:
            return self._finished()
        self._check_unmoved(present)
        request = delete_request(self.type, self.id, present.document)
        try:
            self.sending.send_again(request, request.body)
        except ApiError as error:
            if error.status not in _GONE:
                raise
        return self._finished()

    # --- what all of them need

    def failed(self, status: Status, reason: str) -> Done:
        """Return an outcome that says what went wrong, and what was made all the same."""
        sent = tuple(self.sending.sent)
        made = self.id if self.sending.was_made else ""
        return Done(
            Outcome(self.action, status, made, error=reason, requests=sent), aliases=self.aliases
        )

    def _finished(self, *, as_written: bool = False) -> Done:
        """Return the outcome. What the snapshot means may be the very document that was written."""
        binding, document, base = self.ground.binding, self.work.document, self.action.base
        intended = self.sending.written if as_written else ""
        if self.action.kind == "delete" or binding.missing(document, base):
            intended = ""
        elif not as_written:
            intended = canonical.digest(binding.plain(document, base))
        outcome = Outcome(self.action, "done", self.id, requests=tuple(self.sending.sent))
        return Done(outcome, intended, self.aliases)

    def _present(self, id_: str) -> Present:
        existing = None
        if self.type.orders:
            gateway, members = self.ground.run.gateway, self.ground.run.catalog[self.type.orders]
            listed = {gateway.id_of(members, item) for item in gateway.list(members)}
            existing = {*listed, *self.ground.binding.ids(members.name)}
        like = self.work.like
        return present_of(self.ground.run, self.type, id_, existing=existing, like=like)

    def _bind(self, present: Present) -> None:
        self.aliases = self.ground.binding.bind(self.action.address, self.id, present.raw or {})

    def _check_unmoved(self, present: Present) -> None:
        """Raise unless the destination still holds what the plan was made against."""
        if present.document is None:
            raise _Unsettled("moved", "it is gone from the destination since the plan was made")
        if present.digest != self.action.against:
            raise _Unsettled("moved", "somebody has changed it since the plan was made")

    def _is_there(self, present: Present) -> bool:
        """Whether a document that was to be re-pointed is so by now: Datadog may see to it."""
        if present.document is None or self.action.base == "source":
            return False
        wanted = self.ground.binding.written(self.work.document, None, base="destination")
        return present.digest == portable_digest(self.type, wanted)

    def _filling(self, body: JSONObject, present: Present) -> Filling:
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
            raise _Unsettled("blocked", told)
        self.ground.run.gateway.conceal(filling.secrets)
        return filling

    def _note_patch(self, body: JSONObject) -> None:
        self.sending.patch = json_patch(self.work.base, body)
        self.sending.written = canonical.digest(body)

    def _send(self, filling: Filling, requests: list[Request]) -> None:
        """Make requests: with the secrets to the org, with markers to the log."""
        for request in requests:
            self.sending.send_again(self._plain(request, filling), filling.fill(request.body))

    def _plain(self, request: Request, filling: Filling) -> Request:
        """Return the request as it is recorded: with the same markers that the document has."""
        query = {**request.query, **(self.type.override if self.ground.override else {})}
        body = None if request.body is None else filling.plain(request.body)
        return replace(request, body=body, query=query)

    def _closed(self, full: JSONObject) -> Iterator[Reference]:
        """What was left out, in the document as it is written: a link to nothing stays as it is."""
        catalog, address = self.ground.run.catalog, self.action.address
        there = {self.ground.binding.value(ref) or ref.value for ref in self.action.closes}
        for reference in find_references(full, catalog[address.type], catalog):
            if reference.value in there:
                yield reference
