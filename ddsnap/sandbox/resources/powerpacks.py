"""Powerpacks: one group of widgets each, with numbers and a place that the server gives."""

from __future__ import annotations

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Json, Rejected, reject
from ddsnap.sandbox.resources.common import attributes_of, data_of, found, is_uuid
from ddsnap.sandbox.resources.dashboard_rules import lacking_text, with_widget_ids
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape

_LAYOUT = {"width": 12, "height": 1, "x": 0, "y": 0}
_SHAPE: Shape = {
    "name~": "text",
    "description~": "text",
    "group_widget~": {"layout~": "object", "live_span~": "text", "definition": "object"},
    "template_variables~": [{"name": "text", "defaults~": ["text"]}],
    "tags~": ["text"],
}
PRESET = "5e1f0c9e-7a3b-4d2c-9b8f-2f6f4f0a1d11"
"""One of Datadog's own: every org answers it to whoever asks for it, and none lists it."""
_MOST_TAGS, _LONGEST_TAG = 8, 80


def list_powerpacks(call: Call) -> Answer:
    """By ``page[offset]`` and ``page[limit]``; how many there are is not told."""
    rows = call.org.table("powerpacks").values()
    page = pages.offset(call, rows, "page[offset]", "page[limit]", default=25, cap=1000)
    told = {
        "offset": page.number,
        "first_offset": 0,
        "prev_offset": max(0, page.number - page.size),
        "next_offset": page.number + page.size,
        "last_offset": None,
        "limit": page.size,
        "type": "offset_limit",
    }
    included = _authors(call, page.items)
    return Answer({"data": page.items, "included": included, "meta": {"pagination": told}})


def get_powerpack(call: Call) -> Answer:
    """One powerpack with its author, or one of Datadog's own."""
    if call.params["powerpack_id"] == PRESET:
        return Answer({"data": _preset(), "included": []})
    return _told(call, _row(call))


def create_powerpack(call: Call) -> Answer:
    """Create; names need not be unique."""
    row: Body = {
        "type": "powerpack",
        "id": call.org.new_uuid(),
        "attributes": _checked(call),
        "relationships": {"author": {"data": {"type": "users", "id": call.org.owner}}},
    }
    call.org.table("powerpacks")[row["id"]] = row
    return _told(call, row)


def update_powerpack(call: Call) -> Answer:
    """Replace the whole powerpack; its author stays."""
    row = _row(call)
    row["attributes"] = _checked(call)
    return _told(call, row)


def delete_powerpack(call: Call) -> Answer:
    """Delete for good; dashboards that show it are left as they are."""
    del call.org.table("powerpacks")[_row(call)["id"]]
    return NO_CONTENT


def _row(call: Call) -> Body:
    id_ = call.params["powerpack_id"]
    what = f"Powerpack with id {id_}" if is_uuid(id_) else f"Powerpack has invalid UUID {id_}"
    return found(call, "powerpacks", id_, reject(404, f"{what} not found"))


def _preset() -> Body:
    group: Body = {"type": "group", "layout_type": "ordered", "title": "Hosts", "widgets": []}
    attributes = {"name": "Hosts", "group_widget": {"layout": dict(_LAYOUT), "definition": group}}
    return {"type": "powerpack", "id": PRESET, "attributes": attributes, "relationships": {}}


def _told(call: Call, row: Body) -> Answer:
    return Answer({"data": row, "included": _authors(call, [row])})


def _authors(call: Call, rows: list[Body]) -> list[Body]:
    users = call.org.table("users")
    ids = dict.fromkeys(row["relationships"]["author"]["data"]["id"] for row in rows)
    shown = {id_: users[id_]["attributes"] for id_ in ids if id_ in users}
    return [
        {"type": "users", "id": id_, "attributes": {name: own[name] for name in ("name", "email")}}
        for id_, own in shown.items()
    ]


def _checked(call: Call) -> Body:
    sent = attributes_of(data_of(call, "powerpack"))
    check_shape(_SHAPE, sent, _mistyped)
    for name in ("name", "group_widget"):
        if sent.get(name) is None:
            problem = {name: ["Missing data for required field."]}
            raise reject(400, f"API input validation failed: {problem}")
    return {
        "name": sent["name"],
        "description": sent.get("description"),
        "group_widget": _group(call, sent["group_widget"]),
        "template_variables": sent.get("template_variables"),
        "tags": _tags(sent.get("tags")),
    }


def _group(call: Call, group: Json) -> Body:
    definition = group.get("definition") if isinstance(group, dict) else None
    if not isinstance(definition, dict):
        raise _invalid("'definition' is a required property")
    _check_kind(definition)
    widgets = definition.get("widgets")
    if not isinstance(widgets, list) or not all(_is_widget(item) for item in widgets):
        raise _invalid("'widgets' is a required property")
    numbered = {**definition, "widgets": with_widget_ids(call.org, widgets)}
    return {"layout": dict(_LAYOUT), **group, "definition": numbered}


def _check_kind(definition: Body) -> None:
    kind = definition.get("type")
    if kind != "group":
        raise _invalid(
            f"{kind!r} is not one of ['group']\n\nFailed validating 'enum' in schema"
            f"['properties']['type']:\n    {{'enum': ['group']}}\n\nOn instance['type']:\n"
            f"    {kind!r}."
        )
    if definition.get("layout_type") != "ordered":
        raise _invalid("'layout_type' is a required property")


def _is_widget(item: Json) -> bool:
    definition = item.get("definition") if isinstance(item, dict) else None
    if not isinstance(definition, dict) or not isinstance(definition.get("type"), str):
        return False
    return definition["type"] not in ("group", "powerpack") and not lacking_text(definition)


def _tags(tags: Json) -> list[str]:
    tags = [] if tags is None else tags
    if not isinstance(tags, list) or any(not isinstance(tag, str) for tag in tags):
        raise reject(400, "API input validation failed: {'tags': ['Not a valid list.']}")
    if len(tags) > _MOST_TAGS or any(len(tag) > _LONGEST_TAG for tag in tags):
        text = f"Longer than maximum of {_MOST_TAGS} tags of {_LONGEST_TAG} characters."
        raise reject(400, f"API input validation failed: {{'tags': ['{text}']}}")
    return tags


def _mistyped(at: str) -> Rejected:
    return reject(400, f"API input validation failed: {{'{at}': ['Invalid value.']}}")


def _invalid(text: str) -> Rejected:
    return reject(400, f"Invalid group widget for powerpack. Error: {text}")


_ALL, _ONE = "/api/v2/powerpacks", "/api/v2/powerpacks/{powerpack_id}"
ROUTES = (
    Route("GET", _ALL, list_powerpacks),
    Route("POST", _ALL, create_powerpack),
    Route("GET", _ONE, get_powerpack),
    Route("PATCH", _ONE, update_powerpack),
    Route("DELETE", _ONE, delete_powerpack),
)
