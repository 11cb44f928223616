"""Invented dashboards with widgets over metrics, logs, monitors and each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources.dashboards import slug
from ddsnap.sandbox.seed.words import (
    DOMAINS,
    ENVIRONMENTS,
    GROUPS,
    PARTS,
    combinations,
    later,
    moment,
)
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

_SUBJECTS = ("Overview", "Latency and errors", "Capacity", "Deployments", "Costs", "On-call",
             "Dependencies", "Queues", "Logs", "SLO review")  # fmt: skip
_METRICS = ("system.cpu.user", "trace.http.request.hits", "trace.http.request.errors",
            "queue.depth", "jvm.heap_memory", "kafka.consumer_lag")  # fmt: skip


def add_dashboards(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add dashboards; notes link to earlier ones."""
    draw = _Draw(org, rng)
    services = tuple(f"{domain}-{part}" for domain in DOMAINS for part in PARTS)
    for subject, service, group in combinations(rng, count, _SUBJECTS, services, GROUPS):
        body = _dashboard(draw, f"{service}: {subject} ({group})", service)
        org.table("dashboards")[body["id"]] = body
        draw.dashboards.append(body["id"])


class _Draw:
    """What there is to refer to, as lists to choose from."""

    def __init__(self, org: SandboxOrg, rng: random.Random) -> None:
        self.org, self.rng = org, rng
        self.monitors = list(org.table("monitors"))
        self.indexes = list(org.table("logs_indexes"))
        self.slos = list(org.table("service_level_objectives"))
        self.powerpacks = list(org.table("powerpacks"))
        self.roles = list(org.table("roles"))
        self.teams = [row["attributes"]["handle"] for row in org.table("teams").values()]
        self.handles = [row["attributes"]["handle"] for row in org.table("users").values()]
        self.dashboards: list[str] = []

    def chance(self, share: float) -> bool:
        return self.rng.random() < share


def _dashboard(draw: _Draw, title: str, service: str) -> Body:
    org, rng = draw.org, draw.rng
    when, id_ = moment(rng), org.new_short()
    owner = org.table("users")[org.owner]["attributes"]
    widgets = [_widget(draw, service) for _ in range(rng.randint(3, 8))]
    widgets.insert(0, _note(draw, service))
    if draw.chance(0.4):
        widgets.append(_group(draw, service))
    body: Body = {
        "id": id_,
        "title": title,
        "description": f"How {service} is doing." if draw.chance(0.6) else None,
        "layout_type": "ordered",
        "url": f"/dashboard/{id_}/{slug(title)}",
        "template_variables": _variables(draw),
        "widgets": widgets,
        "notify_list": sorted(rng.sample(draw.handles, 1)) if draw.chance(0.1) else None,
        "author_handle": owner["handle"],
        "author_name": owner["name"],
        "created_at": iso(when),
        "modified_at": iso(later(when, rng)),
        "reflow_type": "auto",
        "tags": [f"team:{rng.choice(draw.teams)}"] if draw.teams and draw.chance(0.4) else [],
    }
    if draw.chance(0.05):
        body["restricted_roles"] = [rng.choice(draw.roles)]
    if draw.chance(0.1):
        body["tabs"] = _tabs(draw, widgets)
    return body


def _widget(draw: _Draw, service: str) -> Body:
    kinds = [_timeseries, _value, _toplist, _stream]
    if draw.monitors:
        kinds += [_alert_graph, _alert_value]
    if draw.slos:
        kinds += [_slo]
    if draw.powerpacks:
        kinds += [_powerpack]
    return _placed(draw, draw.rng.choice(kinds)(draw, service))


def _placed(draw: _Draw, definition: Body) -> Body:
    return {"id": draw.org.new_widget(), "definition": definition}


def _note(draw: _Draw, service: str) -> Body:
    lines = [f"## {service}", "Start here when you are paged."]
    if draw.dashboards:
        lines.append(f"See also [the next one](/dashboard/{draw.rng.choice(draw.dashboards)}).")
    if draw.monitors and draw.chance(0.3):
        lines.append(f"[The alert](/monitors/{draw.rng.choice(draw.monitors)})")
    note = {"type": "note", "content": "\n".join(lines), "background_color": "white"}
    return _placed(draw, {**note, "font_size": "14", "text_align": "left", "show_tick": False})


