"""Changing and deleting what the destination holds, as long as it is as it was planned against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.intended import is_reordered
from ddsnap.core.match import portable
from ddsnap.core.requests import (
    delete_request,
    update_requests,
)
from ddsnap.errors import ApiError
from ddsnap.flows.doing import Doing, GivenUp

if TYPE_CHECKING:
    from ddsnap.flows.present import Present
    from ddsnap.flows.work import Done

_GONE: Final = (404, 410)

_INCOMPLETE: Final = (400, 409, 422)
"""What may say that an order does not name each member."""


class Changing(Doing):
    """A resource that is there is updated, put in order, or deleted."""

    def update(self, present: Present) -> Done:
        """Write what the plan says over what is there."""
        if present.document is None:
            raise GivenUp("moved", "it is gone from the destination since the plan was made")
        self.id = self.id or self.action.to
        there = portable(self.type, present.document)
        later = self.action.closes if self.action.kind == "create" else ()
        binding, base = self.ground.binding, self.action.base
        body = binding.written(self.work.document, there, base=base, without=later)
        self.note_patch(body)
        filling = self.filling(body, present)
        now = self.ground.now
        self.send(
            filling,
            update_requests(
                self.type, filling.document, filling.present or there, self.id, now=now
            ),
        )
        self.bind(present)
        return self.finished()

    def reorder(self) -> Done:
        """Write an order: it moves with every member that is made, by this run or by others.

        It must name all there are: who made one in the meantime has it refused, once.
        """
        try:
            return self.update(self._ordered())
        except ApiError as error:
            if error.status not in _INCOMPLETE:
                raise
        return self.update(self._ordered())

    def _ordered(self) -> Present:
        """Return the order as it is, unless somebody else has brought it about."""
        present, then = self.present(self.action.to), self.work.then
        if present.document and then and is_reordered(self.type, then, present.document):
            raise GivenUp("moved", "somebody has changed it since the plan was made")
        return present

    def delete(self) -> Done:
        """Delete what is still as it was when the plan was made."""
        self.id = self.action.to
        present = self.present(self.id)
        if present.document is None:
            return self.finished()
        self.check_unmoved(present)
        request = delete_request(self.type, self.id, present.document)
        try:
            self.sending.send_again(request, request.body)
        except ApiError as error:
            if error.status not in _GONE:
                raise
        return self.finished()
