"""Why a document must not be written as it stands, whatever the destination holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddsnap.core.fields import field_path, value_at

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject


def flaw_of(type_: ResourceType, body: JSONObject) -> str:
    """Say why a document must not be written; nothing for a sound one."""
    for path in type_.uploads:
        if any(True for slot in field_path(path).find(body) if slot.value):
            return f"the files at {path} were uploaded, and their content is not in the snapshot"
    for demand in type_.demands:
        text = value_at(body, demand.at)
        if isinstance(text, str) and not re.search(demand.pattern, text):
            return f"its {demand.at} {demand.why}"
    return _flaw_of_policy(type_, body) if type_.discover and type_.nothing_when_empty else ""


def _flaw_of_policy(type_: ResourceType, body: JSONObject) -> str:
    """Without an editor, or naming nobody, a policy misleads.

    Such a one stems from a transformation; Datadog takes a policy without bindings for none.
    """
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