def _group(draw: _Draw, service: str) -> Body:
    inner = [_widget(draw, service) for _ in range(draw.rng.randint(1, 3))]
    head = {"type": "group", "title": f"{service} in detail", "layout_type": "ordered"}
    return _placed(draw, {**head, "widgets": inner})


def _query(draw: _Draw, service: str, name: str) -> Body:
    metric, environment = draw.rng.choice(_METRICS), draw.rng.choice(ENVIRONMENTS)
    query = f"sum:{metric}{{service:{service},env:{environment}}} by {{host}}"
    return {"data_source": "metrics", "name": name, "query": query}


def _timeseries(draw: _Draw, service: str) -> Body:
    queries = [_query(draw, service, "query1"), _query(draw, service, "query2")]
    request = {
        "formulas": [{"formula": "query1 / query2", "alias": "ratio"}],
        "queries": queries,
        "response_format": "timeseries",
        "display_type": draw.rng.choice(("line", "area", "bars")),
    }
    markers = [{"value": "y = 0.95", "display_type": "error dashed"}]
    return {"type": "timeseries", "title": f"Ratio for {service}", "show_legend": True,
            "requests": [request], "markers": markers if draw.chance(0.3) else []}  # fmt: skip


def _value(draw: _Draw, service: str) -> Body:
    query = {**_query(draw, service, "query1"), "aggregator": draw.rng.choice(("avg", "sum"))}
    request = {"formulas": [{"formula": "query1"}], "queries": [query], "response_format": "scalar"}
    return {"type": "query_value", "title": "Now", "autoscale": True, "precision": 2,
            "requests": [request]}  # fmt: skip


def _toplist(draw: _Draw, service: str) -> Body:
    query = f"top(avg:{draw.rng.choice(_METRICS)}{{service:{service}}} by {{host}}, 10, 'mean')"
    return {"type": "toplist", "title": "Top hosts", "requests": [{"q": query}]}


def _stream(draw: _Draw, service: str) -> Body:
    query = {
        "data_source": "logs_stream",
        "query_string": f"service:{service} status:error",
        "indexes": [draw.rng.choice(draw.indexes)],
    }
    columns = [{"field": "timestamp", "width": "auto"}, {"field": "content", "width": "auto"}]
    request = {"query": query, "columns": columns, "response_format": "event_list"}
    return {"type": "list_stream", "title": "Recent errors", "requests": [request]}


def _alert_graph(draw: _Draw, service: str) -> Body:
    return {"type": "alert_graph", "title": f"Alert of {service}", "viz_type": "timeseries",
            "alert_id": draw.rng.choice(draw.monitors)}  # fmt: skip


def _alert_value(draw: _Draw, service: str) -> Body:
    return {"type": "alert_value", "title": f"Value of {service}", "precision": 1,
            "alert_id": draw.rng.choice(draw.monitors)}  # fmt: skip


def _slo(draw: _Draw, service: str) -> Body:
    return {"type": "slo", "title": f"What {service} promises", "view_type": "detail",
            "slo_id": draw.rng.choice(draw.slos), "time_windows": ["30d"]}  # fmt: skip


def _powerpack(draw: _Draw, service: str) -> Body:
    return {"type": "powerpack", "title": f"Health around {service}", "show_title": True,
            "powerpack_id": draw.rng.choice(draw.powerpacks)}  # fmt: skip


def _variables(draw: _Draw) -> list[Body] | None:
    if not draw.chance(0.7):
        return None
    return [
        {"name": "env", "prefix": "env", "available_values": list(ENVIRONMENTS), "default": "prod"},
        {"name": "host", "prefix": "host", "available_values": [], "default": "*"},
    ]


def _tabs(draw: _Draw, widgets: list[Body]) -> list[Body]:
    ids = [widget["id"] for widget in widgets]
    middle = len(ids) // 2
    parts = (("Summary", ids[:middle]), ("Details", ids[middle:]))
    return [{"id": draw.org.new_uuid(), "name": n, "widget_ids": part} for n, part in parts]
