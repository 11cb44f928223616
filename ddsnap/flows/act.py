"""Carrying out one action of a plan: look again, intend, write, and say what came of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ddsnap.api.patience import Withheld
from ddsnap.core.audit import locked
from ddsnap.core.lockout import in_our_words
from ddsnap.core.match import portable
from ddsnap.core.normalize import id_of
from ddsnap.core.references import find_references
from ddsnap.core.requests import create_request, update_requests
from ddsnap.errors import ApiError, AuthError, DdsnapError
from ddsnap.flows.creating import Creating
from ddsnap.flows.doing import GivenUp
from ddsnap.flows.present import ABSENT
from ddsnap.flows.work import Done, lacks_closing, left, unclosed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddsnap.core.references import Reference
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.work import Ground, Work

ENDED: Final = "the run was interrupted"
"""Why an action was not reached."""


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
    except GivenUp as trouble:
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


class _Doing(Creating):
    """One action, carried out in the way that its kind and its type ask for."""

    def act(self) -> Done:
        """Do what the plan says."""
        if self.action.kind == "delete":
            return self.delete()
        if self.action.kind == "create":
            return self.undelete() if self.action.undeletes else self.create()
        if self.type.orders:
            return self.reorder()
        present = self.present(self.action.to)
        if not self.is_there(present):
            self.check_unmoved(present)
        return self.update(present)

    def protect(self) -> Done:
        """Write the policy of a resource that was just written: nobody else was there before."""
        return self.create(fresh=True) if self.action.kind == "create" else self.act()

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
        present = ABSENT if self._was_created() else self.present(self.id)
        there = portable(self.type, present.document) if present.document else None
        full = binding.written(document, there, without=open_)
        if there is None:
            there = binding.written(document, None, without=self.action.closes)
        self.note_patch(full)
        filling = self.filling(full, present)
        before = filling.present or there
        now = self.ground.now
        self.send(filling, update_requests(self.type, filling.document, before, self.id, now=now))
        if open_:
            raise GivenUp("failed", binding.why(binding.missing(document)[0]))
        self.action = replace(self.action, closes=tuple(self._closed(full)))
        return self.finished()

    def _was_created(self) -> bool:
        """Whether it is new: what was there before, or was undeleted, may hold anything."""
        return self.action.origin != "adopted" and self.id != self.action.to

    def _closed(self, full: JSONObject) -> Iterator[Reference]:
        """What was left out, in the document as it is written: a link to nothing stays as it is."""
        catalog, address = self.ground.run.catalog, self.action.address
        there = {self.ground.binding.value(ref) or ref.value for ref in self.action.closes}
        for reference in find_references(full, catalog[address.type], catalog):
            if reference.value in there:
                yield reference
