"""From what Datadog answers to the document that is stored: nothing that moves by itself.

Volatile fields go, secrets become markers, sets are sorted, defaults that equal absence are left
out. Normalizing is a fixed point: a stored document normalizes to itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.fields import DEEP, EACH, FieldPath, Slot, field_path, value_at
from ddsnap.core.ids import join_parts
from ddsnap.core.secret_forms import is_secret_text, secret_entries
from ddsnap.core.values import RESERVED, Address, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

SECRET: Final[dict[str, bool]] = {"secret": True}
"""What stands under the reserved member in a secret's place."""


@dataclass(frozen=True, slots=True)
class Normalized:
    """A document, how often ddsnap's own member stands in it, and the fields nobody declared."""

    document: Document
    markers: int
    unknown: frozenset[str]


def normalize(
    type_: ResourceType,
    body: JSONObject,
    *,
    names: Mapping[str, Mapping[str, str]] | None = None,
) -> Normalized:
    """Return the document of ``body``, which is used up.

    ``names`` holds, by lookup type, the stable name of each id. A ``body`` without an id raises
    ``KeyError``.
    """
    address = Address(type_.name, id_of(type_, body))
    settle(type_, body, names=names)
    markers = _mark_secrets(type_, body) + _mark_masked(type_, body)
    if type_.constant_id:
        body[RESERVED] = {"id": type_.constant_id}
    markers += RESERVED in body
    return Normalized(Document(address, body), markers, unknown_fields(type_, body))


def settle(
    type_: ResourceType,
    body: JSONObject,
    *,
    names: Mapping[str, Mapping[str, str]] | None = None,
) -> JSONObject:
    """Take out of ``body`` what moves by itself, and sort its sets; secrets stay where they are."""
    for step in _steps(type_):
        step(body)
    for named in type_.named:
        _name(field_path(named.at), body, (names or {}).get(named.lookup, {}))
    _sort(type_, body)
    return body


def id_of(type_: ResourceType, body: JSONObject) -> str:
    """Return the id of a resource, made of its parts where it has several."""
    if type_.parts:
        return join_parts([_text(type_, part.at, body) for part in type_.parts])
    return type_.constant_id or _text(type_, type_.id, body)


def title_of(type_: ResourceType, body: JSONObject) -> str:
    """Return what people call the resource; empty where it has no title."""
    title = value_at(body, type_.title) if type_.title else None
    return title if isinstance(title, str) else ""


def unknown_fields(type_: ResourceType, body: JSONObject) -> frozenset[str]:
    """Return the members of ``body`` that the declaration does not know, as field paths."""
    unknown: list[str] = []
    for prefix, known in _known(type_).items():
        here = value_at(body, prefix)
        if isinstance(here, dict) and not here.keys() <= known:
            unknown += [f"{prefix}.{name}" if prefix else name for name in here.keys() - known]
    return frozenset(unknown)


def is_secret(value: JSON) -> bool:
    """Whether ``value`` stands in the place of a secret."""
    return isinstance(value, dict) and value.get(RESERVED) == SECRET


def secret_paths(type_: ResourceType) -> tuple[str, ...]:
    """Return where the declaration says that secrets stand."""
    return (*type_.secrets, *type_.secret_maps, *(masked.at for masked in type_.masked))


def _text(type_: ResourceType, path: str, body: JSONObject) -> str:
    value = value_at(body, path)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise KeyError(f"{type_.name}: no id at {path!r}")
    return str(value)


@cache
def _known(type_: ResourceType) -> dict[str, frozenset[str]]:
    """The members that are known, by the object that holds them: ``""`` is the body itself."""
    known: dict[str, set[str]] = {}
    for group in type_.fields.split(";"):
        prefix, _, names = group.rpartition(":")
        known.setdefault(prefix.strip(), set()).update(names.split())
    declared = (*type_.identity, *type_.provenance, *type_.derived, *type_.volatile)
    for path in (*declared, *secret_paths(type_), type_.id, *(part.at for part in type_.parts)):
        steps = field_path(path).steps
        for depth, step in enumerate(steps):
            prefix = ".".join(steps[:depth])
            if prefix in known and step not in (EACH, DEEP):
                known[prefix].add(step)
    known[""].add(RESERVED)
    return {prefix: frozenset(names) for prefix, names in known.items()}


