"""What only a function can say of a type: pairs of inverse functions between read and written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ddsnap.core.fields import value_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.core.values import JSON, JSONObject


_GROUPED: Final = re.compile(r"\bby\s*\{|\.by\(")


def as_it_is(body: JSONObject) -> JSONObject:
    """The written form where the API takes what :class:`Shape` made of its answer."""
    return body


def tabs_by_position(body: JSONObject, _included: Sequence[JSONObject]) -> JSONObject:
    """Let a dashboard's tabs name their widgets by position: ``@1`` is the first.

    The server numbers widgets anew on each write, and takes positions as well as numbers.
    """
    tabs, widgets = body.get("tabs"), body.get("widgets")
    if not isinstance(tabs, list) or not isinstance(widgets, list):
        return body
    position = {
        widget["id"]: f"@{index}"
        for index, widget in enumerate(widgets, 1)
        if isinstance(widget, dict) and isinstance(widget.get("id"), (int, str))
    }
    for tab in tabs:
        if isinstance(tab, dict) and isinstance(tab.get("widget_ids"), list):
            ids: list[JSON] = tab["widget_ids"]  # type: ignore[assignment]
            tab["widget_ids"] = [_position(position, id_) for id_ in ids]
    return body


def _position(positions: dict[JSON, str], id_: JSON) -> JSON:
    return positions.get(id_, id_) if isinstance(id_, (int, str)) else id_


def without_extracted_value(body: JSONObject, _included: Sequence[JSONObject]) -> JSONObject:
    """Leave out of a global variable what a test put into it."""
    value = body.get("value")
    if body.get("parse_test_public_id") and isinstance(value, dict):
        value.pop("value", None)
    return body


def without_its_type(body: JSONObject) -> JSONObject:
    """Leave out the type that answers name, all the same, and no request of the documented API."""
    return {name: value for name, value in body.items() if name != "type"}


def with_empty_value(body: JSONObject) -> JSONObject:
    """Give a new variable that a test fills the empty value that the API demands.

    Where the test is still to come, there is no way yet either in which to fill it.
    """
    value, options = body.get("value"), body.get("parse_test_options")
    if not (body.get("parse_test_public_id") or options) or not isinstance(value, dict):
        return body
    filled: JSONObject = {**body, "value": {"value": "", **value}}
    if not body.get("parse_test_public_id"):
        del filled["parse_test_options"]
    return filled


def placed_by_the_server(body: JSONObject) -> JSONObject:
    """Leave out of a mobile test its locations: such tests run where Datadog has its devices."""
    if body.get("type") != "mobile":
        return body
    return {name: value for name, value in body.items() if name != "locations"}


def without_nulls(body: JSONObject) -> JSONObject:
    """Leave out attributes that are null in answers and may not be in requests."""
    kept: JSONObject = {k: v for k, v in _attributes(body).items() if v is not None}
    return {**body, "attributes": kept}


def acceptable_monitor(body: JSONObject) -> JSONObject:
    """Leave out of a monitor's options what has no effect, and what the API therefore refuses.

    Datadog kept such options when they were written; it takes none of them today.
    """
    options = body.get("options")
    if not isinstance(options, dict):
        return body
    options = dict(options)
    thresholds = options.get("thresholds")
    if isinstance(thresholds, dict):
        options["thresholds"] = _without_orphans(thresholds)
    scheduled = value_at(options, "scheduling_options.custom_schedule")
    if scheduled and options.get("on_missing_data") is None:
        options["on_missing_data"] = "default"
    if options.get("notify_by") == ["*"] and not _is_grouped(body, options):
        del options["notify_by"]
    return {**body, "options": options}


def _without_orphans(thresholds: JSONObject) -> JSONObject:
    """Drop the recovery of a level that no threshold leads to."""
    levels = {name: name.removesuffix("_recovery") for name in thresholds}
    return {
        name: thresholds[name]
        for name, level in levels.items()
        if name == level or thresholds.get(level) is not None
    }


def _is_grouped(body: JSONObject, options: JSONObject) -> bool:
    query, variables = body.get("query"), options.get("variables")
    each = variables if isinstance(variables, list) else []
    grouped = isinstance(query, str) and _GROUPED.search(query) is not None
    return grouped or any(value_at(one, "group_by") for one in each)


def layers_into_schedule(body: JSONObject, included: Sequence[JSONObject]) -> JSONObject:
    """Put an on-call schedule's layers, with their members, where they are written."""
    others = _by_reference(included)
    layers: list[JSON] = []
    for layer in _related(body, "layers", others):
        members: list[JSON] = []
        for member in _related(layer, "members", others):
            user = value_at(member, "relationships.user.data.id")
            members.append({"user": {"id": user}} if user else {})
        layers.append({**_attributes(layer), "id": layer["id"], "members": members})
    return _moved(body, "layers", layers)


def steps_into_policy(body: JSONObject, included: Sequence[JSONObject]) -> JSONObject:
    """Put an escalation policy's steps, with their targets, where they are written."""
    others = _by_reference(included)
    steps: list[JSON] = []
    for step in _related(body, "steps", others):
        targets: list[JSON] = [_target(target) for target in _related(step, "targets", others)]
        steps.append({**_attributes(step), "id": step["id"], "targets": targets})
    return _moved(body, "steps", steps)


def _target(target: JSONObject) -> JSON:
    # A schedule with a position is read as an object of its own and written as a schedule.
    if target["type"] != "schedule_target":
        return {"id": target["id"], "type": target["type"]}
    position = value_at(target, "attributes.position")
    return {
        "id": value_at(target, "relationships.schedule.data.id"),
        "type": "schedules",
        "config": {"schedule": {"position": position}},
    }


def _by_reference(included: Sequence[JSONObject]) -> dict[tuple[JSON, JSON], JSONObject]:
    return {(item.get("type"), item.get("id")): item for item in included}


def _related(
    item: JSONObject, name: str, others: dict[tuple[JSON, JSON], JSONObject]
) -> list[JSONObject]:
    """The members of a JSON:API relationship: as included, else as the bare reference."""
    data = value_at(item, f"relationships.{name}.data")
    links = [link for link in data if isinstance(link, dict)] if isinstance(data, list) else []
    return [others.get((link.get("type"), link.get("id")), link) for link in links]


def _attributes(item: JSONObject) -> JSONObject:
    attributes = item.get("attributes")
    return dict(attributes) if isinstance(attributes, dict) else {}


def _moved(body: JSONObject, name: str, items: list[JSON]) -> JSONObject:
    relationships = body.get("relationships")
    if not isinstance(relationships, dict) or name not in relationships:
        return body
    del relationships[name]
    body["attributes"] = {**_attributes(body), name: items}
    return body
