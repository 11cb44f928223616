"""Recorded exchanges: how to read them, what each one needs, and what of an answer is masked."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import board_exchanges
import other_exchanges

from ddsnap.sandbox.furnish import link, user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddsnap.sandbox import SandboxOrg

DATA = os.environ.get("DDSNAP_CONTRACT_DATA", "")

TYPES = (
    "monitors",
    "dashboards",
    "roles",
    "users",
    "teams",
    "team_memberships",
    "restriction_policies",
    "logs_indexes",
    *board_exchanges.PREPARE,
    *other_exchanges.PREPARE,
)
PLAYED_FORMS = ("create", "update", "error", "other")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
EPOCH = re.compile(r"(?<!\d)1[4-9]\d{8}(?!\d)")


@dataclass(frozen=True)
class Sample:
    type: str
    name: str
    source: str
    method: str
    path: str
    status: int
    request: Any
    response: Any

    @property
    def date(self) -> str:
        """When it was recorded, as far as the answer or the request tells."""
        text = json.dumps([self.response, self.request])
        times = [found[0][:10] for found in TIME.finditer(text)]
        if times:
            return max(times)
        epochs = [int(found[0]) for found in EPOCH.finditer(text)]
        return f"{1970 + max(epochs) // 31_556_952}" if epochs else "0000"


def load_samples(*forms: str) -> Iterator[Sample]:
    for type_name in TYPES if DATA else ():
        for path in sorted((Path(DATA) / "samples" / type_name).glob("*.json")):
            if path.name.startswith(forms):
                yield read_sample(type_name, path)


def read_sample(type_name: str, path: Path) -> Sample:
    raw = json.loads(path.read_text())
    query = raw["request"].get("query")
    return Sample(
        type=type_name,
        name=path.stem,
        source=raw["source"],
        method=raw["request"]["method"],
        path=raw["request"]["path"] + (f"?{query}" if query else ""),
        status=raw["status"],
        request=raw.get("request_body"),
        response=raw["response"],
    )


# Before: what has to be there for an exchange to stand alone.


def prepare(org: SandboxOrg, sample: Sample) -> str:
    """Load what the exchange refers to; return why it cannot stand alone, if it cannot."""
    prepared = PREPARE[sample.type](org, sample)
    return prepared or ""


def prepare_monitor(org: SandboxOrg, sample: Sample) -> str | None:
    for role in (sample.request or {}).get("restricted_roles") or []:
        org.load("roles", [role_body(role)])
    if sample.method == "PUT":
        prior = {k: v for k, v in sample.response.items() if k != "restriction_policy"}
        prior.pop("assets", None)
        org.load("monitors", [{**prior, "name": f"Before {prior['name']}", "creator": {}}])
    if sample.status == 400:
        org.load("monitors", [{**stored_monitor(sample.request), "id": 1, "org_id": 1}])
    return None


def stored_monitor(sent: dict[str, Any]) -> dict[str, Any]:
    return {**sent, "creator": {}, "modified": "2026-01-01T00:00:00.000000+00:00"}


def prepare_dashboard(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.method == "PUT":
        org.load("dashboards", [{**sample.response, "title": "Before", "widgets": []}])
    return None


def prepare_role(org: SandboxOrg, sample: Sample) -> str | None:
    answered = permission_ids((sample.response or {}).get("data"))
    sent = permission_ids((sample.request or {}).get("data"))
    opted_out = "default_permissions_opt_out" in json.dumps(sample.request)
    known = answered + [id_ for id_ in sent if id_ not in answered and sample.status != 400]
    org.resources("permissions").clear()
    org.load("permissions", [permission(id_, restricted=opted_out or id_ in sent) for id_ in known])
    path_id = sample.path.rpartition("/")[2]
    if sample.method == "PATCH" and sample.status != 404:
        org.load("roles", [role_body(path_id, known[1:])])
    return None


def permission_ids(data: Any) -> list[str]:
    links = (data or {}).get("relationships", {}).get("permissions", {}).get("data", [])
    return [item["id"] for item in links]


def permission(id_: str, *, restricted: bool) -> dict[str, Any]:
    return {"id": id_, "type": "permissions", "attributes": {"name": id_, "restricted": restricted}}


def role_body(id_: str, permissions: list[str] | None = None) -> dict[str, Any]:
    times = dict.fromkeys(("created_at", "modified_at"), "2026-01-01T00:00:00Z")
    return {
        "id": id_,
        "type": "roles",
        "attributes": {"name": f"Before {id_}", **times, "team_count": 0, "user_count": 0},
        "relationships": {"permissions": {"data": [link(id_) for id_ in permissions or []]}},
    }


def prepare_user(org: SandboxOrg, sample: Sample) -> str | None:
    if "/roles/" in sample.path:
        return "the answer lists the other users of the recorded org"
    for item in (sample.response or {}).get("included", []):
        if item["type"] in ("roles", "permissions"):
            org.load(item["type"], [item])
    if sample.status == 409:
        org.load("users", [person(org, "1", sample.request["data"]["attributes"]["email"])])
    if sample.method == "PATCH" and sample.status == 200:
        data = sample.response["data"]
        prior = person(org, data["id"], data["attributes"]["handle"])
        prior["attributes"].update(title=data["attributes"]["title"], name="Before")
        prior["relationships"]["roles"] = data["relationships"]["roles"]
        org.load("users", [prior])
    return None


def person(org: SandboxOrg, id_: str, email: str) -> dict[str, Any]:
    return user(org, id_, email, "2026-01-01T00:00:00+00:00")


def prepare_team(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.status == 409:
        org.load("teams", [team_body("00000000-0000-0000-0000-000000000001", "Example Team")])
    if sample.method == "PATCH":
        org.load("teams", [team_body(sample.response["data"]["id"], "Before")])
    return None


def team_body(id_: str, name: str) -> dict[str, Any]:
    return {
        "id": id_,
        "type": "team",
        "attributes": {
            "created_at": "2026-01-01T00:00:00+00:00",
            "modified_at": "2026-01-01T00:00:00+00:00",
            "name": name,
            "handle": name.lower(),
            "description": None,
            "summary": None,
            "is_managed": False,
            "link_count": 0,
            "user_count": 0,
        },
        "relationships": {
            "team_links": {"data": [], "links": {"related": f"/api/v2/team/{id_}/links"}},
            "user_team_permissions": {
                "data": None,
                "links": {"related": f"/api/v2/team/{id_}/permission-settings"},
            },
        },
    }


def prepare_membership(org: SandboxOrg, sample: Sample) -> str | None:
    team = sample.path.split("/")[4]
    if sample.method != "GET":
        org.load("teams", [team_body(team, "Team")])
    for item in sample.response.get("included", []):
        prior = person(org, item["id"], item["attributes"]["email"])
        prior["attributes"]["name"] = item["attributes"]["name"]
        org.load("users", [prior])
    if sample.method == "PATCH":
        load_member(org, team, sample)
    return None


def load_member(org: SandboxOrg, team: str, sample: Sample) -> None:
    id_ = sample.path.rpartition("/")[2]
    if sample.status == 404:
        return
    org.load("users", [person(org, id_, f"{id_}@example.com")] if sample.status != 200 else [])
    row = {
        "id": f"TeamMembership-{team}-1",
        "type": "team_memberships",
        "attributes": {"role": None, "provisioned_by": None, "provisioned_by_id": "x"},
        "relationships": {"user": {"data": link(id_, "users")}, "team": {"data": link(team, "t")}},
    }
    org.load("team_memberships", [row])


def prepare_policy(org: SandboxOrg, sample: Sample) -> str | None:
    for principal in re.findall(r'"((?:org|team|role|user):[^"]+)"', json.dumps(sample.request)):
        kind, _, id_ = principal.partition(":")
        if kind == "org":
            org.uuid = id_
        elif kind == "team":
            org.load("teams", [team_body(id_, id_)])
        elif kind == "role":
            org.load("roles", [role_body(id_)])
    return None


def prepare_index(org: SandboxOrg, sample: Sample) -> str | None:
    if sample.method == "PUT":
        org.load("logs_indexes", [{**sample.response, "tags": ["before:this"], "daily_limit": 5}])
    return None


PREPARE: dict[str, Callable[[SandboxOrg, Sample], str | None]] = {
    "monitors": prepare_monitor,
    "dashboards": prepare_dashboard,
    "roles": prepare_role,
    "users": prepare_user,
    "teams": prepare_team,
    "team_memberships": prepare_membership,
    "restriction_policies": prepare_policy,
    "logs_indexes": prepare_index,
    **board_exchanges.PREPARE,
    **other_exchanges.PREPARE,
}


# After: ids, times and the author's identity are masked where they stand, and nothing else.


def masked(sample: Sample, body: Any) -> Any:
    return MASK.get(sample.type, lambda _, body: body)(sample, json.loads(json.dumps(body)))


def mask_monitor(sample: Sample, body: Any) -> Any:
    if "errors" in body:
        return json.loads(re.sub(r"(monitor_id|org_id):\d+", r"\1:#", json.dumps(body)))
    hide(body, "id", "org_id", "created", "created_at", "modified", "creator")
    for asset in body.get("assets", []):
        hide(asset, "monitor_id")
    return body


def mask_dashboard(sample: Sample, body: Any) -> Any:
    if "errors" in body:
        return body
    body["url"] = body["url"].replace(body["id"], "#")
    hide(body, "id", "created_at", "modified_at", "author_handle", "author_name")
    sent = {item["id"] for item in widgets_of(sample.request) if "id" in item}
    places: dict[int, str] = {}
    for place, widget in enumerate(widgets_of(body)):
        if widget["id"] not in sent:
            places[widget["id"]] = f"#{place}"
            widget["id"] = f"#{place}"
    for tab in body.get("tabs", []):
        tab["widget_ids"] = [places.get(id_, id_) for id_ in tab["widget_ids"]]
    return body


def widgets_of(body: Any) -> list[dict[str, Any]]:
    found = []
    for widget in body.get("widgets", []):
        found += [widget, *widgets_of(widget["definition"])]
    return found


def mask_role(sample: Sample, body: Any) -> Any:
    if "data" in body:
        hide(body["data"], "id")
        hide(body["data"]["attributes"], "created_at", "modified_at")
    return body


def mask_user(sample: Sample, body: Any) -> Any:
    if "data" in body:
        if sample.method == "POST" and sample.request["data"]["attributes"].get("service_account"):
            hide(body["data"]["attributes"], "handle")
        hide(body["data"], "id")
        hide(body["data"]["attributes"], "uuid", "created_at", "modified_at")
        hide(body["data"]["relationships"]["org"]["data"], "id")
    return by_id(body)


def mask_team(sample: Sample, body: Any) -> Any:
    if "data" in body:
        body = json.loads(json.dumps(body).replace(body["data"]["id"], "#"))
        hide(body["data"]["attributes"], "created_at", "modified_at")
        if "banner" not in sample.request["data"]["attributes"]:
            hide(body["data"]["attributes"], "banner")
    return body


def mask_membership(sample: Sample, body: Any) -> Any:
    if "data" in body and isinstance(body["data"], dict):
        body["data"]["id"] = re.sub(r"-\d+$", "-#", body["data"]["id"])
        hide(body["data"]["attributes"], "provisioned_by_id")
        for item in body["included"]:
            # The same picture; one of the two services writes the query the other way round.
            icon = item["attributes"]["icon"]
            item["attributes"]["icon"] = icon.replace("?d=retro&s=48", "?s=48&d=retro")
    return body


MASK: dict[str, Callable[[Sample, Any], Any]] = {
    "monitors": mask_monitor,
    "dashboards": mask_dashboard,
    "roles": mask_role,
    "users": mask_user,
    "teams": mask_team,
    "team_memberships": mask_membership,
    **board_exchanges.MASK,
    **other_exchanges.MASK,
}


def hide(body: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in body:
            body[name] = "#"


def by_id(body: Any) -> Any:
    if "included" in body:
        body["included"] = {f"{item['type']}:{item['id']}": item for item in body["included"]}
    return body