@cache
def _steps(type_: ResourceType) -> tuple[Callable[[JSONObject], None], ...]:
    """What is taken out of a body, compiled: neighbours in one object are looked for together."""
    volatile = [field_path(path) for path in type_.volatile]
    defaults = {field_path(path): values for path, values in type_.defaults.items()}
    steps: list[Callable[[JSONObject], None]] = []
    steps += [path.remove for path in volatile if not path.plain]
    steps += [_remover(way, names) for way, names in _by_holder(volatile)]
    steps += [_weeder(field_path(path), values) for path, values in type_.injected.items()]
    for way, names in _by_holder(defaults):
        steps.append(_default(way, {path.steps[-1]: defaults[path] for path in names}))
    return tuple(steps)


def _by_holder(paths: Iterable[FieldPath]) -> Iterator[tuple[str, list[FieldPath]]]:
    """Group neighbouring paths of plain members by the object that holds them."""
    plain = (path for path in paths if path.plain)
    for way, group in groupby(plain, key=lambda path: ".".join(path.way)):
        yield way, list(group)


def _remover(way: str, paths: list[FieldPath]) -> Callable[[JSONObject], None]:
    names = [path.steps[-1] for path in paths]

    def remove(body: JSONObject) -> None:
        holder = value_at(body, way)
        if isinstance(holder, dict):
            for name in names:
                holder.pop(name, None)

    return remove


def _weeder(path: FieldPath, values: tuple[JSON, ...]) -> Callable[[JSONObject], None]:
    def weed(body: JSONObject) -> None:
        for slot in path.find(body):
            if isinstance(slot.value, list):
                slot.set([element for element in slot.value if element not in values])

    return weed


def _default(way: str, defaults: Mapping[str, tuple[JSON, ...]]) -> Callable[[JSONObject], None]:
    def drop(body: JSONObject) -> None:
        holder = value_at(body, way)
        if not isinstance(holder, dict):
            return
        for name in defaults.keys() & holder.keys():
            value = holder[name]
            # 0 is no default where False is one.
            if any(value == default and type(value) is type(default) for default in defaults[name]):
                del holder[name]

    return drop


def _name(path: FieldPath, body: JSONObject, names: Mapping[str, str]) -> None:
    for slot in path.find(body):
        if isinstance(slot.value, str):
            slot.set(names.get(slot.value, slot.value))


def _sort(type_: ResourceType, body: JSONObject) -> None:
    """Sort what is a set, the innermost first, and drop what stands in it twice."""
    for path in _unordered(type_):
        for slot in path.find(body):
            if isinstance(slot.value, list) and len(slot.value) > 1:
                slot.set(_as_set(slot.value))


@cache
def _unordered(type_: ResourceType) -> tuple[FieldPath, ...]:
    paths = [field_path(path) for path in type_.unordered]
    return tuple(sorted(paths, key=lambda path: -len(path.steps)))


def _as_set(values: list[JSON]) -> list[JSON]:
    if all(isinstance(value, str) for value in values):
        return list(sorted(set(values)))  # type: ignore[type-var]  # noqa: C413
    by_bytes = {canonical.encode(value): value for value in values}
    return [by_bytes[key] for key in sorted(by_bytes)]


def _mark_secrets(type_: ResourceType, body: JSONObject) -> int:
    count = 0
    for slot in _secret_slots(type_, body):
        if slot.value not in (None, "", [], {}):
            slot.set({RESERVED: dict(SECRET)})
            count += 1
    return count


def _secret_slots(type_: ResourceType, body: JSONObject) -> Iterator[Slot]:
    for path in type_.secrets:
        yield from field_path(path).find(body)
    for path in type_.secret_maps:
        for slot in field_path(path).find(body):
            if is_secret(slot.value) or is_secret_text(slot.value):
                yield slot
            else:
                yield from (Slot(*entry, ()) for entry in secret_entries(slot.value))


def _mark_masked(type_: ResourceType, body: JSONObject) -> int:
    """Put markers where the API keeps a secret to itself, and count those that were not there."""
    count = 0
    for masked in type_.masked:
        if any(value_at(body, path) for path in masked.unless):
            continue
        way, _, last = masked.at.rpartition(".")
        holders = [slot.value for slot in field_path(way).find(body)] if way else [body]
        for holder in holders:
            if not isinstance(holder, dict) or is_secret(holder.get(last)):
                continue
            if all(holder.get(name) == value for name, value in masked.when.items()):
                holder[last] = {RESERVED: dict(SECRET)}
                count += 1
    return count
