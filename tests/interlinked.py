"""A small org in which everything refers to something, and twenty dashboards are all alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from ddsnap.sandbox import Sandbox, SandboxOrg

EQUAL = 20
TITLE = "Service overview"


def note(text: str) -> dict[str, Any]:
    return {"definition": {"type": "note", "content": text}}


def board(title: str, *widgets: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "layout_type": "ordered", "widgets": list(widgets)}


def monitor(name: str, query: str, kind: str = "metric alert") -> dict[str, Any]:
    return {"type": kind, "name": name, "query": query, "message": "look", "tags": ["tier:a"]}


def api(kind: str, attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": {"type": kind, "attributes": attributes, **more}}


TEST = {
    "type": "api",
    "subtype": "http",
    "name": "front door",
    "message": "",
    "status": "live",
    "tags": ["tier:a"],
    "locations": ["aws:eu-west-1"],
    "options": {"tick_every": 60},
    "config": {
        "assertions": [{"type": "statusCode", "operator": "is", "target": 200}],
        "request": {"method": "GET", "url": "https://shop.example/{{ PLACE }}"},
    },
}


class Writer:
    """Writes to an org as any client would."""

    def __init__(self, sandbox: Sandbox, org: SandboxOrg) -> None:
        self.url = sandbox.url
        self.keys = {"DD-API-KEY": org.api_key, "DD-APPLICATION-KEY": org.app_key}

    def __call__(self, method: str, path: str, body: Any) -> Any:
        sent = requests.request(method, self.url + path, json=body, headers=self.keys, timeout=10)
        with sent:
            assert sent.ok, (path, sent.text)
            return sent.json() if sent.content else None


def furnish(sandbox: Sandbox, org: SandboxOrg) -> None:
    """Fill an org: 20 equal dashboards, and about as many resources that depend on one another."""
    write = Writer(sandbox, org)
    boards = [
        write("POST", "/api/v1/dashboard", board(TITLE, note("all alike"))) for _ in range(EQUAL)
    ]
    role = write("POST", "/api/v2/roles", api("roles", {"name": "Operators"}))["data"]["id"]
    write(
        "POST",
        "/api/v2/users",
        api("users", {"email": "ann@shop.example", "name": "Ann"},
            relationships={"roles": {"data": [{"type": "roles", "id": role}]}}),
    )  # fmt: skip
    account = {"email": "bots@shop.example", "name": "Deployer", "service_account": True}
    write("POST", "/api/v2/service_accounts", api("users", account))
    team = write("POST", "/api/v2/team", api("team", {"name": "Shop", "handle": "shop"}))
    team = team["data"]["id"]
    write(
        "POST",
        f"/api/v2/team/{team}/memberships",
        api("team_memberships", {"role": "admin"},
            relationships={"user": {"data": {"type": "users", "id": org.owner}}}),
    )  # fmt: skip
    variable = {"name": "PLACE", "description": "", "tags": [], "value": {"value": "home"}}
    write("POST", "/api/v1/synthetics/variables", variable)
    test = write("POST", "/api/v1/synthetics/tests/api", TEST)
    load = write("POST", "/api/v1/monitor", monitor("load", "avg(last_5m):avg:load{*} > 1"))["id"]
    both = f"{load} && {test['monitor_id']}"
    composite = write("POST", "/api/v1/monitor", monitor("both", both, "composite"))["id"]
    slo = write("POST", "/api/v1/slo", {
        "name": "calm", "type": "monitor", "monitor_ids": [load],
        "thresholds": [{"timeframe": "7d", "target": 99}],
    })["data"][0]["id"]  # fmt: skip
    told = f'error_budget("{slo}").over("7d") > 10'
    write("POST", "/api/v1/monitor", monitor("budget", told, "slo alert"))
    correction = {
        "slo_id": slo,
        "category": "Other",
        "start": 4070908800,
        "end": 4070995200,
        "timezone": "UTC",
    }
    write("POST", "/api/v1/slo/correction", api("correction", correction))
    linked = write("POST", "/api/v1/dashboard", board(
        "Linked",
        {"definition": {"type": "alert_graph", "alert_id": f"{composite}", "viz_type": "toplist"}},
        {"definition": {"type": "slo", "slo_id": slo, "view_type": "detail"}},
    ))["id"]  # fmt: skip
    listed = write("POST", "/api/v1/dashboard/lists/manual", {"name": "mine"})["id"]
    members = [{"type": "custom_timeboard", "id": one} for one in (linked, boards[3]["id"])]
    write("PUT", f"/api/v2/dashboard/lists/manual/{listed}/dashboards", {"dashboards": members})
    bindings = [
        {"relation": "editor", "principals": [f"role:{role}", f"org:{org.uuid}"]},
        {"relation": "viewer", "principals": [f"team:{team}"]},
    ]
    policy = api("restriction_policy", {"bindings": bindings}, id=f"dashboard:{linked}")
    write("POST", f"/api/v2/restriction_policy/dashboard:{linked}", policy)
    for name in ("first", "second"):
        pipeline = {"name": name, "is_enabled": True, "filter": {"query": name}, "processors": []}
        write("POST", "/api/v1/logs/config/pipelines", pipeline)
    order = list(org.resources("logs_pipelines"))[::-1]
    write("PUT", "/api/v1/logs/config/pipeline-order", {"pipeline_ids": order})
    write("POST", "/api/v2/downtime", api("downtime", {
        "scope": "env:x", "monitor_identifier": {"monitor_id": load},
        "schedule": {"start": None, "end": "2099-01-01T00:00:00Z"}, "display_timezone": "UTC",
    }))  # fmt: skip


def namesakes(sandbox: Sandbox, org: SandboxOrg) -> None:
    """Put dashboards there that have the title of the twenty, and say something else."""
    write = Writer(sandbox, org)
    for nth in range(3):
        write("POST", "/api/v1/dashboard", board(TITLE, note(f"not alike {nth}")))
