"""Recorded exchanges of logs, downtimes and synthetics: what each needs and what is masked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from exchanges import Sample

    from ddsnap.sandbox import SandboxOrg

OLD = "2000-01-01T00:00:00.000000+00:00"


def prepare_pipeline(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.method == "PUT":
        org.load("logs_pipelines", [{**sample.response, "name": "Before", "processors": []}])
    return None


def prepare_order(org: SandboxOrg, sample: Sample) -> str | None:
    ids = sample.response["pipeline_ids"]
    plain = {"name": "p", "is_read_only": False, "processors": []}
    org.load("logs_pipelines", [{"id": id_, **plain} for id_ in reversed(ids)])
    return None


def prepare_metric(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.method == "PATCH":
        row = json.loads(json.dumps(sample.response["data"]))
        if "filter" in sample.request["data"]["attributes"]:
            row["attributes"]["filter"] = {"query": "before"}
        if "include_percentiles" in row["attributes"]["compute"]:
            row["attributes"]["compute"]["include_percentiles"] = True
        org.load("logs_metrics", [row])
    return None


def prepare_downtime(org: SandboxOrg, sample: Sample) -> str | None:
    for item in sample.response.get("included", []):
        if item["type"] == "monitor":
            named = {"id": item["id"], "name": item["attributes"]["name"], "type": "metric alert"}
            org.load("monitors", [named])
    if sample.method != "PATCH" or sample.status == 404:
        return None
    id_ = sample.path.rpartition("/")[2]
    own = sample.response.get("data", {}).get("attributes") or DOWNTIME
    created = {"data": {"type": "users", "id": org.owner}}
    links = sample.response.get("data", {}).get("relationships", {})
    links = {"monitor": {"data": None}, **links, "created_by": created}
    before = {"attributes": {**own, "message": "before"}, "relationships": links}
    org.load("downtime_schedules", [{"type": "downtime", "id": id_, **before}])
    return None


DOWNTIME = {
    "scope": "env:x",
    "monitor_identifier": {"monitor_tags": ["*"]},
    "schedule": {"start": OLD, "end": None},
    "canceled": None,
}


def prepare_location(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.method == "PUT":
        org.load("synthetics_private_locations", [{**sample.response, "name": "before"}])
    if "ddr_metadata" in (sample.request or {}):
        return "a creation of the disaster recovery product, which no other API documents"
    return None


def prepare_variable(org: SandboxOrg, sample: Sample) -> str | None:
    test = (sample.request or {}).get("parse_test_public_id")
    if test:
        org.load("synthetics_tests", [{"public_id": test, "name": "t", "type": "api"}])
    if sample.method == "PUT":
        dated = {"created_at": OLD, "creator": {}, "name": "BEFORE", "description": ""}
        org.load("synthetics_global_variables", [{**sample.response, **dated}])
    return None


def prepare_test(org: SandboxOrg, sample: Sample) -> str | None:
    answer = sample.response.get("data", {}).get("attributes") or sample.response
    config = answer.get("config", {})
    for one in [*config.get("configVariables", []), *config.get("variables", [])]:
        if one.get("id"):
            named = {"id": one["id"], "name": one["name"], "value": {"secure": False}}
            org.load("synthetics_global_variables", [named])
    for location in answer.get("locations", []):
        if location.startswith("pl:"):
            org.load("synthetics_private_locations", [{"id": location, "name": "p"}])
    if sample.method == "PUT":
        before = {"created_at": OLD, "monitor_id": 5, "creator": {}, "created_by": {}}
        org.load("synthetics_tests", [{**answer, **before, "name": "before"}])
    return None


PREPARE: dict[str, Callable[[SandboxOrg, Sample], str | None]] = {
    "logs_pipelines": prepare_pipeline,
    "logs_pipelines_order": prepare_order,
    "logs_metrics": prepare_metric,
    "downtime_schedules": prepare_downtime,
    "synthetics_private_locations": prepare_location,
    "synthetics_global_variables": prepare_variable,
    "synthetics_tests": prepare_test,
}


def mask_pipeline(sample: Sample, body: Any) -> Any:
    hide(body, "id")
    return body


def mask_downtime(sample: Sample, body: Any) -> Any:
    if "data" not in body:
        return body
    own = body["data"]["attributes"]
    for name in ("notify_end_states", "notify_end_types"):
        own[name] = sorted(own[name])
    if not sample.request["data"]["attributes"].get("schedule", {}).get("start"):
        hide(own["schedule"], "start")
    # A local time of a year for which nobody knows the zone's rules.
    hide(own["schedule"], "current_downtime")
    hide(own, "created", "modified")
    hide(body["data"], "id")
    body["data"]["relationships"]["created_by"]["data"]["id"] = "#"
    for item in body["included"]:
        if item["type"] == "users":
            item["id"], item["attributes"] = "#", dict.fromkeys(item["attributes"], "#")
    body["included"].sort(key=lambda item: str(item["type"]))
    return body


def mask_location(sample: Sample, body: Any) -> Any:
    text = re.sub(r"(?<=-)[0-9a-f]{32}", "#", json.dumps(body))
    body = json.loads(text)
    for part in (body, body.get("private_location", {})):
        hide(part, "createdAt", "modifiedAt", "createdBy", "result_encryption", "secrets")
    hide(body.get("config", {}), "accessKey", "secretAccessKey", "privateKey", "publicKey")
    return body


def mask_variable(sample: Sample, body: Any) -> Any:
    hide(body, "id")
    return body


def mask_test(sample: Sample, body: Any) -> Any:
    data = body.get("data")
    if data:
        hide(data, "id")
        hide(data["attributes"], "public_id")
        return body
    times = ("created_at", "modified_at", "overall_state", "overall_state_modified")
    hide(body, "public_id", "monitor_id", "org_id", "created_by", "modified_by", *times)
    for step in [*body.get("steps", []), *body.get("config", {}).get("steps", [])]:
        hide(step, "public_id", "id")
    for file in body.get("config", {}).get("request", {}).get("files", []):
        hide(file, "bucketKey")
    return body


def hide(body: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in body:
            body[name] = "#"


MASK: dict[str, Callable[[Sample, Any], Any]] = {
    "logs_pipelines": mask_pipeline,
    "downtime_schedules": mask_downtime,
    "synthetics_private_locations": mask_location,
    "synthetics_global_variables": mask_variable,
    "synthetics_tests": mask_test,
}
