"""What Datadog accepts of us: its specification, and what recordings prove beyond it.

A property or value outside the specification is known where an accepted request of the same
operation held it, or where no operation on the resource knows it and a recording shows it.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from conformance import At, Deviation, Walk
from official_client import unparsed
from recordings import Recording, not_sent, recordings
from specification import Operation, exact_operation, find_operation, resolved, specification

from ddsnap.catalog import CATALOG
from ddsnap.core.fields import field_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.sandbox import Sandbox

Sign = tuple[str, str, str]
Seen = dict[tuple[str, str], set[Sign]]
"""What was seen outside the specification, by operation."""


_WIDGETS = field_path("data.attributes.group_widget.definition.widgets[*].definition")
_DEFINITION = {"$ref": "#/components/schemas/WidgetDefinition"}


@dataclass(frozen=True)
class Contract:
    """The specification, and the deviations from it that recordings prove harmless."""

    proven: Seen
    """In accepted requests of the very operation."""
    beyond: Seen
    """In accepted requests to the same resource, outside of every operation's schema."""
    answered: Seen
    """Likewise, in answers alone."""

    @classmethod
    def load(cls) -> Contract:
        """Read everything once; skip the test where there is nothing to read."""
        return _loaded()

    def problems(self, method: str, path: str, body: Any) -> list[str]:
        """What Datadog would refuse of a request, or take no notice of."""
        return [str(one) for one in self._deviations(method, path, body, self.answered)]

    def unproven(self, method: str, path: str, body: Any) -> list[Deviation]:
        """What an answer shows, and no request ever proved to be taken."""
        return self._deviations(method, path, body, {})

    def _deviations(self, method: str, path: str, body: Any, more: Seen) -> list[Deviation]:
        operation = find_operation(method, path)
        if operation is None:
            raise LookupError(f"the specification has no {method} {path}")
        seen = (self.proven, self.beyond, more)
        known = set().union(*(one.get(operation.key, ()) for one in seen))
        walk = Walk(operation.spec, lambda one: one.sign in known)
        found = [one for one in deviations(operation, body, walk) if one.sign not in known]
        return _outermost(found)


def deviations(operation: Operation, body: Any, walk: Walk | None = None) -> list[Deviation]:
    """Where a request's body differs from what the specification says of the operation."""
    if operation.schema is None:
        return [] if body is None else (walk or Walk({})).deviations({"enum": []}, body)
    if body is None and not operation.required:
        return []
    walk = walk or Walk(operation.spec)
    found = walk.deviations(operation.schema, body)
    if "/powerpacks" in operation.path:
        # There the specification takes any object for a widget; Datadog takes those of dashboards.
        boards = Walk(specification("v1"), walk.harmless)
        for slot in _WIDGETS.find(body):
            kind = At(slot.parts, _WIDGETS.text)
            found += boards.deviations(_DEFINITION, slot.value, kind)
    return found


def requests_of(type_: ResourceType) -> Iterator[tuple[Operation, Recording]]:
    """Yield the recorded requests about a type that were accepted, with their operations."""
    for one in recordings(type_.name):
        operation = find_operation(one.method, one.path)
        if operation is not None and operation.schema and one.accepted and one.sent is not None:
            yield operation, one


def assert_sent(sandbox: Sandbox) -> None:
    """Assert that Datadog would take every write that a sandbox was sent.

    Without the specification at hand nothing is asserted.
    """
    if not os.environ.get("DDSNAP_CONTRACT_DATA"):
        return
    contract = Contract.load()
    for write in sandbox.writes:
        refused = contract.problems(write.method, write.path, write.body)
        refused += unparsed(write.method, write.path, write.body)
        assert not refused, f"{write.method} {write.path}: {refused}"


def _outermost(found: list[Deviation]) -> list[Deviation]:
    """Leave out what stands inside of something unknown: that says it all."""
    unknown = {one.at.parts for one in found if one.why == "unknown"}
    return [
        one
        for one in found
        if not any(one.at.parts[:depth] in unknown for depth in range(len(one.at.parts)))
    ]


@cache
def _loaded() -> Contract:
    contract = Contract({}, {}, {})
    for type_ in CATALOG.types:
        for operation, one in requests_of(type_):
            signs = {told.sign for told in deviations(operation, one.sent)}
            contract.proven.setdefault(operation.key, set()).update(signs)
            _note(contract.beyond, _operations_on(operation.path), one.sent, _is_value)
        for item in chain.from_iterable(one.items() for one in recordings(type_.name)):
            _note_answer(contract.answered, type_, item)
    return contract


def _note_answer(seen: Seen, type_: ResourceType, item: dict[str, Any]) -> None:
    """Note what an answer shows that people decide, in the form of a request."""
    item = copy.deepcopy(item)
    kind = str(item.get(type_.variants.by)) if type_.variants else ""
    for path in not_sent(type_.name):
        path.remove(item)
    # What held nothing but such fields proves nothing.
    item = {name: member for name, member in item.items() if member != {}}
    body: Any = item
    if type_.variants:
        operations = _operations_on(type_.variants.paths.get(kind, ""))
        if kind in type_.variants.wrap:
            body = {"data": {"type": type_.variants.wrap[kind], "attributes": item}}
    else:
        operations = _operations_on(next(c.path for c in (type_.create, type_.update) if c))
        body = {"data": item} if type_.envelope == "data" and _wraps(operations) else item
    _note(seen, operations, body, lambda one: one.why in ("unknown", "enum"))


def _wraps(operations: list[Operation]) -> bool:
    first = operations[0]
    return "data" in resolved(first.spec, first.schema).get("properties", {})


def _is_value(one: Deviation) -> bool:
    return one.why not in ("read-only", "required")


def _note(
    seen: Seen, operations: list[Operation], body: Any, counts: Callable[[Deviation], bool]
) -> None:
    """Note what none of the operations on a resource knows."""
    told = [
        {one.sign for one in deviations(operation, body) if counts(one)} for operation in operations
    ]
    common = set.intersection(*told) if told else set()
    for operation in operations:
        seen.setdefault(operation.key, set()).update(common)


@cache
def _operations_on(path: str) -> list[Operation]:
    """The operations that create or update at a path, given with or without the last id."""
    base = path[: path.rindex("/{")] if path.endswith("}") else path
    one = f"{base}/{{id}}"
    tried = (("POST", base), ("PUT", base), ("POST", one), ("PUT", one), ("PATCH", one))
    found = [exact_operation(method, at) for method, at in tried]
    return [one for one in found if one is not None and one.schema]
