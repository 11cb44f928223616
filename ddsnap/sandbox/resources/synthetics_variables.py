"""Global variables of synthetic tests; the values of secure ones are never shown."""

from __future__ import annotations

import copy
import re
from typing import Any

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Rejected, reject
from ddsnap.sandbox.resources.common import author, body_of, check_roles, found, without
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.times import iso

_TYPE = "synthetics_global_variables"
_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_SHAPE: Shape = {
    "name~": "text",
    "description~": "text",
    "tags~": ["text"],
    "value~": {"value": "text", "secure": "flag", "options~": "object"},
    "attributes": {"restricted_roles~": ["text"]},
    # What is null in an answer is refused in a request.
    "parse_test_public_id": "text",
    "parse_test_options": "object",
    "is_totp": "flag",
    "is_fido": "flag",
}
_PATCH = "/api/v2/synthetics/variables/{variable_id}/jsonpatch"
_KIND = "variable"
"""The type of whatever is created; older ones may be of another."""
_PATCH_TYPE = "global_variables_json_patch"
_SENT = (
    "name", "description", "tags", "value", "attributes", "parse_test_public_id",
    "parse_test_options", "is_totp", "is_fido",
)  # fmt: skip
_PARSED = ("parse_test_public_id", "parse_test_name", "parse_test_options",
           "parse_test_extracted_at")  # fmt: skip


def list_variables(call: Call) -> Answer:
    """All variables at once."""
    return Answer({"variables": pages.whole(call, call.org.table(_TYPE).values())})


def get_variable(call: Call) -> Answer:
    """One variable."""
    return Answer(_row(call))


def create_variable(call: Call) -> Answer:
    """Create, unless there is one of this name and type."""
    sent = _checked(call, body_of(call), None)
    now, person = iso(call.org.now()), _person(call)
    row = {"id": call.org.new_uuid(), **_stored(sent), "created_at": now,
           "modified_at": now, "creator": person, "editor": person}  # fmt: skip
    _keep_value(call, row, sent)
    call.org.table(_TYPE)[row["id"]] = row
    return Answer(_written(row))


def update_variable(call: Call) -> Answer:
    """Replace; a secure value stays where none is sent."""
    old = _row(call)
    return Answer(_written(_replace(call, old, _checked(call, body_of(call), old["id"]))))


def patch_variable(call: Call) -> Answer:
    """Change what the operations name, and nothing else."""
    old = _row(call)
    data = body_of(call).get("data")
    if not isinstance(data, dict) or data.get("type") != _PATCH_TYPE:
        raise _bad(f"data.type must be {_PATCH_TYPE}")
    present = {name: copy.deepcopy(old[name]) for name in _SENT if old.get(name) is not None}
    hidden = call.org.private(_TYPE, old["id"]).get("value")
    if hidden is not None:
        present["value"]["value"] = hidden
    try:
        for operation in data["attributes"]["json_patch"]:
            _apply(present, operation)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _bad(f"Invalid JSON Patch: {type(error).__name__} {error}") from None
    sent = present
    for name in ("description", "tags"):  # what was removed is empty
        sent.setdefault(name, "" if name == "description" else [])
    row = _replace(call, old, _checked(call, sent, old["id"]))
    return Answer({"data": {"id": row["id"], "type": "global_variables", "attributes": row}})


def _apply(body: Body, operation: Body) -> None:
    """Apply one operation of those that change a member; the service knows others, too."""
    *way, last = operation["path"].split("/")[1:]
    holder: Any = body
    for name in way:
        holder = holder[int(name) if isinstance(holder, list) else name]
    if isinstance(holder, list):
        raise ValueError("operations on elements are not served here")
    if operation["op"] in ("remove", "replace"):
        del holder[last]
    if operation["op"] in ("add", "replace"):
        holder[last] = operation["value"]
    elif operation["op"] != "remove":
        raise ValueError(f"op {operation['op']}")


