"""What a resource is called, as far as a server that trims and folds texts leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ddsnap.core import canonical
from ddsnap.core.fields import field_path
from ddsnap.core.match import key_fields, natural_key
from ddsnap.core.normalize import title_of

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

Name: TypeAlias = "tuple[str, ...]"


def name_of(type_: ResourceType, body: JSONObject) -> Name | None:
    """Return what people, or Datadog by its key, call the resource; ``None`` for nothing at all.

    Of a key, only what stays as it was sent says what it is called: no time.
    """
    if natural_key(type_, body) is not None:
        kept = [path for path in key_fields(type_, body) if path not in type_.spares]
        values = [field_path(path).first(body) for path in kept]
        return ("key", *(canonical.encode(_folded(value)).decode() for value in values))
    title = title_of(type_, body)
    return ("title", folded(title)) if folded(title) else None


def same_name(type_: ResourceType, one: JSONObject, other: JSONObject) -> bool:
    """Whether a server may have made the name of one of the other's."""
    name = name_of(type_, one)
    return name is not None and name == name_of(type_, other)


def folded(text: str) -> str:
    """Return a text without what servers change of it."""
    return text.strip().casefold()


def _folded(value: JSON) -> JSON:
    return folded(value) if isinstance(value, str) else value
