"""Invented downtimes: of single monitors and of tags, once and every week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources.common import monitors_of
from ddsnap.sandbox.resources.downtimes import downtime
from ddsnap.sandbox.seed.words import DOMAINS, ENVIRONMENTS, combinations, moment

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg


def add_downtimes(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add downtimes, none of which is over."""
    monitors = [row["id"] for row in monitors_of(org).values()]
    for place, (domain, environment) in enumerate(combinations(rng, count, DOMAINS, ENVIRONMENTS)):
        of_one = bool(monitors) and place % 3 == 1
        attributes: Body = {
            "message": f"Maintenance of {domain}",
            "scope": f"env:{environment.replace(' ', '-')}",
            "monitor_identifier": {"monitor_id": rng.choice(monitors)}
            if of_one
            else {"monitor_tags": [f"service:{domain}-api", f"env:{environment}"]},
            "schedule": _weekly(place) if place % 2 else _once(place),
            "notify_end_states": ["alert", "no data", "warn"],
            "notify_end_types": ["canceled", "expired"],
        }
        row = downtime(org.new_uuid(), attributes, org.owner, moment(rng))
        org.table("downtime_schedules")[row["id"]] = row


def _once(place: int) -> Body:
    return {"start": f"2098-01-{place % 28 + 1:02}T22:00:00+00:00", "end": None}


def _weekly(place: int) -> Body:
    day = f"2024-06-{place % 28 + 1:02}"
    return {
        "current_downtime": {
            "start": f"{day}T22:00:00+00:00",
            "end": f"{day}T23:00:00+00:00",
        },
        "recurrences": [
            {"rrule": "FREQ=WEEKLY;INTERVAL=1", "duration": "1h", "start": f"{day}T22:00:00"}
        ],
        "timezone": "UTC",
    }
