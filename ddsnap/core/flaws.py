"""Why a document must not be written as it stands, whatever the destination holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject


def flaw_of(type_: ResourceType, body: JSONObject) -> str:
    """Say why a policy must not be written: without an editor, or naming nobody, it misleads.

    Such a one stems from a transformation; Datadog takes a policy without bindings for none.
    """
    if not type_.discover or not type_.nothing_when_empty:
        return ""
    bindings = value_at(body, type_.nothing_when_empty)
    relations: dict[JSON, JSON] = {}
    for binding in bindings if isinstance(bindings, list) else []:
        if isinstance(binding, dict):
            relations[binding.get("relation")] = binding.get("principals")
    if not relations:
        return "it would hold no binding, which opens what it protects to everyone"
    empty = sorted(str(relation) for relation, named in relations.items() if not named)
    if empty:
        return f"nobody would be left as {', '.join(empty)}"
    return "" if "editor" in relations else "nobody would be left as editor"
