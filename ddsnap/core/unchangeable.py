"""What a transformation must leave as it is: ids, who and when, what Datadog computes, secrets."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.fields import FieldPath, field_path, value_at
from ddsnap.core.normalize import is_secret
from ddsnap.core.pointers import parse
from ddsnap.core.secrets import marked
from ddsnap.core.values import RESERVED

if TYPE_CHECKING:
    from ddsnap.core.fields import Parts
    from ddsnap.core.resource_type import Masked, ResourceType
    from ddsnap.core.values import JSONObject


def is_fixed(type_: ResourceType, parts: Parts) -> bool:
    """Whether the place is not for people to decide about."""
    return RESERVED in parts or any(path.covers(parts) for path in _fixed(type_))


def why_not(type_: ResourceType, pointer: str) -> str:
    """Say why no rule may write to the place that ``pointer`` names; empty where one may."""
    parts = tuple(0 if part == "-" else int(part) if _is_index(part) else part
                  for part in parse(pointer))  # fmt: skip
    if RESERVED in parts:
        return f"{RESERVED} is ddsnap's own member"
    if is_fixed(type_, parts):
        return (
            f"{pointer} is not for people to decide in {type_.name}: an id, who, when, or derived"
        )
    if any(field_path(path).covers(parts) for path in type_.secrets):
        return f"{pointer} holds a secret in {type_.name}: its value comes from the secrets file"
    return ""


def disturbed(type_: ResourceType, before: JSONObject, after: JSONObject) -> str:
    """Name what differs between two bodies and may not; empty where all is well.

    Elements of lists may go with what they hold, but nothing of the kind may come.
    """
    for path in _fixed(type_):
        old, new = _values(path, before), _values(path, after)
        if new - old or (path.plain and old - new):
            return path.text
    for masked in type_.masked:
        if _bare(masked, after) > _bare(masked, before):
            return f"what keeps {masked.at} secret"
    return moved_secret(before, after)


def moved_secret(before: JSONObject, after: JSONObject) -> str:
    """Name a secret that is not where it was, or was not there; empty where there is none."""
    old, new = _secrets(before), _secrets(after)
    return next(("the secret at " + "/".join(place) for place in (old - new) + (new - old)), "")


def _bare(masked: Masked, body: JSONObject) -> int:
    """Count what stands in for a secret that the API, as the body says, shows to everybody."""
    if any(value_at(body, path) for path in masked.unless):
        return 0
    way, _, last = masked.at.rpartition(".")
    holders = [slot.value for slot in field_path(way).find(body)] if way else [body]
    return sum(
        isinstance(holder, dict)
        and is_secret(holder.get(last))
        and any(holder.get(name) != value for name, value in masked.when.items())
        for holder in holders
    )


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit()


def _values(path: FieldPath, body: JSONObject) -> Counter[bytes]:
    return Counter(canonical.encode(slot.value) for slot in path.find(body))


def _secrets(body: JSONObject) -> Counter[tuple[str, ...]]:
    """Where secrets stand; positions are left out, since elements of lists move."""
    return Counter(tuple(p if isinstance(p, str) else "*" for p in parts) for parts in marked(body))


@cache
def _fixed(type_: ResourceType) -> tuple[FieldPath, ...]:
    ids = tuple(part.at for part in type_.parts) or (() if type_.constant_id else (type_.id,))
    kinds = (*type_.identity, *type_.provenance, *type_.derived, *type_.volatile)
    return tuple(field_path(path) for path in dict.fromkeys((*ids, RESERVED, *kinds)))
