"""Invented monitors: metric, anomaly, log and service checks, and composites over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources.common import held_roles
from ddsnap.sandbox.seed.words import (
    CHANNELS,
    DOMAINS,
    ENVIRONMENTS,
    PARTS,
    REGIONS,
    WEBHOOKS,
    combinations,
    later,
    moment,
)
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

_AVG = "avg(last_10m):avg:"
_P99 = "percentile(last_5m):p99:trace.http.request"
_ERRORS = "sum(last_5m):sum:trace.http.request.errors{SCOPE}.as_count()"
_HITS = "sum:trace.http.request.hits{SCOPE}.as_count()"
_UNUSUAL = "avg(last_4h):anomalies(sum:trace.http.request.hits{SCOPE}.as_rate(), 'agile', 3)"
_QUEUE = "min(last_30m):max:queue.depth{SCOPE} by {queue}"
_LOGS = 'logs("SEARCH").index("INDEX").rollup("count").last("15m")'
_LOGS_BY_HOST = 'logs("SEARCH status:error").index("INDEX").rollup("count").by("host").last("5m")'
_CHECK = '"http.can_connect".over("SEARCH").by("host").last(4).count_by_status()'
# Title, type, query with SCOPE, SEARCH, INDEX and LIMIT to fill in, values of the limit.
_KINDS = (
    ("CPU is high", "metric alert", _AVG + "system.cpu.user{SCOPE} by {host} > LIMIT", (80, 90)),
    ("Memory is low", "metric alert", _AVG + "system.mem.free{SCOPE} by {host} < LIMIT", (0.05,)),
    ("p99 latency is high", "metric alert", f"{_P99}{{SCOPE}} > LIMIT", (0.5, 1, 2.5)),
    ("Error rate is high", "query alert", f"{_ERRORS} / {_HITS} > LIMIT", (0.01, 0.05)),
    ("Traffic is unusual", "query alert", _UNUSUAL + " >= LIMIT", (1,)),
    ("Queue is not drained", "metric alert", _QUEUE + " > LIMIT", (1000, 50000)),
    ("Errors in the logs", "log alert", _LOGS_BY_HOST + " > LIMIT", (10, 100)),
    ("No logs arrive", "log alert", _LOGS + " < LIMIT", (1,)),
    ("Health check fails", "service check", _CHECK, (3,)),
)
_TITLES = tuple(kind[0] for kind in _KINDS)
_BY_TITLE = {kind[0]: kind for kind in _KINDS}
_COMPOSED = ("{} && {}", "{} && !{}", "( {} || {} ) && !{}", "( ( {} || {} ) && {} ) || !{}")
_SERVICES = tuple(f"{domain}-{part}" for domain in DOMAINS for part in PARTS)


def add_monitors(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add monitors; one in twenty is a composite over earlier ones."""
    composites = count // 20
    drawn = combinations(rng, count - composites, _TITLES, _SERVICES, ENVIRONMENTS, REGIONS)
    made = [_single(org, rng, words) for words in drawn]
    for number in range(composites):
        form = rng.choice(_COMPOSED[: 1 + min(3, len(made) - 2)])
        parts = rng.sample(made, form.count("{}"))
        made.append(_composite(org, rng, number, form, parts))


def _single(org: SandboxOrg, rng: random.Random, words: tuple[str, ...]) -> Body:
    title, service, environment, region = words
    _, kind, query, values = _BY_TITLE[title]
    value = rng.choice(values)
    scope = {"service": service, "env": environment, "region": region.partition(" ")[0]}
    text = query.replace("LIMIT", str(value)).replace("INDEX", _index(org, rng))
    text = text.replace("SCOPE", ",".join(f"{k}:{v}" for k, v in scope.items()))
    text = text.replace("SEARCH", " ".join(f"{k}:{v}" for k, v in scope.items()))
    body = new_monitor(org, rng, kind, text, f"[{environment}] {service}: {title} in {region}")
    body["options"] = _options(rng, kind, value)
    body["tags"] = [f"service:{service}", f"env:{environment}", *_team_tag(org, rng)]
    body["message"] = _message(org, rng, f"{title} on {{{{host.name}}}}. Value: {{{{value}}}}.")
    if rng.random() < 0.03:
        body["restricted_roles"] = [rng.choice(sorted(held_roles(org)))]
    return body


