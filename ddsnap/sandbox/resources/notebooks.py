"""Notebooks: cells with ids of the server, templates in a listing of their own."""

from __future__ import annotations

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Json, Rejected, reject
from ddsnap.sandbox.resources.common import attributes_of, author, data_of, found, without
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.times import iso

_METADATA = {"take_snapshots": False, "is_template": False, "is_favorite": False, "type": None}
_TYPES = (None, "postmortem", "runbook", "investigation", "documentation", "report")
_AUTHOR = ("name", "handle", "created_at", "email", "icon", "title", "verified", "disabled",
           "status")  # fmt: skip
_LONGEST_NAME = 80
_SHAPE: Shape = {
    "name~": "text",
    "cells~": [{"attributes~": {"definition~": "object"}}],
    "time~": "object",
    "status": "text",
    "metadata~": {"type~": "text", "take_snapshots~": "flag", "is_template~": "flag"},
    "template_variables~": ["object"],
    "tags~": ["text"],
}


def list_notebooks(call: Call) -> Answer:
    """Templates or all others, 100 at a time, the last modified first unless told otherwise."""
    wanted = call.query.get("is_template", "false") == "true"
    rows = [row for row in call.org.table("notebooks").values() if is_template(row) is wanted]
    query = call.query.get("query", "").lower()
    rows = [row for row in rows if query in row["attributes"]["name"].lower()]
    field, direction = call.query.get("sort_field", "modified"), call.query.get("sort_dir", "desc")
    if field not in ("modified", "name", "created") or direction not in ("asc", "desc"):
        raise reject(400, f"Invalid sort: {field} {direction}")
    rows.sort(key=lambda row: (row["attributes"][field], row["id"]), reverse=direction == "desc")
    page = pages.offset(call, rows, "start", "count", default=100, cap=100)
    told = {"total_filtered_count": len(page.items), "total_count": page.total}
    bare = () if call.query.get("include_cells") != "false" else ("cells", "time")
    return Answer({"meta": {"page": told}, "data": [_listed(row, bare) for row in page.items]})


def get_notebook(call: Call) -> Answer:
    """One notebook."""
    return Answer({"data": _row(call)})


def create_notebook(call: Call) -> Answer:
    """Create; names need not be unique."""
    sent, now = _checked(call), iso(call.org.now())
    person = author(call)
    row = {
        "type": "notebooks",
        "id": call.org.new_int(),
        "attributes": {
            **_written(call, sent),
            "modified": now,
            "created": now,
            "deleted": None,
            "tags": sent.get("tags"),
            "author": {name: person[name] for name in _AUTHOR},
        },
    }
    call.org.table("notebooks")[str(row["id"])] = row
    return Answer({"data": row})


def update_notebook(call: Call) -> Answer:
    """Replace all cells and settings."""
    row, sent = _row(call), _checked(call)
    old = row["attributes"]
    new = _written(call, {"metadata": old["metadata"], **sent})
    tags = sent.get("tags", old.get("tags"))
    row["attributes"] = {**old, **new, "tags": tags, "modified": iso(call.org.now())}
    return Answer({"data": row})


def delete_notebook(call: Call) -> Answer:
    """Delete for good."""
    del call.org.table("notebooks")[str(_row(call)["id"])]
    return NO_CONTENT


def is_template(row: Body) -> bool:
    """Say whether a notebook is a template for others."""
    return bool((row["attributes"].get("metadata") or {}).get("is_template"))


def cell_id(number: int) -> str:
    """Return a cell's id of eight letters and digits."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(digits[number // 36**place % 36] for place in range(8))


def _row(call: Call) -> Body:
    id_ = call.params["notebook_id"]
    if not id_.isdigit():
        raise reject(400, f"The value provided for parameter 'notebook_id' is invalid: {id_}")
    return found(call, "notebooks", id_, reject(404, f"Notebook {id_} not found"))


def _listed(row: Body, bare: tuple[str, ...]) -> Body:
    own = without(row["attributes"], *bare)
    own["metadata"] = without(own.get("metadata") or {}, "is_favorite")
    return {**row, "attributes": own}


def _checked(call: Call) -> Body:
    sent = attributes_of(data_of(call, "notebooks"))
    check_shape(_SHAPE, sent, _mistyped)
    for name in ("name", "cells", "time"):
        if sent.get(name) is None:
            raise _invalid(f"'{name}' is a required property")
    if not isinstance(sent["name"], str) or len(sent["name"]) > _LONGEST_NAME:
        raise _invalid(f"'name' is longer than {_LONGEST_NAME} characters")
    if not isinstance(sent["cells"], list) or not all(_is_cell(cell) for cell in sent["cells"]):
        raise _invalid("a cell needs the type 'notebook_cells' and a definition")
    if not isinstance(sent["time"], dict) or not {"live_span", "start"} & sent["time"].keys():
        raise _invalid("'time' needs a live_span, or a start and an end")
    if sent.get("status", "published") != "published":
        raise _invalid("'status' must be 'published'")
    if (sent.get("metadata") or {}).get("type") not in _TYPES:
        raise _invalid("'metadata.type' is not known")
    return sent


def _is_cell(cell: Json) -> bool:
    if not isinstance(cell, dict) or cell.get("type") != "notebook_cells":
        return False
    definition = (cell.get("attributes") or {}).get("definition")
    if not isinstance(definition, dict) or not isinstance(definition.get("type"), str):
        return False
    return definition["type"] != "markdown" or isinstance(definition.get("text"), str)


def _written(call: Call, sent: Body) -> Body:
    return {
        "name": sent["name"],
        "cells": [_with_id(call, cell) for cell in sent["cells"]],
        "time": sent["time"],
        "metadata": {**_METADATA, **(sent.get("metadata") or {})},
        "template_variables": sent.get("template_variables") or [],
        "status": "published",
    }


def _with_id(call: Call, cell: Body) -> Body:
    return {**cell, "id": cell.get("id") or cell_id(call.org.new_widget())}


def _mistyped(at: str) -> Rejected:
    return _invalid(f"'{at}' is of the wrong type")


def _invalid(text: str) -> Rejected:
    return reject(400, f"API input validation failed: {text}")


_ALL, _ONE = "/api/v1/notebooks", "/api/v1/notebooks/{notebook_id}"
ROUTES = (
    Route("GET", _ALL, list_notebooks),
    Route("POST", _ALL, create_notebook),
    Route("GET", _ONE, get_notebook),
    Route("PUT", _ONE, update_notebook),
    Route("DELETE", _ONE, delete_notebook),
)
