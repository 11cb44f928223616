"""What Datadog demands of a dashboard, and the ids it gives to widgets and tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Body, Json, Rejected, reject
from ddsnap.sandbox.resources.common import check_roles
from ddsnap.sandbox.shapes import check_shape

if TYPE_CHECKING:
    from ddsnap.sandbox.org import SandboxOrg
    from ddsnap.sandbox.shapes import Shape


_SHAPE: Shape = {
    "title~": "text",
    "description~": "text",
    "layout_type~": "text",
    "reflow_type~": "text",
    "widgets~": ["object"],
    "template_variables~": [{"available_values~": ["text"], "prefix~": "text", "name~": "text"}],
    "template_variable_presets~": [{"name~": "text", "template_variables~": ["object"]}],
    "notify_list~": ["text"],
    "tags~": ["text"],
    "restricted_roles~": ["text"],
    "tabs~": [{"name~": "text", "widget_ids~": "list"}],
}
_TEXTS = {"note": "content", "free_text": "text", "iframe": "url", "image": "url"}
"""By the kind of a widget, the text without which it is none."""


def check(org: SandboxOrg, sent: Body) -> None:
    """Refuse a dashboard that Datadog would refuse."""
    check_shape(_SHAPE, sent, _invalid)
    for name in ("title", "layout_type", "widgets"):
        if sent.get(name) is None:
            raise reject(400, f"Missing required parameter: '{name}'")
    if sent["layout_type"] not in ("ordered", "free"):
        raise _invalid("layout_type")
    if sent.get("reflow_type") not in (None, "auto", "fixed"):
        raise _invalid("reflow_type")
    _check_variables(sent)
    _check_presets(sent)
    for tag in _list(sent, "tags"):
        if not str(tag).startswith("team:"):
            raise reject(400, "Invalid tag format. Valid tag keys are: team.")
    check_roles(org, sent.get("restricted_roles"))
    _check_notified(org, sent)
    _check_widgets(sent["widgets"], sent["layout_type"])


def with_widget_ids(org: SandboxOrg, widgets: list[Body]) -> list[Body]:
    """Return widgets that all have ids: theirs where they were sent, new ones elsewhere."""
    return [_with_id(org, widget) for widget in widgets]


def lacking_text(definition: Body) -> str:
    """Return the text that a widget needs and does not have; empty where it lacks none."""
    name = _TEXTS.get(definition["type"], "")
    return name if name and not isinstance(definition.get(name), str) else ""


def with_tab_ids(org: SandboxOrg, tabs: list[Body], widgets: list[Body]) -> list[Body]:
    """Return tabs that name widgets by id; ``@1`` stands for the first widget."""
    ids = [widget["id"] for widget in widgets]
    return [
        {
            **tab,
            "id": tab.get("id") or org.new_uuid(),
            "widget_ids": [_widget_id(ref, ids) for ref in tab.get("widget_ids") or []],
        }
        for tab in tabs
    ]


def _with_id(org: SandboxOrg, widget: Body) -> Body:
    definition = widget["definition"]
    if isinstance(definition.get("widgets"), list):
        inner = with_widget_ids(org, definition["widgets"])
        widget = {**widget, "definition": {**definition, "widgets": inner}}
    return widget if widget.get("id") is not None else {**widget, "id": org.new_widget()}


def _widget_id(ref: Json, ids: list[int]) -> int:
    if isinstance(ref, str) and ref[:1] == "@" and ref[1:].isdigit():
        position = int(ref[1:])
        if 1 <= position <= len(ids):
            return ids[position - 1]
    elif ref in ids and not isinstance(ref, bool):
        return int(ref)
    raise _invalid("tabs")


def _check_variables(sent: Body) -> None:
    for variable in _list(sent, "template_variables"):
        if not isinstance(variable, dict) or not isinstance(variable.get("name"), str):
            raise _invalid("template_variables")
        if variable.get("default") is not None and variable.get("defaults") is not None:
            raise _invalid("template_variables")
        _check_values(variable, "defaults")


def _check_presets(sent: Body) -> None:
    for preset in _list(sent, "template_variable_presets"):
        for variable in preset.get("template_variables") or []:
            if "value" in variable and "values" in variable:
                raise reject(400, f"'template_variables' value '{variable}' is invalid")
            _check_values(variable, "values")


def _check_values(variable: Body, name: str) -> None:
    values = variable.get(name)
    if values is None:
        return
    if not isinstance(values, list):
        raise _invalid(name)
    if not values:
        raise reject(400, f"Minimum number of elements in parameter '{name}' should be 1")
    if "" in values:
        raise reject(400, f"Minimum length of parameter '{name}' should be 1")


def _check_notified(org: SandboxOrg, sent: Body) -> None:
    for handle in _list(sent, "notify_list"):
        if not org.table("users").alike(str(handle)):
            raise reject(400, f"Invalid user handle in 'notify_list': {handle}")


def _check_widgets(widgets: Json, layout: str) -> None:
    if not isinstance(widgets, list):
        raise _invalid("widgets")
    for position, widget in enumerate(widgets):
        definition = widget.get("definition") if isinstance(widget, dict) else None
        if not isinstance(definition, dict) or not isinstance(definition.get("type"), str):
            raise reject(400, f"Invalid widget definition at position {position}: no 'type'")
        if lacks := lacking_text(definition):
            raise reject(400, f"Invalid widget definition at position {position}: no '{lacks}'")
        if layout == "free" and not isinstance(widget.get("layout"), dict):
            raise reject(400, f"Invalid widget at position {position}: 'layout' is required")
        if not isinstance(widget.get("id"), (int, str, type(None))):
            raise reject(400, f"Invalid widget at position {position}: 'id' is invalid")
        if "widgets" in definition:
            _check_widgets(definition["widgets"], "ordered")


def _list(sent: Body, name: str) -> list[Json]:
    value = sent.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _invalid(name)
    return value


def _invalid(name: str) -> Rejected:
    return reject(400, f"'{name}' is invalid")