def _composite(
    org: SandboxOrg, rng: random.Random, number: int, form: str, parts: list[Body]
) -> Body:
    service = parts[0]["tags"][0].partition(":")[2] if parts[0]["tags"] else "platform"
    query = form.format(*(part["id"] for part in parts))
    name = f"{service}: several symptoms at once (#{number + 1})"
    body = new_monitor(org, rng, "composite", query, name)
    body["options"] = {**usual_options(), "notify_no_data": False}
    body["tags"] = [f"service:{service}", *_team_tag(org, rng)]
    body["message"] = _message(org, rng, "More than one symptom: treat it as an incident.")
    return body


def new_monitor(org: SandboxOrg, rng: random.Random, kind: str, query: str, name: str) -> Body:
    """Add a monitor without options, tags and message."""
    when, id_ = moment(rng), org.new_int()
    owner = org.table("users")[org.owner]["attributes"]
    body: Body = {
        "id": id_,
        "org_id": org.number,
        "type": kind,
        "name": name,
        "message": "",
        "tags": [],
        "query": query,
        "options": {},
        "multi": " by {" in query or ".by(" in query,
        "priority": rng.choice((None, None, 1, 2, 3, 4)),
        "restricted_roles": None,
        "draft_status": "published",
        "created_at": int(when.timestamp()) * 1000,
        "created": iso(when),
        "modified": iso(later(when, rng)),
        "deleted": None,
        "overall_state_modified": None,
        "overall_state": rng.choice(("OK", "OK", "OK", "Alert", "No Data")),
        "creator": {
            "name": owner["name"],
            "email": owner["email"],
            "handle": owner["handle"],
            "id": org.number + 1,
        },
    }
    org.table("monitors")[str(id_)] = body
    return body


def _options(rng: random.Random, kind: str, value: float) -> Body:
    options = {**usual_options(), "notify_no_data": rng.random() < 0.2}
    if kind == "service check":
        return {**options, "thresholds": {"critical": value, "ok": 1, "warning": 1}}
    if kind == "log alert":
        options |= {"groupby_simple_monitor": False, "enable_logs_sample": rng.random() < 0.5}
    if rng.random() < 0.3:
        options |= {"renotify_interval": 60, "escalation_message": "Still going on."}
    return {**options, "thresholds": {"critical": float(value)}}


def usual_options() -> Body:
    """Return the options that most monitors have."""
    return {"notify_audit": False, "new_host_delay": 300, "include_tags": True, "silenced": {}}


def _message(org: SandboxOrg, rng: random.Random, text: str) -> str:
    handles = [f"@slack-{rng.choice(CHANNELS)}"]
    teams, users = org.table("teams"), org.table("users")
    if teams and rng.random() < 0.6:
        handles.append(f"@team-{_some(teams, rng)['attributes']['handle']}")
    if rng.random() < 0.2:
        handles.append(f"@{_some(users, rng)['attributes']['email']}")
    if rng.random() < 0.2:
        handles.append(f"@webhook-{rng.choice(WEBHOOKS)}")
    return f"{text}\n\nNotify: {' '.join(handles)}"


def _team_tag(org: SandboxOrg, rng: random.Random) -> list[str]:
    teams = org.table("teams")
    return [f"team:{_some(teams, rng)['attributes']['handle']}"] if teams else []


def _index(org: SandboxOrg, rng: random.Random) -> str:
    return str(rng.choice(list(org.table("logs_indexes"))))


def _some(table: dict[str, Body], rng: random.Random) -> Body:
    # The cost is that of a list of ids; tables of people are small beside those of monitors.
    return table[rng.choice(list(table))]
