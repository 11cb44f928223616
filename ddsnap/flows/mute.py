"""The downtime that keeps replayed monitors silent, until somebody ends the migration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.api.session import LostAnswer
from ddsnap.core.actions import Action
from ddsnap.core.fields import value_at
from ddsnap.core.requests import create_request, new_id
from ddsnap.core.values import Address, Document
from ddsnap.errors import ApiError, AuthError
from ddsnap.flows.account import MUTE
from ddsnap.flows.sending import TRIES, Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ddsnap.core.outcomes import Sent
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.store.run_log import RunLog

TAG: Final = "migration:true"
TYPE: Final = "downtime_schedules"

_MESSAGE: Final = "Migration: silent until `ddsnap migration unmute`."

# Datadog's migration guide: one downtime of every scope for all monitors with the tag.
BODY: Final[JSONObject] = {
    "type": "downtime",
    "attributes": {
        "display_timezone": "UTC",
        "message": _MESSAGE,
        "monitor_identifier": {"monitor_tags": [TAG]},
        "mute_first_recovery_notification": True,
        "schedule": {"start": None},
        "scope": "*",
    },
}


@dataclass(frozen=True)
class Mute:
    """The downtime: its id, and whether this run has made it. ``why_not``: it could not."""

    id: str = ""
    made: bool = False
    why_not: str = ""
    requests: tuple[Sent, ...] = ()


def find_mute(documents: Iterable[Document]) -> str:
    """Return the id of the downtime that silences the tag in every scope; empty if none does."""
    for document in documents:
        body = document.body
        tags = value_at(body, "attributes.monitor_identifier.monitor_tags")
        ends = value_at(body, "attributes.schedule.end")
        if tags == [TAG] and value_at(body, "attributes.scope") == "*" and ends is None:
            return document.address.id
    return ""


def mute(
    run: Run,
    log: RunLog,
    documents: Iterable[Document],
    now: datetime,
    check: Callable[[], object] = lambda: None,
) -> Mute:
    """See to it that the downtime is there, before the first monitor is.

    ``check`` raises where the run must not write any more.
    """
    known = {document.address.id: document for document in documents}
    there = find_mute(known.values())
    if there:
        return Mute(there)
    type_ = run.catalog[TYPE]
    action = Action("create", Address(TYPE, MUTE), _MESSAGE)
    sending = Sending(run, log, action, type_, check=check)
    request = create_request(type_, BODY, now=now)
    while True:
        try:
            item = sending.send(request, request.body).item
        except AuthError:  # noqa: PERF203 - a loop of attempts
            raise
        except LostAnswer:
            there = _look(run)
            if there:
                return Mute(there, made=True, requests=tuple(sending.sent))
            if len(sending.sent) >= TRIES:
                return Mute(why_not="no answer came, and it is not there")
        except ApiError as error:
            return Mute(why_not=error.message)
        else:
            id_ = new_id(type_, BODY, item)
            sending.made(id_, {})
            return Mute(id_, made=True, requests=tuple(sending.sent))


def _look(run: Run) -> str:
    type_ = run.catalog[TYPE]
    items = run.gateway.list(type_)
    return find_mute(
        Document(Address(TYPE, run.gateway.id_of(type_, item)), item) for item in items
    )