def _replace(call: Call, old: Body, sent: Body) -> Body:
    row = {"id": old["id"], **_stored(sent), "type": old["type"], "created_at": old["created_at"],
           "modified_at": iso(call.org.now()), "creator": old["creator"],
           "editor": _person(call)}  # fmt: skip
    _keep_value(call, row, sent)
    call.org.table(_TYPE)[row["id"]] = row
    return row


def delete_variable(call: Call) -> Answer:
    """Delete."""
    id_ = _row(call)["id"]
    del call.org.table(_TYPE)[id_]
    call.org.private(_TYPE, id_).clear()
    call.org.table("restriction_policies").pop(f"synthetics-global-variable:{id_}", None)
    return Answer()


def _row(call: Call) -> Body:
    missing = reject(404, "Synthetics global variable not found")
    return found(call, _TYPE, call.params["variable_id"], missing)


def _checked(call: Call, sent: Body, id_: str | None) -> Body:
    check_shape(_SHAPE, sent)
    for name in ("name", "description", "tags", "value"):
        if sent.get(name) is None and not (name == "value" and sent.get("is_fido")):
            raise _bad(f"Required parameter '{name}' is missing")
    if not isinstance(sent["name"], str) or not _NAME.fullmatch(sent["name"]):
        raise _bad("Parameter 'name' must be of capital letters, digits and underscores")
    test = sent.get("parse_test_public_id")
    if test and test not in call.org.table("synthetics_tests"):
        raise _bad(f"Test not found: {test}")
    if test and not sent.get("parse_test_options"):
        raise _bad("Required parameter 'parse_test_options' is missing")
    check_roles(call.org, (sent.get("attributes") or {}).get("restricted_roles"))
    value = sent.get("value") or {}
    if sent.get("is_fido") and "value" in value:
        raise _bad("A FIDO variable takes no value")
    needed = (id_ is None or not value.get("secure")) and not sent.get("is_fido")
    if needed and not isinstance(value.get("value"), str):
        raise _bad("Required parameter 'value' is missing")
    kind = call.org.table(_TYPE)[id_]["type"] if id_ else _KIND
    for other in call.org.table(_TYPE).alike(sent["name"]):
        if other["id"] != id_ and other["type"] == kind:
            raise reject(409, "Synthetics variable with same name and type already exists")
    return sent


def _stored(sent: Body) -> Body:
    value = dict(sent.get("value") or {"secure": True})
    secure = bool(value.get("secure")) or bool(sent.get("is_fido"))
    shown = {**value, "secure": secure}
    if secure:
        shown.pop("value", None)
    row = {"name": sent["name"], "description": sent["description"], "type": _KIND,
           "tags": sent["tags"], "last_error": None, "value": shown}  # fmt: skip
    if sent.get("parse_test_public_id"):
        row |= {name: sent.get(name) for name in _PARSED}
    row |= {name: True for name in ("is_totp", "is_fido") if sent.get(name)}
    # Who does not say what a variable is not, is told.
    if "is_fido" not in sent and "is_totp" not in sent and "parse_test_public_id" not in sent:
        row |= dict.fromkeys((*_PARSED, "is_totp", "is_fido"))
    return {**row, "attributes": sent["attributes"]} if sent.get("attributes") else row


def _keep_value(call: Call, row: Body, sent: Body) -> None:
    hidden = call.org.private(_TYPE, row["id"])
    value = (sent.get("value") or {}).get("value")
    if not row["value"]["secure"]:
        hidden.clear()
    elif value is not None:
        hidden["value"] = value


def _written(row: Body) -> Body:
    return without(row, "created_at", "modified_at", "creator", "editor")


def _person(call: Call) -> Body:
    own = author(call)
    return {"name": own["name"], "handle": own["handle"], "email": own["email"]}


def _bad(text: str) -> Rejected:
    return reject(400, text)


_ALL, _ONE = "/api/v1/synthetics/variables", "/api/v1/synthetics/variables/{variable_id}"
ROUTES = (
    Route("GET", _ALL, list_variables),
    Route("POST", _ALL, create_variable),
    Route("GET", _ONE, get_variable),
    Route("PUT", _ONE, update_variable),
    Route("DELETE", _ONE, delete_variable),
    Route("PATCH", _PATCH, patch_variable),
)
