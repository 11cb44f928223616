"""What is changed, emptied or taken away at the source follows, and then nothing is written."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pairs import api, note, pair, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pairs import Pair

LATER = "2099-01-01T00:00:00+00:00"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """A resource that is made with all it can say, and what an edit leaves of it."""

    type: str
    path: str
    body: dict[str, Any]
    edited: Callable[[dict[str, Any]], object]
    shown: Callable[[dict[str, Any]], object]


def attributes(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["attributes"].update({name: value})


DOWNTIME = {
    "scope": "env:x",
    "message": "all quiet",
    "monitor_identifier": {"monitor_tags": ["*"]},
    "schedule": {"start": "2098-01-01T00:00:00+00:00", "end": "2099-01-01T00:00:00+00:00"},
}
MONITOR = {
    "type": "metric alert",
    "name": "load",
    "query": "avg(last_5m):avg:load{*} > 1",
    "message": "text",
    "priority": 2,
    "tags": ["a:1"],
    "options": {"thresholds": {"critical": 1, "warning": 0.5}, "renotify_interval": 60},
}
SLO = {
    "name": "s",
    "type": "metric",
    "description": "x",
    "tags": ["a:1"],
    "query": {"numerator": "sum:a{*}.as_count()", "denominator": "sum:b{*}.as_count()"},
    "thresholds": [{"timeframe": "7d", "target": 99, "warning": 99.5}],
}
INDEX = {
    "name": "web",
    "filter": {"query": "*"},
    "num_retention_days": 15,
    "daily_limit": 100,
    "exclusion_filters": [{"name": "e", "is_enabled": True,
                           "filter": {"query": "*", "sample_rate": 1.0}}],
}  # fmt: skip
PIPELINE = {
    "name": "p",
    "description": "x",
    "is_enabled": True,
    "filter": {"query": "*"},
    "tags": ["a:1"],
    "processors": [{"type": "message-remapper", "name": "m", "sources": ["m"], "is_enabled": True}],
}
BOARD = {
    "title": "Board",
    "description": "x",
    "layout_type": "ordered",
    "widgets": [{"definition": note("1")}, {"definition": note("2")}],
    "template_variables": [{"name": "v", "prefix": "env", "defaults": ["*"]}],
    "tags": ["team:x"],
}
CELL = {"type": "notebook_cells", "attributes": {"definition": {"type": "markdown", "text": "x"}}}
NOTEBOOK = {"name": "n", "cells": [CELL, CELL], "time": {"live_span": "1h"}, "tags": ["team:x"]}
TEST = {
    "type": "api",
    "subtype": "http",
    "name": "ping",
    "message": "wake up",
    "tags": ["a:1"],
    "locations": ["aws:eu-west-1"],
    "options": {"tick_every": 60, "retry": {"count": 2, "interval": 300}},
    "config": {
        "assertions": [{"type": "statusCode", "operator": "is", "target": 200}],
        "request": {"method": "GET", "url": "https://example.com", "headers": {"X-A": "1"}},
    },
}
POWERPACK = {
    "name": "p",
    "description": "x",
    "tags": ["tag:a"],
    "template_variables": [],
    "group_widget": {
        "definition": {
            "type": "group",
            "layout_type": "ordered",
            "widgets": [{"definition": note("x")}],
        },
        "layout": {"x": 0, "y": 0, "width": 12, "height": 1},
    },
}
METRIC = {
    "filter": {"query": "*"},
    "group_by": [{"path": "@a", "tag_name": "a"}],
    "compute": {"aggregation_type": "count"},
}

CASES = {
    "the message of a monitor": Case(
        "monitors", "/api/v1/monitor", MONITOR,
        lambda b: b.update(message="", tags=[], priority=None, modified=LATER),
        lambda b: (b["message"], b["tags"], b["priority"])),
    "an option of a monitor": Case(
        "monitors", "/api/v1/monitor", MONITOR,
        lambda b: (b["options"].pop("renotify_interval"), b["options"]["thresholds"].pop("warning"),
                   b.update(modified=LATER)),
        lambda b: (b["options"].get("renotify_interval"), b["options"]["thresholds"])),
    "the end of a downtime": Case(
        "downtime_schedules", "/api/v2/downtime", api("downtime", DOWNTIME),
        lambda b: (b["attributes"]["schedule"].update(end=None), attributes("message", None)(b)),
        lambda b: (b["attributes"]["schedule"]["end"], b["attributes"]["message"])),
    "the description of a team": Case(
        "teams", "/api/v2/team",
        api("team", {"handle": "t", "name": "t", "description": "x", "visible_modules": ["m"]}),
        lambda b: b["attributes"].update(description="", modified_at=LATER),
        lambda b: b["attributes"]["description"]),
    "the name of a user": Case(
        "users", "/api/v2/users", api("users", {"email": "u@e.example", "name": "Ann"}),
        lambda b: b["attributes"].update(name="Bea", modified_at=LATER),
        lambda b: b["attributes"]["name"]),
    "the description of an objective": Case(
        "service_level_objectives", "/api/v1/slo", SLO,
        lambda b: (b.update(description="", tags=[]), b["thresholds"][0].pop("warning")),
        lambda b: (b["description"] or "", b["tags"], b["thresholds"][0].get("warning"))),
    "the quota of an index": Case(
        "logs_indexes", "/api/v1/logs/config/indexes", INDEX,
        lambda b: b.update(daily_limit=None, exclusion_filters=[]),
        lambda b: (b["daily_limit"], b["exclusion_filters"])),
    "the processors of a pipeline": Case(
        "logs_pipelines", "/api/v1/logs/config/pipelines", PIPELINE,
        lambda b: b.update(description="", tags=[], processors=[]),
        lambda b: (b.get("description") or "", b.get("tags") or [], b["processors"])),
    "the groups of a metric": Case(
        "logs_metrics", "/api/v2/logs/config/metrics", api("logs_metrics", METRIC, id="m"),
        attributes("group_by", []), lambda b: b["attributes"]["group_by"]),
    "the widgets of a dashboard": Case(
        "dashboards", "/api/v1/dashboard", BOARD,
        lambda b: b.update(description=None, tags=[], template_variables=[],
                           widgets=b["widgets"][1:], modified_at=LATER),
        lambda b: (b["description"] or "", b.get("tags") or [], b["template_variables"] or [],
                   [w["definition"]["content"] for w in b["widgets"]])),
    "the description of a powerpack": Case(
        "powerpacks", "/api/v2/powerpacks", api("powerpack", POWERPACK),
        lambda b: b["attributes"].update(description="", tags=[]),
        lambda b: (b["attributes"].get("description") or "", b["attributes"].get("tags") or [])),
    "the order of the widgets": Case(
        "dashboards", "/api/v1/dashboard", BOARD,
        lambda b: b.update(widgets=b["widgets"][::-1], modified_at=LATER),
        lambda b: [w["definition"]["content"] for w in b["widgets"]]),
    "the cells of a notebook": Case(
        "notebooks", "/api/v1/notebooks", api("notebooks", NOTEBOOK),
        lambda b: b["attributes"].update(cells=b["attributes"]["cells"][1:], tags=[],
                                         modified=LATER),
        lambda b: (len(b["attributes"]["cells"]), b["attributes"]["tags"] or [])),
    "the message of a test": Case(
        "synthetics_tests", "/api/v1/synthetics/tests/api", TEST,
        lambda b: (b.update(message="", tags=[], modified_at=LATER), b["options"].pop("retry"),
                   b["config"]["request"].pop("headers")),
        lambda b: (b["message"], b["tags"], b["options"].get("retry"),
                   b["config"]["request"].get("headers"))),
    "the value of a variable": Case(
        "synthetics_global_variables", "/api/v1/synthetics/variables",
        {"name": "VAR", "description": "x", "tags": ["a:1"], "value": {"value": "v"}},
        lambda b: b.update(description="", tags=[], value={"secure": False, "value": "w"},
                           modified_at=LATER),
        lambda b: (b["description"], b["tags"], b["value"]["value"])),
    "the tags of a location": Case(
        "synthetics_private_locations", "/api/v1/synthetics/private-locations",
        {"name": "L", "description": "x", "tags": ["a:1"]},
        lambda b: b.update(description="", tags=[], modifiedAt=LATER),
        lambda b: (b["description"], b["tags"])),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_what_is_taken_away_at_the_source_is_taken_away_there(orgs: Pair, what: str) -> None:
    case = CASES[what]
    before = {name: set(side.all(case.type)) for name, side in sides(orgs)}
    orgs.us1.post(case.path, case.body)
    orgs.replay()
    orgs.settle()
    (ours,) = (orgs.us1.all(case.type)[i] for i in set(orgs.us1.all(case.type)) - before["us1"])
    was = copy.deepcopy(case.shown(ours))
    case.edited(ours)
    assert case.shown(ours) != was
    said = orgs.replay()
    assert {write.method for write in said.writes} <= {"PUT", "PATCH"}
    assert len(said.writes) == 1
    (there,) = (orgs.eu1.all(case.type)[i] for i in set(orgs.eu1.all(case.type)) - before["eu1"])
    assert case.shown(there) == case.shown(ours)
    orgs.settle()


def test_what_no_update_clears_is_told_and_not_written_again(orgs: Pair) -> None:
    """A correction's end stays, whatever is sent: the server settles it differently, once."""
    slo = orgs.us1.slo("SLO")
    body = {"slo_id": slo, "category": "Other", "start": 4102444800, "end": 4102448400,
            "description": "x", "timezone": "UTC"}  # fmt: skip
    orgs.us1.post("/api/v1/slo/correction", api("correction", body))
    orgs.replay()
    (ours,) = orgs.us1.all("slo_corrections").values()
    ours["attributes"].update(description="", end=None, duration=3600, rrule="FREQ=DAILY")
    orgs.replay()
    (there,) = orgs.eu1.all("slo_corrections").values()
    assert there["attributes"]["rrule"] == "FREQ=DAILY"
    assert there["attributes"]["description"] == ""
    orgs.settle()


def test_what_makes_it_another_resource_is_told_in_the_plan(orgs: Pair) -> None:
    slo = orgs.us1.slo("SLO")
    test = orgs.us1.post("/api/v1/synthetics/tests/api", probe("ping"))["public_id"]
    orgs.replay()
    load = int(orgs.us1.monitor("load"))
    changed = {"type": "monitor", "monitor_ids": [load], "modified_at": 4102444800}
    orgs.us1.all("service_level_objectives")[slo].update(changed, query=None)
    orgs.us1.all("synthetics_tests")[test].update(subtype="dns", modified_at=LATER)
    said = orgs.replay(code=4)
    assert said.sent == ["POST /api/v1/monitor"]
    told = orgs.outcomes()
    assert told["SLO"]["error"].startswith("its type is 'monitor', and 'metric' at the destination")
    assert told["ping"]["error"].startswith("its subtype is 'dns', and 'http' at the destination")
    assert "delete it there" in said.out


def sides(orgs: Pair) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return ("us1", orgs.us1), ("eu1", orgs.eu1)
