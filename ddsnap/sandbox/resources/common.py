"""What the tables of several product areas share: reading bodies, finding rows, saying no."""

from __future__ import annotations

import re
from collections import ChainMap
from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Body, Json, Rejected, not_found, reject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.sandbox.org import SandboxOrg
    from ddsnap.sandbox.router import Call

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_uuid(text: str) -> bool:
    """Say whether the text has the form of a uuid."""
    return _UUID.fullmatch(text) is not None


def monitors_of(org: SandboxOrg) -> Mapping[str, Body]:
    """Return the monitors of people, and those that tests own."""
    return ChainMap(org.table("monitors"), org.table("monitors of tests"))


def found(call: Call, type_name: str, id_: str, refusal: Rejected | None = None) -> Body:
    """Return a row, or refuse with 404."""
    row = call.org.table(type_name).get(id_)
    if row is None:
        raise refusal or not_found(id_)
    return row


def body_of(call: Call) -> Body:
    """Return the request's body, which must be an object."""
    if not isinstance(call.body, dict):
        raise reject(400, "Invalid request body: an object is expected")
    return call.body


def data_of(call: Call, json_type: str) -> Body:
    """Return ``data`` of a JSON:API body, which must have the right type."""
    data = body_of(call).get("data")
    if not isinstance(data, dict):
        raise reject(400, "Invalid request body: 'data' is a required property")
    if data.get("type") != json_type:
        raise reject(400, f"Invalid request body: type must be '{json_type}'")
    return data


def attributes_of(data: Body, *required: str) -> Body:
    """Return the attributes of JSON:API data, with none of the required ones missing."""
    attributes = data.get("attributes")
    if not isinstance(attributes, dict):
        raise reject(400, "Invalid request body: 'attributes' is a required property")
    for name in required:
        if attributes.get(name) in (None, ""):
            raise reject(400, f"Invalid request body: '{name}' is a required property")
    return attributes


def held_roles(org: SandboxOrg) -> set[str]:
    """Return the roles of all users who are not disabled."""
    return {
        item["id"]
        for user in org.table("users").values()
        if not user["attributes"].get("disabled")
        for item in user["relationships"]["roles"]["data"]
    }


def users_of_monitor(org: SandboxOrg, id_: int) -> list[str]:
    """Return the composites and objectives that rest on a monitor."""
    composites = [
        str(row["id"])
        for row in org.table("monitors").values()
        if row.get("type") == "composite" and str(id_) in re.findall(r"\d+", row["query"])
    ]
    slos = org.table("service_level_objectives").values()
    return composites + [row["id"] for row in slos if id_ in row.get("monitor_ids", ())]


def check_roles(org: SandboxOrg, roles: Json) -> None:
    """Refuse roles that this org does not have."""
    if not isinstance(roles, (list, type(None))):
        raise reject(400, "The value provided for parameter 'restricted_roles' is invalid")
    for role in roles or []:
        if not isinstance(role, str) or role not in org.table("roles"):
            raise reject(400, f"Invalid role: {role}")


def linked(data: Body, name: str) -> list[str] | None:
    """Return the ids that a relationship names; None where it is absent."""
    relations = data.get("relationships") or {}
    relation = relations.get(name) if isinstance(relations, dict) else None
    if not isinstance(relation, dict) or "data" not in relation:
        return None
    links = relation["data"]
    links = links if isinstance(links, list) else [] if links is None else [links]
    if any(not isinstance(item, dict) or not isinstance(item.get("id"), str) for item in links):
        raise reject(400, f"Invalid request body: relationship '{name}' is malformed")
    return [item["id"] for item in links]


def author(call: Call) -> Body:
    """Return the attributes of the user who owns the keys."""
    attributes: Body = call.org.table("users")[call.org.owner]["attributes"]
    return attributes


def without(body: Body, *names: str) -> Body:
    """Return a copy that lacks some members."""
    return {key: value for key, value in body.items() if key not in names}


def bump(attributes: Body, name: str, by: int) -> None:
    """Move a counter; bodies of older recordings have none."""
    if name in attributes:
        attributes[name] += by
