"""What the keys must be allowed, against Datadog's own description of its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from specification import exact_operation, specification

from ddsnap.catalog import CATALOG
from ddsnap.core.permissions import needed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import Call, ResourceType

_READING_MAY_DO = {"teams", "team_memberships"}
"""Whose members may be changed by whom is a setting of each team."""


def writes(type_: ResourceType) -> Iterator[Call]:
    others = [call for _, _, call in type_.create_if]
    parts = [call for one in type_.sections for call in (one.write, one.add, one.remove)]
    for call in (type_.create, *others, type_.update, type_.delete, type_.undelete, *parts):
        if call is not None:
            yield call


def described(call: Call) -> set[str]:
    """What Datadog says that a call needs; nothing where it says nothing."""
    operation = exact_operation(call.method, call.path)
    if operation is None:
        return set()
    verbs = specification(operation.version)["paths"][operation.path]
    return set(verbs[call.method.lower()].get("x-permission", {}).get("permissions", ()))


@pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)
def test_a_type_names_all_that_its_writes_need(type_: ResourceType) -> None:
    for call in writes(type_):
        wanted = described(call)
        assert wanted <= {*type_.permissions}, call
        told = {*needed(type_, call.method, call.path)}
        assert told, call
        if type_.name not in _READING_MAY_DO:
            assert wanted <= told, call
        if len(getattr(call, "permissions", ())) > 0:
            assert told == wanted, call
