"""What a stored document lacks of what Datadog answers: counters, states, defaults, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.furnish import add_permission, icon, index, link
from ddsnap.sandbox.resources.common import is_uuid
from ddsnap.sandbox.resources.dashboard_rules import with_tab_ids, with_widget_ids
from ddsnap.sandbox.resources.notebooks import cell_id
from ddsnap.sandbox.resources.synthetics_rules import FILLED, hide_secrets
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.sandbox.answers import Body, Json
    from ddsnap.sandbox.org import SandboxOrg

# A form that is nothing but a secret, so that a capture takes it for one wherever it stands.
PLACEHOLDER = "glpat" + "-placeholder-of-the-sandbox"
_MARK = "$ddsnap"


def refilled(org: SandboxOrg, type_name: str, document: Body) -> Body:
    """Return a body that Datadog could answer, of which this is the document."""
    body: Body = _revealed({key: value for key, value in document.items() if key != _MARK})
    fill = _FILLS.get(type_name)
    return body if fill is None else fill(org, body)


def _revealed(value: Json) -> Json:
    """Put a placeholder wherever a secret was left out."""
    if isinstance(value, dict):
        if _MARK in value:
            return PLACEHOLDER
        return {key: _revealed(item) for key, item in value.items()}
    return [_revealed(item) for item in value] if isinstance(value, list) else value


def _role(org: SandboxOrg, body: Body) -> Body:
    body["attributes"] = {"team_count": 0, "user_count": 0, **body["attributes"]}
    ids = {row["attributes"]["name"]: id_ for id_, row in org.table("permissions").items()}
    links = body.get("relationships", {}).get("permissions", {}).get("data", [])
    for item in links:
        if item["id"] not in ids and not is_uuid(item["id"]):
            ids[item["id"]] = add_permission(org, item["id"])
        item["id"] = ids.get(item["id"], item["id"])
    return body


def _user(org: SandboxOrg, body: Body) -> Body:
    own = body["attributes"]
    state = {
        "name": None,
        "title": None,
        "icon": icon(own.get("email") or ""),
        "verified": True,
        "status": "Disabled" if own.get("disabled") else "Active",
        "mfa_enabled": False,
        "last_login_time": None,
    }
    body["attributes"] = {"uuid": body["id"], **state, **own}
    links = {"roles": {"data": []}, "org": {"data": link(org.uuid, "orgs")}}
    body["relationships"] = {**links, **body.get("relationships", {})}
    return body


def _team(_org: SandboxOrg, body: Body) -> Body:
    counts = {"link_count": 0, "user_count": 0, "description": None}
    body["attributes"] = {**counts, **body["attributes"]}
    return body


def _index(_org: SandboxOrg, body: Body) -> Body:
    return {**index(body["name"], ""), **body}


def _pipeline(_org: SandboxOrg, body: Body) -> Body:
    return {"is_read_only": False, "type": "pipeline", "tags": [], "processors": [], **body}


def _metric(_org: SandboxOrg, body: Body) -> Body:
    body["attributes"] = {"group_by": [], **body["attributes"]}
    return body


def _location(_org: SandboxOrg, body: Body) -> Body:
    return {"tags": [], "metadata": None, **body}


def _variable(org: SandboxOrg, body: Body) -> Body:
    value = dict(body.get("value") or {})
    if value.get("secure"):
        org.private("synthetics_global_variables", body["id"]).update(
            {"value": value.pop("value")} if "value" in value else {}
        )
    elif body.get("parse_test_public_id"):
        value = {"value": "", **value}
    return {"description": "", "tags": [], "last_error": None, **body, "value": value}


def _test(org: SandboxOrg, body: Body) -> Body:
    hidden = org.private("synthetics_tests", body["public_id"])
    body = {"tags": [], "options": {}, **body}
    body["config"] = hide_secrets(hidden, body.get("config") or {})
    monitored = body["options"].get("monitor_options")
    if isinstance(monitored, dict):
        body["options"] = {**body["options"], "monitor_options": {**FILLED, **monitored}}
    if body.get("type") in ("browser", "mobile"):
        body.setdefault("steps", [])
    return body


def _monitor(_org: SandboxOrg, body: Body) -> Body:
    usual: Body = {
        "tags": [],
        "options": {},
        "priority": None,
        "restricted_roles": None,
        "draft_status": "published",
        "deleted": None,
        "overall_state": "No Data",
        "overall_state_modified": None,
    }
    options = {
        "notify_audit": False,
        "new_host_delay": 300,
        "include_tags": True,
        "silenced": {},
    }
    return {**usual, **body, "options": {**options, **(body.get("options") or {})}}


def _downtime(org: SandboxOrg, body: Body) -> Body:
    own = body["attributes"]
    usual: Body = {
        "status": "",
        "message": None,
        "canceled": None,
        "modified": own.get("created", iso(org.now())),
    }
    schedule = dict(own.get("schedule") or {})
    if "recurrences" not in schedule:
        schedule.setdefault("end", None)
    body["attributes"] = {**usual, **own, "schedule": schedule}
    return body


def _slo(_org: SandboxOrg, body: Body) -> Body:
    return {"description": "", "tags": [], **body}


def _correction(_org: SandboxOrg, body: Body) -> Body:
    nothing = dict.fromkeys(("slo_id", "slo_query", "end", "duration", "rrule"))
    body["attributes"] = {**nothing, **body["attributes"]}
    return body


def _powerpack(org: SandboxOrg, body: Body) -> Body:
    usual: Body = {"description": None, "template_variables": None, "tags": []}
    own = body["attributes"] = {**usual, **body["attributes"]}
    definition = own.get("group_widget", {}).get("definition", {})
    if isinstance(definition.get("widgets"), list):
        definition["widgets"] = with_widget_ids(org, definition["widgets"])
    return body


def _dashboard(org: SandboxOrg, body: Body) -> Body:
    usual: Body = {"description": None, "notify_list": None, "template_variables": None}
    body = {**usual, "restricted_roles": [], **body}
    body["widgets"] = with_widget_ids(org, body.get("widgets") or [])
    if body.get("tabs"):
        body["tabs"] = with_tab_ids(org, body["tabs"], body["widgets"])
    return body


def _list(org: SandboxOrg, body: Body) -> Body:
    members = body.get("dashboards") or []
    counted = {"dashboard_count": len(members), "is_favorite": False, "modified": iso(org.now())}
    return {"dashboards": None, **body, **counted}


def _notebook(org: SandboxOrg, body: Body) -> Body:
    usual: Body = {"tags": None, "template_variables": [], "deleted": None}
    own = body["attributes"] = {**usual, **body["attributes"]}
    own["cells"] = [
        {**cell, "id": cell.get("id") or cell_id(org.new_widget())} for cell in own.get("cells", [])
    ]
    return body


_FILLS: dict[str, Callable[[SandboxOrg, Body], Body]] = {
    "roles": _role,
    "users": _user,
    "teams": _team,
    "logs_indexes": _index,
    "logs_pipelines": _pipeline,
    "logs_metrics": _metric,
    "synthetics_private_locations": _location,
    "synthetics_global_variables": _variable,
    "synthetics_tests": _test,
    "monitors": _monitor,
    "downtime_schedules": _downtime,
    "service_level_objectives": _slo,
    "slo_corrections": _correction,
    "powerpacks": _powerpack,
    "dashboards": _dashboard,
    "dashboard_lists": _list,
    "notebooks": _notebook,
}
