"""What Datadog's specification calls read-only is never taken for configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from specification import resolved, specification

from ddsnap.catalog import CATALOG
from ddsnap.core.fields import field_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import ResourceType


def answer(spec: dict[str, Any], path: str) -> Any:
    """The schema of what a read answers; ``None`` where the specification has no such read."""
    wanted = re.sub(r"\{[^}]*\}", "{}", path)
    for known, verbs in spec["paths"].items():
        if re.sub(r"\{[^}]*\}", "{}", known) == wanted and "get" in verbs:
            return verbs["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return None


def inside(spec: dict[str, Any], schema: Any, steps: str) -> Any:
    """What stands at a path of plain members; the members of a list where it is one."""
    for step in filter(None, steps.split(".")):
        schema = resolved(spec, schema).get("properties", {}).get(step)
    schema = resolved(spec, schema)
    return schema.get("items", schema)


def items(type_: ResourceType) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield the specification's schemas of one resource, each with the file it stands in."""
    kinds = type_.variants.paths.items() if type_.variants else [("", "")]
    for kind, path in kinds:
        one = f"{path}/{{id}}" if path and "{" not in path else path or type_.one_path
        spec = specification("v1" if "/v1/" in one else "v2")
        wrapped = bool(type_.variants and kind in type_.variants.wrap)
        found = answer(spec, one)
        if found is not None:
            yield spec, inside(spec, found, "data.attributes" if wrapped else type_.envelope)
        elif answer(spec, type_.path) is not None:  # it is read in listings alone
            yield spec, inside(spec, answer(spec, type_.path), type_.items)


def read_only(
    spec: dict[str, Any], schema: Any, path: str, above: frozenset[str] = frozenset()
) -> Iterator[str]:
    name = schema.get("$ref", "") if isinstance(schema, dict) else ""
    schema = resolved(spec, schema)
    if not isinstance(schema, dict) or (name and name in above):
        return
    above |= {name}
    if schema.get("readOnly") and path:
        yield path
        return
    for choice in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from read_only(spec, choice, path, above)
    for member, inner in (schema.get("properties") or {}).items():
        yield from read_only(spec, inner, f"{path}.{member}" if path else member, above)
    if "items" in schema:
        yield from read_only(spec, schema["items"], f"{path}[*]", above)


@pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)
def test_no_read_only_field_counts_as_configuration(type_: ResourceType) -> None:
    declared = [
        *type_.identity, *type_.provenance, *type_.derived, *type_.volatile, type_.id,
        *(part.at for part in type_.parts),
    ]  # fmt: skip
    ours = [field_path(path) for path in declared]
    schemas = list(items(type_))
    assert schemas, "the specification knows no read of it"
    for spec, schema in schemas:
        for path in read_only(spec, schema, ""):
            steps = field_path(path).steps
            parts = tuple(0 if step == "[*]" else step for step in steps)
            assert any(one.covers(parts) for one in ours), f"{path} is the server's"


def test_the_specification_has_read_only_fields() -> None:
    """Should the walk find none, the test above would prove nothing."""
    counts = {
        type_.name: len(
            {path for spec, schema in items(type_) for path in read_only(spec, schema, "")}
        )
        for type_ in CATALOG.types
    }
    assert counts["monitors"] >= 8
    assert counts["dashboards"] >= 5
    assert counts["dashboard_lists"] >= 5
    assert sum(bool(count) for count in counts.values()) >= 14
