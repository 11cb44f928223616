"""The kinds of fields, asked of a document: which part of it says what people decided."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.core import canonical
from ddsnap.core.fields import FieldPath, Parts, field_path
from ddsnap.core.values import clone

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject

Kind: TypeAlias = Literal["identity", "provenance", "derived", "volatile", "secret"]


def without(type_: ResourceType, body: JSONObject, *kinds: Kind) -> JSONObject:
    """Return a copy of ``body`` that lacks the fields of these kinds."""
    body = clone(body)
    for kind in kinds:
        for path in _paths(type_, kind):
            path.remove(body)
    return body


def is_provenance(type_: ResourceType, parts: Parts) -> bool:
    """Whether the place tells who or when, rather than what."""
    return any(path.covers(parts) for path in _paths(type_, "provenance"))


def difference(
    type_: ResourceType, old: JSONObject, new: JSONObject
) -> Literal["same", "touched", "changed"]:
    """Say whether two documents of one org differ; ``touched`` is a change of provenance alone."""
    if canonical.same(old, new):
        return "same"
    told = (without(type_, old, "provenance"), without(type_, new, "provenance"))
    return "touched" if canonical.same(*told) else "changed"


@cache
def _paths(type_: ResourceType, kind: Kind) -> tuple[FieldPath, ...]:
    declared = {
        "identity": type_.identity,
        "provenance": type_.provenance,
        "derived": type_.derived,
        "volatile": type_.volatile,
        "secret": type_.secrets,
    }
    return tuple(field_path(path) for path in declared[kind])
