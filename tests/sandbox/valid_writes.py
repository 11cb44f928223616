"""One good write of every kind, for tests that spoil it; what it needs is put there first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Client

TEST = {
    "type": "api",
    "subtype": "http",
    "name": "t",
    "message": "",
    "status": "live",
    "tags": ["a:1"],
    "locations": ["aws:eu-west-1"],
    "options": {"tick_every": 60, "monitor_options": {"renotify_interval": 0}},
    "config": {
        "assertions": [{"type": "statusCode", "operator": "is", "target": 200}],
        "request": {
            "method": "GET",
            "url": "https://example.com",
            "headers": {"X-A": "1"},
            "basicAuth": {"type": "web", "username": "u", "password": "p"},
            "certificate": {"cert": {"filename": "c", "content": "x"}},
            "files": [{"name": "f", "content": "x"}],
        },
        "configVariables": [{"name": "PIN", "type": "text", "secure": True, "pattern": "1"}],
    },
}
BROWSER = {
    **{key: value for key, value in TEST.items() if key != "subtype"},
    "type": "browser",
    "config": {"assertions": [], "request": {"method": "GET", "url": "https://e"}, "variables": []},
    "steps": [{"name": "s", "type": "click", "params": {"element": {}}}],
}
MULTI = {
    **TEST,
    "subtype": "multi",
    "config": {"steps": [{"name": "one", "subtype": "http", "request": {"method": "GET"}}]},
}
MONITOR = {
    "type": "metric alert",
    "name": "m",
    "query": "avg(last_5m):avg:load{*} by {host} > 1",
    "message": "text",
    "tags": ["a:1"],
    "priority": 3,
    "restricted_roles": None,
    "options": {
        "thresholds": {"critical": 1, "warning": 0.5},
        "notify_by": ["host"],
        "silenced": {},
        "renotify_statuses": ["alert"],
        "scheduling_options": {"evaluation_window": {"day_starts": "04:00"}},
    },
    "assets": [{"name": "a", "url": "https://e", "category": "runbook"}],
}
DASHBOARD = {
    "title": "d",
    "description": "x",
    "layout_type": "ordered",
    "widgets": [
        {"definition": {"type": "note", "content": "1"}},
        {
            "definition": {
                "type": "group",
                "layout_type": "ordered",
                "widgets": [{"definition": {"type": "note", "content": "2"}}],
            }
        },
    ],
    "tabs": [{"name": "t", "widget_ids": ["@1"]}],
    "template_variables": [{"name": "v", "prefix": "env", "defaults": ["*"]}],
    "template_variable_presets": [
        {"name": "p", "template_variables": [{"name": "v", "values": ["a"]}]}
    ],
    "notify_list": [],
    "tags": ["team:x"],
    "restricted_roles": [],
}
SLO = {
    "name": "s",
    "type": "metric",
    "description": "x",
    "tags": ["a:1"],
    "query": {"numerator": "sum:a{*}.as_count()", "denominator": "sum:b{*}.as_count()"},
    "thresholds": [{"timeframe": "7d", "target": 99, "warning": 99.5}],
    "timeframe": "7d",
}
SLICES = {
    "name": "s",
    "type": "time_slice",
    "thresholds": [{"timeframe": "30d", "target": 99}],
    "sli_specification": {
        "time_slice": {
            "query": {"formulas": [{"formula": "a"}], "queries": [{"name": "a"}]},
            "comparator": ">",
            "threshold": 5,
        }
    },
}
COUNTED = {
    **{key: value for key, value in SLO.items() if key != "query"},
    "sli_specification": {
        "count": {
            "queries": [{"data_source": "metrics", "name": "q", "query": "sum:a{*}.as_count()"}],
            "good_events_formula": {"formula": "q"},
            "total_events_formula": {"formula": "q"},
        }
    },
}
NOTEBOOK = {
    "name": "n",
    "cells": [
        {
            "type": "notebook_cells",
            "attributes": {"definition": {"type": "markdown", "text": "x"}},
        }
    ],
    "time": {"live_span": "1h"},
    "metadata": {"type": "runbook"},
    "template_variables": [],
    "tags": ["team:x"],
    "status": "published",
}
POWERPACK = {
    "name": "p",
    "description": "x",
    "tags": ["tag:a"],
    "template_variables": [{"name": "v", "defaults": ["*"]}],
    "group_widget": {
        "definition": {
            "type": "group",
            "layout_type": "ordered",
            "widgets": [{"definition": {"type": "note", "content": "x"}}],
        },
        "layout": {"x": 0, "y": 0, "width": 12, "height": 1},
    },
}
DOWNTIME = {
    "scope": "env:x",
    "monitor_identifier": {"monitor_tags": ["*"]},
    "schedule": {"start": None, "end": "2099-01-01T00:00:00Z"},
    "message": "x",
    "display_timezone": "UTC",
    "mute_first_recovery_notification": False,
    "notify_end_states": ["alert"],
    "notify_end_types": ["expired"],
}
RECURRING = {
    **DOWNTIME,
    "schedule": {
        "timezone": "UTC",
        "recurrences": [{"rrule": "FREQ=DAILY", "duration": "1h", "start": "2098-01-01T00:00:00"}],
    },
}
PIPELINE = {
    "name": "p",
    "is_enabled": True,
    "filter": {"query": "*"},
    "tags": ["a:1"],
    "description": "x",
    "processors": [
        {
            "type": "grok-parser",
            "name": "g",
            "source": "message",
            "samples": ["x"],
            "grok": {"match_rules": "r %{data}", "support_rules": ""},
        },
        {
            "type": "pipeline",
            "name": "inner",
            "filter": {"query": "*"},
            "processors": [{"type": "message-remapper", "sources": ["m"]}],
        },
        {"type": "array-processor", "operation": {"type": "append", "source": "a", "target": "b"}},
        {
            "type": "schema-processor",
            "name": "s",
            "schema": {"schema_type": "ocsf"},
            "mappers": [{"type": "schema-remapper", "sources": ["a"], "target": "b"}],
        },
    ],
}
INDEX = {
    "filter": {"query": "*"},
    "num_retention_days": 15,
    "daily_limit": 100,
    "daily_limit_reset": {"reset_time": "14:00", "reset_utc_offset": "+02:00"},
    "daily_limit_warning_threshold_percentage": 70.0,
    "exclusion_filters": [
        {"name": "e", "is_enabled": True, "filter": {"query": "*", "sample_rate": 1.0}}
    ],
    "tags": ["a:1"],
}
METRIC = {
    "filter": {"query": "*"},
    "group_by": [{"path": "@a", "tag_name": "a"}],
    "compute": {"aggregation_type": "distribution", "path": "@d", "include_percentiles": True},
}
VARIABLE = {
    "name": "VAR",
    "description": "x",
    "tags": ["a:1"],
    "value": {"secure": True, "value": "v"},
    "attributes": {"restricted_roles": []},
}
LOCATION = {
    "name": "l",
    "description": "x",
    "tags": ["a:1"],
    "metadata": {"restricted_roles": []},
}


def api(kind: str, attributes: Any, **more: Any) -> dict[str, Any]:
    return {"data": {"type": kind, "attributes": attributes, **more}}


@dataclass(frozen=True)
class Good:
    """A write that is accepted; with ``{id}`` in the path, of what another made."""

    name: str
    method: str
    path: str
    body: Any


def good_writes(client: Client) -> list[Good]:
    """Every kind of write, each accepted by this org as it is now."""
    org = client.org
    role = next(iter(org.resources("roles")))
    permission = next(iter(org.resources("permissions")))
    made = _made(client)
    slo, board = made["slo"]["data"][0]["id"], made["dashboard"]["id"]
    correction = {"slo_id": slo, "category": "Other", "start": 1, "end": 2, "description": "x",
                  "timezone": "UTC"}  # fmt: skip
    member = {"type": "users", "id": org.owner}
    role_links = {"permissions": {"data": [{"type": "permissions", "id": permission}]}}
    changes = [
        Good("monitor", "PUT", f"/api/v1/monitor/{made['monitor']['id']}", MONITOR),
        Good("dashboard", "PUT", f"/api/v1/dashboard/{board}", DASHBOARD),
        Good("slo", "PUT", f"/api/v1/slo/{slo}", SLO),
        Good("variable", "PUT", f"/api/v1/synthetics/variables/{made['variable']['id']}", VARIABLE),
        Good("test", "PUT", f"/api/v1/synthetics/tests/api/{made['test']['public_id']}", TEST),
        Good("index", "PUT", "/api/v1/logs/config/indexes/main", INDEX),
        Good(
            "role",
            "PATCH",
            f"/api/v2/roles/{made['role']['data']['id']}",
            api("roles", {"name": "other"}, id=made["role"]["data"]["id"],
                relationships=role_links),
        ),
        Good(
            "user",
            "PATCH",
            f"/api/v2/users/{made['user']['data']['id']}",
            api("users", {"name": "n", "title": "t", "disabled": False},
                id=made["user"]["data"]["id"]),
        ),
        Good(
            "team",
            "PATCH",
            f"/api/v2/team/{made['team']['data']['id']}",
            api("team", {"name": "made", "handle": "made", "description": "x"}),
        ),
        Good(
            "downtime",
            "PATCH",
            f"/api/v2/downtime/{made['downtime']['data']['id']}",
            api("downtime", {"message": "y", "scope": "env:made"},
                id=made["downtime"]["data"]["id"]),
        ),
        Good(
            "members of a list",
            "PUT",
            f"/api/v2/dashboard/lists/manual/{made['list']['id']}/dashboards",
            {"dashboards": [{"type": "custom_timeboard", "id": board}]},
        ),
        Good(
            "policy",
            "POST",
            f"/api/v2/restriction_policy/dashboard:{board}",
            api(
                "restriction_policy",
                {"bindings": [{"relation": "editor", "principals": [f"org:{org.uuid}"]}]},
                id=f"dashboard:{board}",
            ),
        ),
        Good(
            "membership",
            "POST",
            f"/api/v2/team/{made['team']['data']['id']}/memberships",
            api("team_memberships", {"role": "admin"}, relationships={"user": {"data": member}}),
        ),
        Good("role of a user", "POST", f"/api/v2/roles/{role}/users", {"data": member}),
    ]  # fmt: skip
    return [
        Good("order of indexes", "PUT", "/api/v1/logs/config/index-order",
             {"index_names": list(org.resources("logs_indexes"))}),
        Good("order of pipelines", "PUT", "/api/v1/logs/config/pipeline-order",
             {"pipeline_ids": list(org.resources("logs_pipelines"))}),
        *_creations(role_links, correction),
        *changes,
    ]  # fmt: skip


def _creations(role_links: Any, correction: Any) -> list[Good]:
    tests = "/api/v1/synthetics/tests"
    return [
        Good("monitor", "POST", "/api/v1/monitor", {**MONITOR, "name": "another"}),
        Good("dashboard", "POST", "/api/v1/dashboard", DASHBOARD),
        Good("list", "POST", "/api/v1/dashboard/lists/manual", {"name": "l"}),
        Good("powerpack", "POST", "/api/v2/powerpacks", api("powerpack", POWERPACK)),
        Good("notebook", "POST", "/api/v1/notebooks", api("notebooks", NOTEBOOK)),
        Good("slo", "POST", "/api/v1/slo", SLO),
        Good("time slice slo", "POST", "/api/v1/slo", SLICES),
        Good("counted slo", "POST", "/api/v1/slo", COUNTED),
        Good("correction", "POST", "/api/v1/slo/correction", api("correction", correction)),
        Good("role", "POST", "/api/v2/roles", api("roles", {"name": "r"},
                                                  relationships=role_links)),
        Good("user", "POST", "/api/v2/users",
             api("users", {"email": "n@e.example", "name": "n", "title": "t"},
                 relationships={"roles": {"data": []}})),
        Good("service account", "POST", "/api/v2/service_accounts",
             api("users", {"email": "s@e.example", "service_account": True})),
        Good("team", "POST", "/api/v2/team",
             api("team", {"name": "t", "handle": "t", "description": "x", "avatar": "x",
                          "banner": 3, "visible_modules": ["m"], "hidden_modules": []})),
        Good("index", "POST", "/api/v1/logs/config/indexes", {**INDEX, "name": "fresh"}),
        Good("pipeline", "POST", "/api/v1/logs/config/pipelines", PIPELINE),
        Good("metric", "POST", "/api/v2/logs/config/metrics",
             api("logs_metrics", METRIC, id="a.metric")),
        Good("downtime", "POST", "/api/v2/downtime", api("downtime", DOWNTIME)),
        Good("recurring downtime", "POST", "/api/v2/downtime", api("downtime", RECURRING)),
        Good("location", "POST", "/api/v1/synthetics/private-locations", LOCATION),
        Good("variable", "POST", "/api/v1/synthetics/variables", {**VARIABLE, "name": "OTHER"}),
        Good("api test", "POST", f"{tests}/api", TEST),
        Good("multistep test", "POST", f"{tests}/api", MULTI),
        Good("browser test", "POST", f"{tests}/browser", BROWSER),
    ]  # fmt: skip


def _made(client: Client) -> dict[str, Any]:
    """Resources that changes are made to."""
    wanted = {
        "monitor": ("/api/v1/monitor", MONITOR),
        "dashboard": ("/api/v1/dashboard", DASHBOARD),
        "list": ("/api/v1/dashboard/lists/manual", {"name": "made"}),
        "slo": ("/api/v1/slo", SLO),
        "variable": ("/api/v1/synthetics/variables", VARIABLE),
        "test": ("/api/v1/synthetics/tests/api", TEST),
        "role": ("/api/v2/roles", api("roles", {"name": "made"})),
        "user": ("/api/v2/users", api("users", {"email": "made@e.example"})),
        "team": ("/api/v2/team", api("team", {"name": "made", "handle": "made"})),
        "downtime": ("/api/v2/downtime", api("downtime", {**DOWNTIME, "scope": "env:made"})),
    }
    made = {}
    for name, (path, body) in wanted.items():
        status, made[name] = client.ask("POST", path, body)
        assert status in (200, 201), made[name]
    return made
