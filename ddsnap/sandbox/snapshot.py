"""A snapshot's documents as the state of an org: the same ids, and what reading needs filled in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ddsnap.sandbox import state
from ddsnap.sandbox.furnish import link
from ddsnap.sandbox.refill import refilled
from ddsnap.sandbox.resources.synthetics_rules import monitor_of_test

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ddsnap.sandbox.answers import Body, Json
    from ddsnap.sandbox.org import SandboxOrg

_ORDERS = {"logs_indexes": "logs_indexes_order", "logs_pipelines": "logs_pipelines_order"}


def load_snapshot(org: SandboxOrg, documents: Iterable[tuple[str, Body]]) -> None:
    """Take documents in; of the types that they hold, nothing else stays in the org."""
    by_type: dict[str, list[Body]] = {}
    for type_name, document in documents:
        by_type.setdefault(type_name, []).append(json.loads(json.dumps(document)))
    org.skip_ids(_integers(by_type))
    _settle(org, by_type.get("users", []))
    for type_name, order in _ORDERS.items():
        if type_name in by_type:
            org.table(order).clear()
    for type_name, bodies in by_type.items():
        if type_name not in _ORDERS.values():
            _replace(org, type_name, bodies)
    for type_name, order in _ORDERS.items():
        _put_in_order(org, type_name, by_type.get(order, []))
    for row in org.table("synthetics_tests").values():
        _own_monitor(org, row)
    _hand_over_keys(org, [body["id"] for body in by_type.get("users", [])])


def _replace(org: SandboxOrg, type_name: str, bodies: list[Body]) -> None:
    owner = org.table("users").get(org.owner)
    org.table(type_name).clear()
    if type_name == "team_memberships":
        org.members.clear()
    state.load(org, type_name, [refilled(org, type_name, body) for body in bodies])
    if type_name == "users" and owner is not None:
        org.table("users")[org.owner] = owner  # until somebody else is found


def _put_in_order(org: SandboxOrg, type_name: str, orders: list[Body]) -> None:
    """Set the order that a document tells; what is in it and not there is being deleted."""
    member = {"logs_indexes": "index_names", "logs_pipelines": "pipeline_ids"}[type_name]
    known = org.table(type_name)
    for order in orders:
        told = order.get(member) or []
        if type_name == "logs_indexes":
            org.burnt += [id_ for id_ in told if id_ not in known]
        org.table(_ORDERS[type_name])[state.ORDER] = {member: told}


def _own_monitor(org: SandboxOrg, row: Body) -> None:
    if isinstance(row.get("monitor_id"), int) and {"created_at", "modified_at"} <= row.keys():
        monitor = monitor_of_test(org, row)
        org.table("monitors of tests")[str(row["monitor_id"])] = monitor


def _settle(org: SandboxOrg, users: list[Body]) -> None:
    """Take the org's own id from its users, who all name it."""
    for user in users:
        own = user.get("relationships", {}).get("org", {}).get("data", {}).get("id")
        if own:
            org.uuid = own
            return


def _hand_over_keys(org: SandboxOrg, users: list[str]) -> None:
    """Give the keys to a person of the snapshot who may manage the org's access."""
    table = org.table("users")
    people = [table[id_] for id_ in users if _can_log_in(table[id_]["attributes"])]
    best = sorted(people, key=lambda user: not _is_admin(org, user))
    if best:
        if org.owner not in users:
            del table[org.owner]
        org.owner = best[0]["id"]
    else:
        links = table[org.owner]["relationships"]["roles"]
        roles = org.table("roles")
        links["data"] = [item for item in links["data"] if item["id"] in roles] or [
            link(id_, "roles") for id_ in roles if _may_manage(org, roles[id_])
        ][:1]


def _can_log_in(own: Body) -> bool:
    return not own.get("disabled") and not own.get("service_account")


def _is_admin(org: SandboxOrg, user: Body) -> bool:
    roles = org.table("roles")
    links = user["relationships"]["roles"]["data"]
    return any(_may_manage(org, roles[item["id"]]) for item in links if item["id"] in roles)


def _may_manage(org: SandboxOrg, role: Body) -> bool:
    granted = {item["id"] for item in role["relationships"]["permissions"]["data"]}
    return any(
        row["attributes"].get("name") == "user_access_manage"
        for id_, row in org.table("permissions").items()
        if id_ in granted
    )


def _integers(value: Json) -> Iterator[int]:
    """Yield the whole numbers under members that hold ids."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("id", "monitor_id", "monitor_ids"):
                yield from _numbers(item)
            yield from _integers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _integers(item)


def _numbers(value: Json) -> Iterator[int]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, int) and not isinstance(item, bool):
            yield item
