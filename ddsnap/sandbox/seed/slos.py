"""Invented objectives of all three types, alerts on them, and corrections to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources.slo_rules import derived
from ddsnap.sandbox.seed.monitors import new_monitor, usual_options
from ddsnap.sandbox.seed.words import DOMAINS, ENVIRONMENTS, PARTS, combinations, later, moment

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

_SERVICES = tuple(f"{domain}-{part}" for domain in DOMAINS for part in PARTS)
_PROMISES = ("Availability", "Success rate", "Latency", "Freshness")
_CATEGORIES = ("Scheduled Maintenance", "Deployment", "Outside Business Hours", "Other")
_TARGETS = ((99.9, 99.95), (99.5, 99.8), (99, None), (95, 98))


def add_slos(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add objectives; of every five resources one is an alert on an earlier objective."""
    alerts = count // 5
    made = [_slo(org, rng, *words) for words in _drawn(rng, count - alerts)]
    for row in rng.sample(made, alerts):
        _alert(org, rng, row)


def add_corrections(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add corrections: of one objective or a query of them, once or recurring, some long over."""
    slos = list(org.table("service_level_objectives"))
    for place in range(count if slos else 0):
        row = _correction(org, rng, rng.choice(slos), place)
        org.table("slo_corrections")[row["id"]] = row


def _drawn(rng: random.Random, count: int) -> list[tuple[str, ...]]:
    return combinations(rng, count, _PROMISES, _SERVICES, ENVIRONMENTS)


def _slo(org: SandboxOrg, rng: random.Random, promise: str, service: str, env: str) -> Body:
    kinds = ["metric", "metric", "time_slice", *(["monitor"] if org.table("monitors") else [])]
    kind = rng.choice(kinds)
    frames = rng.sample(("7d", "30d", "90d"), rng.choice((1, 1, 2, 3)))
    teams = [row["attributes"]["handle"] for row in org.table("teams").values()]
    sent: Body = {
        "name": f"{promise} of {service} ({env})",
        "type": kind,
        "description": f"What {service} promises." if rng.random() < 0.7 else "",
        "tags": [f"service:{service}", f"env:{env}", *(f"team:{t}" for t in teams[:1])],
        "thresholds": [_threshold(frame, rng) for frame in frames],
        **_indicator(org, rng, kind, f"service:{service},env:{env}"),
    }
    when = int(moment(rng).timestamp())
    owner = org.table("users")[org.owner]["attributes"]
    row = {
        "id": org.new_uuid().replace("-", ""),
        **derived(org, sent),
        "creator": {name: owner[name] for name in ("name", "handle", "email")},
        "created_at": when,
        "modified_at": when + rng.randrange(60, 5_000_000),
    }
    org.table("service_level_objectives")[row["id"]] = row
    return row


def _threshold(frame: str, rng: random.Random) -> Body:
    target, warning = rng.choice(_TARGETS)
    return {"timeframe": frame, "target": target, "warning": warning}


def _indicator(org: SandboxOrg, rng: random.Random, kind: str, scope: str) -> Body:
    if kind == "monitor":
        monitors = [row["id"] for row in org.table("monitors").values()]
        return {"monitor_ids": sorted(rng.sample(monitors, min(len(monitors), rng.randint(1, 3))))}
    hits, errors = (f"sum:trace.http.request.{name}{{{scope}}}" for name in ("hits", "errors"))
    if kind == "metric":
        total = f"{hits}.as_count()"
        return {"query": {"numerator": f"{total} - {errors}.as_count()", "denominator": total}}
    query = {
        "formulas": [{"formula": "query1"}],
        "queries": [{"data_source": "metrics", "name": "query1", "query": hits}],
    }
    slices = {"comparator": ">", "threshold": 5, "query": query, "query_interval_seconds": 300}
    return {"sli_specification": {"time_slice": slices}}


def _alert(org: SandboxOrg, rng: random.Random, slo: Body) -> None:
    limit = rng.choice((50.0, 75.0, 100.0))
    query = f'error_budget("{slo["id"]}").over("{slo["timeframe"]}") > {limit:g}'
    body = new_monitor(org, rng, "slo alert", query, f"Error budget: {slo['name']}")
    body["options"] = {
        **usual_options(),
        "notify_no_data": False,
        "thresholds": {"critical": limit},
    }
    body["tags"] = list(slo["tags"])
    body["message"] = "The error budget is nearly used up. @slack-sre"


def _correction(org: SandboxOrg, rng: random.Random, slo: str, place: int) -> Body:
    start = moment(rng)
    owner = org.table("users")[org.owner]["attributes"]
    shown = {name: owner[name] for name in ("uuid", "handle", "email", "name", "icon")}
    recurring, by_query = place % 3 == 2, place % 5 == 4
    begin, when = int(start.timestamp()), int(later(start, rng).timestamp())
    return {
        "type": "correction",
        "id": org.new_uuid(),
        "attributes": {
            "slo_id": None if by_query else slo,
            "slo_query": f"env:{rng.choice(ENVIRONMENTS)}" if by_query else None,
            "start": begin,
            "end": None if recurring else begin + rng.choice((3600, 86_400)),
            "description": f"Window {place + 1}",
            "category": rng.choice(_CATEGORIES),
            "timezone": "UTC",
            "rrule": "FREQ=WEEKLY;BYDAY=SU" if recurring else None,
            "duration": 7200 if recurring else None,
            "created_at": when,
            "modified_at": when,
            "creator": {"data": {"type": "users", "id": org.owner, "attributes": shown}},
            "modifier": None,
        },
    }
