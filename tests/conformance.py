"""A value held against a schema of OpenAPI 3.0: every place where the two disagree.

Objects are closed: a property that the schema does not name is a deviation, at any depth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema
from specification import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOCAL = frozenset((
    "type", "enum", "format", "pattern", "minLength", "maxLength", "multipleOf",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
))  # fmt: skip
_FORMATS = jsonschema.FormatChecker(("uuid", "ipv4", "ipv6"))


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value.replace("Z", "+00:00")))


class At(NamedTuple):
    """A place in a value: ``kind`` is the same for all elements of a list, ``parts`` is exact.

    An object that says its type is told from those of other types: ``.cells[*]<note>.content``.
    """

    parts: tuple[str | int, ...] = ()
    kind: str = ""

    def inside(self, step: str | int) -> At:
        """The place of a member, or of an element."""
        added = "[*]" if isinstance(step, int) else f".{step}"
        return At((*self.parts, step), self.kind + added)

    def of_type(self, value: dict[str, Any]) -> At:
        """The same place, with the type of what stands there; a body's own type says nothing."""
        said = value.get("type")
        told = self.parts and isinstance(said, str)
        return At(self.parts, f"{self.kind}<{said}>") if told else self

    @property
    def pointer(self) -> str:
        return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in self.parts)


@dataclass(frozen=True)
class Deviation:
    """One disagreement; ``why`` is a keyword of JSON Schema, or unknown, read-only, null."""

    at: At
    why: str
    detail: str
    """What stands there that the schema does not allow: a name, a value, a type."""
    text: str

    def __str__(self) -> str:
        return f"{self.at.pointer or '(body)'}: {self.text}"

    @property
    def sign(self) -> tuple[str, str, str]:
        """The same for all deviations that one recording proves harmless."""
        return self.at.kind, self.why, self.detail


@dataclass(frozen=True)
class Walk:
    """Walks values along the schemas of one specification.

    ``harmless`` only helps to choose among alternatives: all deviations are returned.
    """

    spec: dict[str, Any]
    harmless: Callable[[Deviation], bool] = field(default=lambda _: False)

    def deviations(self, schema: Any, value: Any, at: At = At()) -> list[Deviation]:  # noqa: B008
        """Every place in ``value`` that ``schema`` does not allow."""
        schema = self._merged(resolved(self.spec, schema))
        choices = schema.get("oneOf") or schema.get("anyOf")
        if value is None and (choices or "type" in schema or "enum" in schema):
            return [] if self._nullable(schema) else [Deviation(at, "null", "", "may not be null")]
        if choices:
            return self._best(choices, value, at)
        found = list(_local(schema, value, at))
        if isinstance(value, dict) and schema.get("type", "object") == "object":
            found += self._members(schema, value, at.of_type(value))
        elif isinstance(value, list) and "items" in schema:
            for index, element in enumerate(value):
                found += self.deviations(schema["items"], element, at.inside(index))
        return found

    def _members(self, schema: Any, value: dict[str, Any], at: At) -> Iterator[Deviation]:
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", {} if not known else False)
        for name in schema.get("required", ()):
            if name not in value:
                yield Deviation(at, "required", name, f"lacks the required property {name!r}")
        for name, member in value.items():
            there = at.inside(name)
            if name in known:
                if resolved(self.spec, known[name]).get("readOnly"):
                    yield Deviation(there, "read-only", "", "read-only: the server's alone")
                yield from self.deviations(known[name], member, there)
            elif others is False:
                yield from unknown(member, there)
            elif isinstance(others, dict):
                yield from self.deviations(others, member, there)

    def _best(self, choices: list[Any], value: Any, at: At) -> list[Deviation]:
        """Of several schemas the one that the value comes nearest to."""
        near = [choice for choice in choices if self._says_so(choice, value)] or choices
        tried = [self.deviations(choice, value, at) for choice in near]
        return min(tried, key=lambda found: sum(not self.harmless(one) for one in found))

    def _says_so(self, schema: Any, value: Any) -> bool:
        """Whether the members that tell alternatives apart are this schema's."""
        schema = self._merged(resolved(self.spec, schema))
        if not isinstance(value, dict) or schema.get("type") != "object":
            return not isinstance(value, dict) or "type" not in schema
        kinds = {
            name: resolved(self.spec, inner).get("enum")
            for name, inner in schema.get("properties", {}).items()
        }
        return all(value[name] in enum for name, enum in kinds.items() if enum and name in value)

    def _nullable(self, schema: Any) -> bool:
        choices = schema.get("oneOf") or schema.get("anyOf") or ()
        return bool(schema.get("nullable")) or any(
            self._nullable(resolved(self.spec, choice)) for choice in choices
        )

    def _merged(self, schema: Any) -> Any:
        """A schema without ``allOf``: what all of its parts say."""
        if "allOf" not in schema:
            return schema
        parts = [self._merged(resolved(self.spec, part)) for part in schema["allOf"]]
        whole: dict[str, Any] = {name: kept for name, kept in schema.items() if name != "allOf"}
        for part in parts:
            properties = {**part.get("properties", {}), **whole.get("properties", {})}
            required = [*part.get("required", ()), *whole.get("required", ())]
            whole = {**part, **whole, "properties": properties, "required": required}
        return whole


def unknown(value: Any, at: At) -> Iterator[Deviation]:
    """The deviations of a member that no schema knows, and of all that stands in it."""
    yield Deviation(at, "unknown", "", "neither the schema nor a recording knows this property")
    yield from _unknown_inside(value, at)


def _unknown_inside(value: Any, at: At) -> Iterator[Deviation]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from unknown(member, at.of_type(value).inside(name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _unknown_inside(element, at.inside(index))


def _local(schema: Any, value: Any, at: At) -> Iterator[Deviation]:
    """What the value itself says against the schema, whatever stands inside it."""
    rules = {name: schema[name] for name in _LOCAL & schema.keys()}
    for error in jsonschema.Draft4Validator(rules, format_checker=_FORMATS).iter_errors(value):
        why = str(error.validator)
        detail = repr(value) if why == "enum" else type(value).__name__ if why == "type" else ""
        yield Deviation(at, why, detail, error.message[:200])
