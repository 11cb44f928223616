"""Recorded exchanges of lists, powerpacks, notebooks and objectives: what each needs; masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddsnap.sandbox.furnish import user

if TYPE_CHECKING:
    from collections.abc import Callable

    from exchanges import Sample

    from ddsnap.sandbox import SandboxOrg


def prepare_list(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.status == 404 or sample.path.endswith("/manual"):
        return None
    row = {"name": "Before", "dashboard_count": 0, **heads(sample)}
    row["id"] = int(sample.path.split("/")[6])
    if sample.method == "PUT" and row["name"] != sample.request.get("name"):
        row["modified"] = "2020-01-01T00:00:00.000000+00:00"
    shown = sample.response.get("dashboards") or []
    members = [*shown, *(sample.request or {}).get("dashboards", [])]
    org.load("dashboards", [board(item) for item in members])
    if sample.method == "GET":
        row["dashboards"] = [{"id": item["id"], "type": item["type"]} for item in shown]
    org.load("dashboard_lists", [row])
    return None


def heads(sample: Sample) -> dict[str, Any]:
    """What an answer of the first API tells of the list itself."""
    return sample.response if sample.path.startswith("/api/v1/") else {}


def board(item: dict[str, Any]) -> dict[str, Any]:
    author = item.get("author", {})
    kept = {name: item.get(name) for name in ("id", "title", "url", "tags", "is_read_only")}
    return {
        **kept,
        "layout_type": "ordered",
        "author_name": author.get("name"),
        "author_handle": author.get("handle"),
        "created_at": item.get("created"),
        "modified_at": item.get("modified"),
    }


def prepare_powerpack(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.method == "PATCH" and sample.status == 200:
        data = sample.response["data"]
        org.load("powerpacks", [{**data, "attributes": {"name": "Before"}}])
        author = data["relationships"]["author"]["data"]["id"]
        org.load("users", [user(org, author, "x@y.example", "2026-01-01T00:00:00+00:00")])
    return None


def prepare_notebook(org: SandboxOrg, sample: Sample) -> str | None:
    return None


def prepare_slo(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.method == "PUT":
        org.load("service_level_objectives", [{**sample.response["data"][0], "name": "Before"}])
    return None


def prepare_correction(org: SandboxOrg, sample: Sample) -> str | None:
    slo = (sample.request or {}).get("data", {}).get("attributes", {}).get("slo_id")
    org.load("service_level_objectives", [{"id": slo}] if slo else [])
    if sample.method == "PATCH":
        data = sample.response["data"]
        before = {"description": "Before", "modifier": None, "start": 1}
        org.load("slo_corrections", [{**data, "attributes": {**data["attributes"], **before}}])
    return None


PREPARE: dict[str, Callable[[SandboxOrg, Sample], str | None]] = {
    "dashboard_lists": prepare_list,
    "powerpacks": prepare_powerpack,
    "notebooks": prepare_notebook,
    "service_level_objectives": prepare_slo,
    "slo_corrections": prepare_correction,
}


def mask_list(sample: Sample, body: Any) -> Any:
    hide(body, "id", "created", "modified", "author")
    return body


def mask_powerpack(sample: Sample, body: Any) -> Any:
    if "data" in body:
        hide(body["data"], "id")
        hide(body["data"]["relationships"]["author"]["data"], "id")
        for widget in body["data"]["attributes"]["group_widget"]["definition"]["widgets"]:
            hide(widget, "id")
        for item in body["included"]:
            hide(item, "id")
            hide(item["attributes"], "name", "email")
    return body


def mask_notebook(sample: Sample, body: Any) -> Any:
    own = body["data"]["attributes"]
    hide(body["data"], "id")
    hide(own, "created", "modified")
    hide(own["author"], "created_at", "email", "handle", "icon", "name")
    for cell in own["cells"]:
        hide(cell, "id")
    return body


def mask_slo(sample: Sample, body: Any) -> Any:
    for item in body.get("data", []):
        hide(item, "id", "created_at", "modified_at", "creator")
        item["tags"].sort()  # the server answers them in any order
    return body


def mask_correction(sample: Sample, body: Any) -> Any:
    if "data" in body:
        hide(body["data"], "id")
        own = body["data"]["attributes"]
        hide(own, *(name for name in ("created_at", "modified_at") if own[name]))
        for name in ("creator", "modifier"):
            hide(own, *([name] if own[name] else []))
    return body


def hide(body: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in body:
            body[name] = "#"


MASK: dict[str, Callable[[Sample, Any], Any]] = {
    "dashboard_lists": mask_list,
    "powerpacks": mask_powerpack,
    "notebooks": mask_notebook,
    "service_level_objectives": mask_slo,
    "slo_corrections": mask_correction,
}
