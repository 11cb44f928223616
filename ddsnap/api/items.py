"""What a declaration says of single items: their address, their envelope, what completes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from ddsnap.core.fields import field_path, value_at
from ddsnap.core.ids import split_parts
from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Endpoint:
    """Where one resource is read, and what wraps it there."""

    path: str
    envelope: str


def endpoint(type_: ResourceType, item: JSONObject | None) -> Endpoint:
    """Return where a resource is read; a field of ``item`` chooses where there are several."""
    variants = type_.variants
    kind = value_at(item, variants.by) if variants and item else None
    if not variants or not isinstance(kind, str) or kind not in variants.paths:
        return Endpoint(type_.one_path, type_.envelope)
    path = variants.paths[kind]
    path = path if _PLACEHOLDER.search(path) else f"{path}/{{id}}"
    return Endpoint(path, "data.attributes" if kind in variants.wrap else type_.envelope)


def endpoints(type_: ResourceType, item: JSONObject | None) -> list[Endpoint]:
    """Return where a resource may be read, in the order in which to try.

    Where nothing is known of it, it may also be of a kind that the common address does not know,
    as it belongs to another API.
    """
    found = [endpoint(type_, item)]
    if type_.variants and item is None:
        found += [endpoint(type_, {type_.variants.by: kind}) for kind in type_.variants.wrap]
    return found


def addresses(type_: ResourceType) -> list[str]:
    """Return every path at which a resource of the type may be read."""
    variants = type_.variants
    kinds: list[JSONObject] = [{variants.by: kind} for kind in variants.paths] if variants else []
    return list(dict.fromkeys(endpoint(type_, item).path for item in (None, *kinds)))


def ids_by_name(type_: ResourceType, id_: str) -> dict[str, str]:
    """Return what stands in for each placeholder of the type's paths."""
    if not type_.parts:
        return {"id": id_}
    values = split_parts(id_)
    if len(values) != len(type_.parts):
        raise ApiError(f"{type_.name}: the id {id_!r} does not have {len(type_.parts)} parts")
    return {part.name: value for part, value in zip(type_.parts, values, strict=True)}


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a path with its placeholders filled in, each percent-encoded as one segment."""

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        # No id, or dots that lead elsewhere, would make this the path of something else.
        if value in ("", ".", ".."):
            raise ApiError(f"{value!r} cannot stand for {match[0]} in {template}")
        return quote(value, safe="")

    return _PLACEHOLDER.sub(fill, template)


def first_placeholder(template: str) -> str:
    """Return the name of a path's first placeholder."""
    match = _PLACEHOLDER.search(template)
    return match[1] if match else ""


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
