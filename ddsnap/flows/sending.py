"""The requests of one action: each is on the disk before it is sent, and what came of it after."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from ddsnap.api.patience import Withheld
from ddsnap.api.session import LostAnswer
from ddsnap.core.directory import aliases_of
from ddsnap.core.outcomes import Sent
from ddsnap.core.permissions import forbidden
from ddsnap.core.pointers import join
from ddsnap.core.requests import new_id
from ddsnap.errors import ApiError, AuthError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ddsnap.api.writing import Written
    from ddsnap.core.actions import Action
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.store.run_log import RunLog

TRIES: Final = 3
"""How often a request is made, when its answers are lost and it had no effect, or the same."""


@dataclass
class Sending:
    """One action's way to the org, and the requests that it has made."""

    run: Run
    log: RunLog
    action: Action
    type: ResourceType
    patch: Sequence[JSONObject] = ()
    """From the stored document to what is written: the next intent holds it."""
    written: str = ""
    """The digest of what is written."""
    sent: list[Sent] = field(default_factory=list)
    since: float | None = None
    """The server's time before the first request, as far as its answers have told it."""
    _told: Sequence[JSONObject] = ()
    was_made: bool = False
    """Whether the resource is there since this action."""
    check: Callable[[], object] = lambda: None
    """Raises where the run must not write any more."""

    def send(self, request: Request, body: JSON) -> Written:
        """Make a request. ``body`` is what it says, with its secrets.

        Raises ``LostAnswer`` where it may have had its effect, and ``ApiError``.
        """
        self.intend(request)
        try:
            answer = self.run.gateway.send(self.type, request, body)
        except AuthError:
            self._came(request, 401, "the keys were refused")
            raise
        except Withheld as error:
            if error.status:
                self._came(request, error.status, error.message)
            else:
                self.log.note("withheld", address=str(self.action.address))
            raise
        except ApiError as error:
            lost = isinstance(error, LostAnswer)
            self._came(request, error.status, error.message, lost=lost)
            if error.status == HTTPStatus.FORBIDDEN:
                said = forbidden(self.type, request.method, request.route, error.message)
                raise ApiError(said, error.hint, status=error.status) from None
            raise
        self._came(request, answer.status)
        return answer

    def send_again(self, request: Request, body: JSON) -> Written:
        """Make a request that leads to the same state however often it is made."""
        for _ in range(TRIES - 1):
            try:
                return self.send(request, body)
            except LostAnswer:  # noqa: PERF203 - a loop of attempts
                continue
        return self.send(request, body)

    def intend(self, request: Request) -> None:
        """Write down that a request is about to be made."""
        self.check()
        server = self.run.gateway.server_time()
        self.since = self.since if self.sent else server
        now = server or self.run.clock().timestamp()
        told: dict[str, object] = {
            "address": str(self.action.address),
            "method": request.method,
            "route": request.route,
            "path": request.path,
            "digest": request.digest(),
            "purpose": request.purpose,
            "at": round(now, 3),
        }
        if not self.sent or self.patch != self._told:
            self._told = self.patch
            told |= {"action": self.action.to_json(), "patch": list(self.patch)}
            told["written"] = self.written
        self.log.add("intent", **told)

    def _came(self, request: Request, status: int, error: str = "", *, lost: bool = False) -> None:
        self.sent.append(
            Sent(
                request.method,
                request.route,
                request.path,
                status,
                request.digest(),
                request.purpose,
            )
        )
        at = self.run.latest_time().timestamp()
        told: dict[str, object] = {
            "address": str(self.action.address),
            "status": status,
            "at": round(at, 6),
        }
        if error:
            told |= {"error": error, "lost": lost}
        self.log.note("result", **told)

    def made(self, id_: str, item: JSONObject) -> None:
        """Write down the ids that the resource has got."""
        aliases = {join(parts): alias for parts, alias in aliases_of(self.type, item).items()}
        self.log.note("made", address=str(self.action.address), id=id_, aliases=aliases)
        self.was_made = True


def answered_id(type_: ResourceType, body: JSONObject, answer: Written) -> str:
    """Return the id of what was created from ``body``.

    Raises ``LostAnswer`` where the answer names none, whatever it calls itself: a success without a
    body, or something else's.
    """
    try:
        return new_id(type_, body, answer.item)
    except KeyError:
        told = f"the answer to its creation names no id (HTTP {answer.status})"
        raise LostAnswer(told, status=answer.status) from None
