"""What a declaration says of single items: what wraps them, whose they are, what completes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.fields import field_path, value_at
from ddsnap.core.routes import first_placeholder, ids_by_name
from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject


def unwrapped(answer: JSON, envelope: str) -> JSONObject:
    """Return the item of an answer."""
    item = value_at(answer, envelope)
    if not isinstance(item, dict):
        where = f"no object at {envelope!r}" if envelope else "no object"
        raise ApiError(f"the answer holds {where}", "the API may have changed")
    return item


def is_ours(type_: ResourceType, item: JSONObject) -> bool:
    """Whether a listed item is this type's to capture."""
    if type_.skip:
        at, values = type_.skip
        said = _said(value_at(item, at))
        if said in values or (said and not values):
            return False
    return not type_.keep or _said(value_at(item, type_.keep[0])).startswith(type_.keep[1])


def place_parent(type_: ResourceType, item: JSONObject, parent: str) -> JSONObject:
    """Write the parent's id where the item names it, as listings below a parent leave it out."""
    name = first_placeholder(type_.path)
    for part in type_.parts if parent else ():
        if part.name == name:
            _place(item, part.at, parent, part.to)
    return item


def place_id(type_: ResourceType, item: JSONObject, id_: str) -> JSONObject:
    """Write the id, or its parts, that an item was asked for where the answer leaves it out."""
    values = ids_by_name(type_, id_)
    for part in type_.parts:
        _place(item, part.at, values[part.name], part.to)
    if not type_.parts and not type_.constant_id:
        _place(item, type_.id, id_, "")
    return item


def shaped(type_: ResourceType, item: JSONObject, included: Sequence[JSONObject]) -> JSONObject:
    """Bring an item into the shape in which it is written."""
    if type_.shape is None:
        return item
    try:
        return type_.shape.read(item, included)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
        raise ApiError(f"{type_.name}: an answer of another form than expected ({said})") from error


def reduced(item: JSONObject, keep: Sequence[str]) -> JSONObject:
    """Return an element of a section with only the members that are this resource's."""
    if not keep:
        return item
    kept: JSONObject = {}
    for name in keep:
        for slot in field_path(name).find(item):
            field_path(name).put(kept, slot.value)
    return kept


def _place(item: JSONObject, at: str, value: str, type_name: str) -> None:
    place = field_path(at)
    if place.first(item) is not None:
        return
    place.put(item, value)
    *holder, last = place.steps
    if last == "id" and holder[-1:] == ["data"]:
        reference = value_at(item, ".".join(holder))
        if isinstance(reference, dict):
            reference.setdefault("type", type_name)


def _said(value: JSON) -> str:
    """Return a value as declarations write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
