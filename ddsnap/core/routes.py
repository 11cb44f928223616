"""Where a resource is addressed: its paths, filled in with its ids, and what wraps it there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from ddsnap.core.fields import value_at
from ddsnap.core.ids import split_parts
from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Endpoint:
    """Where one resource is read and written, and what wraps it there."""

    path: str
    envelope: str
    wrap: str = ""
    """The JSON:API type that stands beside the item where the item itself has none."""


def endpoint(type_: ResourceType, item: JSONObject | None) -> Endpoint:
    """Return where a resource is; a field of ``item`` chooses where there are several places."""
    found = family(type_, item)
    if found is None:
        return Endpoint(type_.one_path, type_.envelope)
    path = found.path if _PLACEHOLDER.search(found.path) else f"{found.path}/{{id}}"
    return Endpoint(path, found.envelope, found.wrap)


def family(type_: ResourceType, item: JSONObject | None) -> Endpoint | None:
    """Return where resources of the kind of ``item`` are created, if its kind has its own place."""
    variants, kind = type_.variants, variant(type_, item)
    if not variants or kind not in variants.paths:
        return None
    wrap = variants.wrap.get(kind, "")
    return Endpoint(variants.paths[kind], "data.attributes" if wrap else type_.envelope, wrap)


def variant(type_: ResourceType, item: JSONObject | None) -> str:
    """Return the kind of ``item``, where kinds have endpoints of their own; else nothing."""
    kind = value_at(item, type_.variants.by) if type_.variants and item else None
    return kind if isinstance(kind, str) else ""


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
