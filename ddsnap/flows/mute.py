"""The downtime that keeps replayed monitors silent, until somebody ends the migration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from ddsnap.api.gateway import Found, Unreadable
from ddsnap.api.session import LostAnswer
from ddsnap.core.actions import Action
from ddsnap.core.fields import value_at
from ddsnap.core.requests import create_request
from ddsnap.core.times import time_of
from ddsnap.core.values import Address, Document
from ddsnap.errors import ApiError, AuthError
from ddsnap.flows.account import MUTE
from ddsnap.flows.lost import Sought, Unclear, find_lost
from ddsnap.flows.sending import TRIES, Sending, answered_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ddsnap.core.outcomes import Sent
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.flows.work import Ground

TAG: Final = "migration:true"
TYPE: Final = "downtime_schedules"

_EARLY: Final = timedelta(seconds=5)
"""By which the server's time, as its answers tell it, may be early."""

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


def find_mutes(documents: Iterable[Document], now: datetime) -> Iterator[Document]:
    """Yield the downtimes that silence the tag in every scope, at ``now`` and without an end."""
    for document in documents:
        own = value_at(document.body, "attributes")
        tags = value_at(own, "monitor_identifier.monitor_tags")
        everywhere = tags == [TAG] and value_at(own, "scope") == "*"
        canceled = value_at(own, "canceled") is not None
        if everywhere and not canceled and _lasts(value_at(own, "schedule"), now):
            yield document


def is_own(document: Document) -> bool:
    """Whether a downtime says that ddsnap has made it."""
    return value_at(document.body, "attributes.message") == _MESSAGE


def _lasts(schedule: JSON, now: datetime) -> bool:
    if value_at(schedule, "recurrences") or value_at(schedule, "end") is not None:
        return False
    start = time_of(value_at(schedule, "start"))
    return start is None or start <= now + _EARLY


def mute(ground: Ground, documents: Iterable[Document]) -> Mute:
    """See to it that the downtime is there, before the first monitor is."""
    run, type_ = ground.run, ground.run.catalog[TYPE]
    known = {document.address.id: document for document in documents}
    there, why_not = _still_there(run, known.values())
    if there or why_not:
        return Mute(there, why_not=why_not)
    action = Action("create", Address(TYPE, MUTE), _MESSAGE)
    sending = Sending(run, ground.log, action, type_, check=ground.check)
    request = create_request(type_, BODY, now=ground.now)
    while True:
        try:
            id_ = answered_id(type_, BODY, sending.send(request, request.body))
        except AuthError:  # noqa: PERF203 - a loop of attempts
            raise
        except LostAnswer:
            made, why_not = _look(ground, known, sending.since)
            if made:
                return Mute(made, made=True, requests=tuple(sending.sent))
            if len(sending.sent) >= TRIES:
                why_not = why_not or "no answer came, and it is not there"
            if why_not:
                return Mute(why_not=why_not)
        except ApiError as error:
            return Mute(why_not=error.message)
        else:
            sending.made(id_, {})
            return Mute(id_, made=True, requests=tuple(sending.sent))


def _still_there(run: Run, known: Iterable[Document]) -> tuple[str, str]:
    """Return the one that is there, read again, or why that cannot be done.

    The snapshot may be older than its end, where downtimes could not be listed.
    """
    for one in find_mutes(known, server_now(run)):
        reading = run.gateway.find(run.catalog[TYPE], one.address.id)
        if isinstance(reading, Unreadable):
            return "", f"{one.address} cannot be read: {reading.reason}"
        now = [Document(one.address, reading.body)] if isinstance(reading, Found) else []
        if any(find_mutes(now, server_now(run))):
            return one.address.id, ""
    return "", ""


def _look(ground: Ground, known: Collection[str], since: float | None) -> tuple[str, str]:
    """Return what a lost request has made, or why nobody can tell."""
    run = ground.run
    sought = Sought(run.catalog[TYPE], BODY, known, ground.now, since=since)
    try:
        return find_lost(run.gateway, sought, ground.me, ground.pause), ""
    except Unclear as why:
        return "", str(why)
    except AuthError:
        raise
    except ApiError as error:
        return "", f"its answer was lost, and it could not be looked for: {error.message}"


def server_now(run: Run) -> datetime:
    """Return the time by the clock that starts downtimes."""
    return datetime.fromtimestamp(run.read_time(), timezone.utc)
