"""Bodies from elsewhere as the state of an org, exactly as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

ORDER = "order"
"""The id under which an order or singleton stands in its table."""


def _by_id(body: Body) -> str:
    return str(body["id"])


def _by_name(body: Body) -> str:
    return str(body["name"])


def _by_public_id(body: Body) -> str:
    return str(body["public_id"])


KEYS: dict[str, Callable[[Body], str]] = {
    "monitors": _by_id,
    "dashboards": _by_id,
    "dashboard_lists": _by_id,
    "notebooks": _by_id,
    "powerpacks": _by_id,
    "service_level_objectives": _by_id,
    "slo_corrections": _by_id,
    "roles": _by_id,
    "permissions": _by_id,
    "users": _by_id,
    "teams": _by_id,
    "team_memberships": _by_id,
    "restriction_policies": _by_id,
    "logs_indexes": _by_name,
    "logs_indexes_order": lambda _: ORDER,
    "logs_pipelines": _by_id,
    "logs_pipelines_order": lambda _: ORDER,
    "logs_metrics": _by_id,
    "downtime_schedules": _by_id,
    "synthetics_private_locations": _by_id,
    "synthetics_global_variables": _by_id,
    "synthetics_tests": _by_public_id,
}


def load(org: SandboxOrg, type_name: str, bodies: list[Body]) -> None:
    """Store copies of the bodies, each under its own id."""
    if type_name not in KEYS:
        raise UsageError(f"the sandbox does not serve {type_name}")
    for body in json.loads(json.dumps(bodies)):
        org.table(type_name)[KEYS[type_name](body)] = body
        if type_name == "team_memberships":
            join(org, body)
        elif type_name == "logs_indexes":
            enlist(org, body["name"])
        elif type_name == "logs_pipelines":
            enlist_pipeline(org, body["id"])


def join(org: SandboxOrg, membership: Body) -> None:
    """Note a membership under its team."""
    links = membership["relationships"]
    members = org.members.setdefault(links["team"]["data"]["id"], {})
    members[links["user"]["data"]["id"]] = membership["id"]


def enlist(org: SandboxOrg, name: str) -> None:
    """Put an index at the end of the order, unless it is there."""
    order = org.table("logs_indexes_order").setdefault(ORDER, {"index_names": []})
    if name not in order["index_names"]:
        order["index_names"].append(name)


def enlist_pipeline(org: SandboxOrg, id_: str) -> None:
    """Put a pipeline at the end of the order, unless it is there."""
    order = org.table("logs_pipelines_order").setdefault(ORDER, {"pipeline_ids": []})
    if id_ not in order["pipeline_ids"]:
        order["pipeline_ids"].append(id_)
