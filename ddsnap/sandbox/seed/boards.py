"""Invented powerpacks, lists of dashboards, and notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources.notebooks import cell_id
from ddsnap.sandbox.seed.words import DOMAINS, GROUPS, PARTS, combinations, later, moment
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

_SERVICES = tuple(f"{domain}-{part}" for domain in DOMAINS for part in PARTS)
_VENDORS = ("aws", "nginx", "postgres", "redis", "kafka")
_KINDS = (None, None, "postmortem", "runbook", "investigation", "documentation", "report")
_AUTHOR = ("name", "handle", "created_at", "email", "icon", "title", "verified", "disabled",
           "status")  # fmt: skip


def add_powerpacks(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add powerpacks with a graph, an alert and a note each."""
    for (service,) in combinations(rng, count, _SERVICES):
        row = _powerpack(org, rng, service)
        org.table("powerpacks")[row["id"]] = row


def add_lists(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add lists; some hold a dashboard of an integration, some are empty."""
    boards = list(org.table("dashboards"))
    for group, domain in combinations(rng, count, GROUPS, DOMAINS):
        row = _list(org, rng, f"{group}: {domain}", boards)
        org.table("dashboard_lists")[str(row["id"])] = row


def add_notebooks(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add notebooks; one in four is a template."""
    for place, (service, group) in enumerate(combinations(rng, count, _SERVICES, GROUPS)):
        row = _notebook(org, rng, f"{service}: notes of {group}"[:80], place)
        org.table("notebooks")[str(row["id"])] = row


def _powerpack(org: SandboxOrg, rng: random.Random, service: str) -> Body:
    monitors = list(org.table("monitors"))
    widgets = [_graph(service), {"type": "note", "content": f"How {service} is doing."}]
    if monitors:
        alert = {"type": "alert_graph", "viz_type": "timeseries"}
        widgets.append({**alert, "alert_id": rng.choice(monitors)})
    definition = {
        "layout_type": "ordered",
        "title": f"Health of {service}",
        "type": "group",
        "widgets": [{"definition": widget, "id": org.new_widget()} for widget in widgets],
    }
    return {
        "type": "powerpack",
        "id": org.new_uuid(),
        "attributes": {
            "name": f"Health of {service}",
            "description": "The usual graphs.",
            "group_widget": {
                "definition": definition,
                "layout": {"width": 12, "height": 1, "x": 0, "y": 0},
            },
            "template_variables": [{"name": "env", "defaults": ["*"]}],
            "tags": [f"service:{service}", "tier:1"],
        },
        "relationships": {"author": {"data": {"type": "users", "id": org.owner}}},
    }


def _list(org: SandboxOrg, rng: random.Random, name: str, boards: list[str]) -> Body:
    chosen = rng.sample(boards, min(len(boards), rng.randint(0, 6)))
    members = [{"id": id_, "type": "custom_timeboard"} for id_ in chosen]
    if rng.random() < 0.4:
        members.append({"id": rng.choice(_VENDORS), "type": "integration_timeboard"})
    when = moment(rng)
    owner = org.table("users")[org.owner]["attributes"]
    return {
        "author": {"name": owner["name"], "handle": owner["handle"]},
        "created": iso(when),
        "dashboards": members,
        "dashboard_count": len(members),
        "id": org.new_int(),
        "is_favorite": rng.random() < 0.2,
        "modified": iso(later(when, rng)),
        "name": name,
        "type": "manual_dashboard_list",
    }


def _notebook(org: SandboxOrg, rng: random.Random, name: str, place: int) -> Body:
    service = name.partition(":")[0]
    when = moment(rng)
    owner = org.table("users")[org.owner]["attributes"]
    kind = {"take_snapshots": False, "is_template": place % 4 == 1, "is_favorite": False}
    return {
        "type": "notebooks",
        "id": org.new_int(),
        "attributes": {
            "name": name,
            "cells": [_cell(org, definition) for definition in _definitions(org, rng, service)],
            "time": {"live_span": rng.choice(("1h", "4h", "1d"))},
            "metadata": {**kind, "type": rng.choice(_KINDS)},
            "template_variables": [],
            "status": "published",
            "modified": iso(later(when, rng)),
            "created": iso(when),
            "deleted": None,
            "tags": rng.choice((None, [f"service:{service}"], ["tier:1", f"service:{service}"])),
            "author": {name: owner[name] for name in _AUTHOR},
        },
    }


def _definitions(org: SandboxOrg, rng: random.Random, service: str) -> list[Body]:
    lines = [f"# {service}", "What we found out so far."]
    if org.table("dashboards"):
        board = rng.choice(list(org.table("dashboards")))
        lines.append(f"[Its dashboard](/dashboard/{board})")
    return [
        {"type": "markdown", "text": "\n\n".join(lines)},
        _graph(service),
        {"type": "markdown", "text": "## Conclusion"},
    ]


def _graph(service: str) -> Body:
    request = {"q": f"avg:system.load.1{{service:{service}}}", "display_type": "line"}
    return {"type": "timeseries", "show_legend": True, "requests": [request]}


def _cell(org: SandboxOrg, definition: Body) -> Body:
    attributes: Body = {"definition": definition}
    if definition["type"] != "markdown":
        attributes |= {"graph_size": "m", "split_by": {"keys": [], "tags": []}, "time": None}
    return {"type": "notebook_cells", "id": cell_id(org.new_widget()), "attributes": attributes}
