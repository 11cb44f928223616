"""Where a document refers to other resources, and how those places are rewritten.

Ids inside text are found by grammars and replaced by position, all at once: never by searching
for the id, which could be a part of another one or a number that only looks like it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary

from ddsnap.core.fields import EACH, FieldPath, Parts, covering, field_path, value_at
from ddsnap.core.resource_type import Ref
from ddsnap.core.values import clone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ddsnap.core.resource_type import Catalog, ResourceType, TextRef
    from ddsnap.core.values import JSON, JSONObject

ANY_STRING: Final = "**"
"""The ``at`` of known references whose grammars hold in every string of a document."""

Span: TypeAlias = "tuple[int, int]"


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that names another resource.

    ``parts`` lead to the value, or to the text in which ``span`` names it. ``to`` are the types
    that it may be of, most likely first; ``by`` is the field of the target that is named there,
    empty for its id. ``value`` is the id or name alone, without the ``prefix`` that stays.
    """

    parts: Parts
    span: Span | None
    to: tuple[str, ...]
    by: str
    value: str
    prefix: str
    soft: bool


@dataclass(frozen=True, slots=True)
class _Rules:
    """The references of one type in one catalog, ready to be looked for."""

    own: tuple[tuple[FieldPath, Ref], ...]
    by_name: dict[str, tuple[tuple[Parts, Ref], ...]]
    """By the last name that leads to a place: the names before it, and what stands there."""
    anywhere: tuple[TextRef, ...]
    hints: tuple[str, ...]
    """What the texts hold that any of those grammars is about, ..."""
    shortest: int
    """... and the length of the shortest of these."""
    not_ours: Callable[[Parts], bool]


def find_references(body: JSONObject, type_: ResourceType, catalog: Catalog) -> list[Reference]:
    """Return every reference in ``body``, in the order of the document's places.

    What the type itself declares goes before what is known by name, and both before the grammars
    for any string. A place counts once, and so does a stretch of text.
    """
    rules = _rules(type_, catalog)
    found: dict[Parts, list[Reference]] = {}
    for path, ref in rules.own:
        for slot in path.find(body):
            asked = _namesake(slot.container, ref.like, body) if ref.like else slot.container
            _add(found, _of_value(slot.value, slot.parts, asked, ref))
    for way, container, key, value in _walk(body, rules):
        known = rules.by_name.get(key, ()) if isinstance(key, str) else ()
        texts = _hinted(value, rules.anywhere) if isinstance(value, str) else []
        parts = (*way, key)
        if rules.not_ours(parts):
            continue
        for before, ref in known:
            if before and way[-len(before) :] != before:
                continue
            _add(found, _of_value(value, parts, container, ref))
        for text in texts:
            _add(found, _of_text(str(value), parts, text, soft=False))
    return sorted(
        (reference for references in found.values() for reference in references),
        key=lambda reference: (_sortable(reference.parts), reference.span or (0, 0)),
    )


def rewrite(
    body: JSONObject,
    references: Sequence[Reference],
    resolve: Callable[[Reference], str | None],
) -> JSONObject:
    """Return a copy of ``body`` that names what ``resolve`` answers; ``None`` leaves a place.

    A number stays a number where the new id is one.
    """
    changed = clone(body)
    put(changed, references, resolve)
    return changed


def put(
    body: JSONObject,
    references: Sequence[Reference],
    resolve: Callable[[Reference], str | None],
) -> None:
    """Do in ``body`` itself what ``rewrite`` does in a copy."""
    by_place: dict[Parts, list[tuple[Reference, str]]] = {}
    for reference in references:
        new = resolve(reference)
        if new is not None and new != reference.value:
            by_place.setdefault(reference.parts, []).append((reference, new))
    for parts, changes in by_place.items():
        *way, last = parts
        here: JSON = body
        for step in way:
            here = here[step]  # type: ignore[index]
        here[last] = _rewritten(here[last], changes)  # type: ignore[index]


def identifies(type_: ResourceType, reference: Reference) -> bool:
    """Whether the reference is a part of the document's own id, so that nothing is without it."""
    return any(path.covers(reference.parts) for path in _id_paths(type_))


def _rewritten(old: JSON, changes: Sequence[tuple[Reference, str]]) -> JSON:
    first, new = changes[0]
    if first.span is None:
        text = first.prefix + new
        return int(text) if isinstance(old, int) and _is_number(text) else text
    pieces, end, text = [], 0, str(old)
    for reference, new in sorted(changes, key=lambda change: change[0].span or (0, 0)):
        start, stop = reference.span or (0, 0)
        pieces += [text[end:start], new]
        end = stop
    return "".join((*pieces, text[end:]))


def _is_number(text: str) -> bool:
    """Whether ``text`` is an integer in the very form that JSON gives it."""
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")


# --- finding


def _of_value(value: JSON, parts: Parts, container: JSON, ref: Ref) -> Iterator[Reference]:
    """The references at one place, which holds a value or a list of values."""
    if ref.when and not (isinstance(container, dict) and _applies(ref.when, container)):
        return
    if isinstance(value, list):
        for position, element in enumerate(value):
            yield from _of_scalar(element, (*parts, position), ref)
    else:
        yield from _of_scalar(value, parts, ref)


def _namesake(container: JSON, at: str, body: JSONObject) -> JSON:
    """Return the element of the list at ``at`` that is called as the ``container`` is."""
    name = value_at(container, "name")
    slots = field_path(at).find(body) if name is not None else ()
    return next((slot.value for slot in slots if value_at(slot.value, "name") == name), None)


def _applies(when: tuple[str, tuple[str, ...]], container: JSONObject) -> bool:
    member, values = when
    return container.get(member) in values


def _of_scalar(value: JSON, parts: Parts, ref: Ref) -> Iterator[Reference]:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return
    if ref.text:
        if isinstance(value, str):
            for grammar in _hinted(value, ref.text):
                yield from _of_text(value, parts, grammar, soft=ref.soft)
        return
    text, prefix, to = str(value), "", ref.to
    if ref.prefixed:
        kind, colon, rest = text.partition(":")
        target = ref.prefixed.get(kind)
        if not colon or target is None:
            return
        text, prefix, to = rest, kind + colon, (target,)
    elif not text.startswith(ref.starts):
        return
    elif ref.starts and ref.by:  # ``team:ops`` names the team ``ops``, but ``pl:x`` is an id
        text, prefix = text.removeprefix(ref.starts), ref.starts
    if text and text != "*" and to:
        yield Reference(parts, None, to, ref.by, text, prefix, ref.soft)


def _of_text(value: str, parts: Parts, text: TextRef, *, soft: bool) -> Iterator[Reference]:
    stretches: list[Span] = [(0, len(value))]
    if text.within:
        stretches = [match.span() for match in _compiled(text.within).finditer(value)]
    for start, end in stretches:
        for match in _compiled(text.pattern).finditer(value, start, end):
            yield Reference(
                parts,
                match.span("id"),
                text.to,
                text.by,
                match["id"],
                "",
                text.soft or soft,
            )


def _hinted(value: str, texts: tuple[TextRef, ...]) -> list[TextRef]:
    return [text for text in texts if text.wanted in value]


def _add(found: dict[Parts, list[Reference]], references: Iterator[Reference]) -> None:
    for reference in references:
        there = found.setdefault(reference.parts, [])
        if not any(_overlap(reference.span, other.span) for other in there):
            there.append(reference)


def _overlap(a: Span | None, b: Span | None) -> bool:
    return a is None or b is None or (a[0] < b[1] and b[0] < a[1])


def _walk(body: JSONObject, rules: _Rules) -> Iterator[tuple[Parts, JSON, str | int, JSON]]:
    """Yield the way to, the container, the key and the value of each place that may refer.

    This is the inner loop of every plan: most places are passed over after one or two looks.
    """
    names, hints, shortest = rules.by_name, rules.hints, rules.shortest
    todo: list[tuple[Parts, list[JSON] | JSONObject]] = [((), body)]
    while todo:
        way, container = todo.pop()
        for key, value in (
            container.items() if isinstance(container, dict) else enumerate(container)
        ):
            if key in names:
                yield way, container, key, value
            elif isinstance(value, str) and len(value) >= shortest:
                for hint in hints:
                    if hint in value:
                        yield way, container, key, value
                        break
            if isinstance(value, (dict, list)):
                todo.append(((*way, key), value))


def _sortable(parts: Parts) -> tuple[tuple[bool, int, str], ...]:
    return tuple((True, part, "") if isinstance(part, int) else (False, 0, part) for part in parts)


# --- compiling


_COMPILED: WeakKeyDictionary[Catalog, dict[ResourceType, _Rules]] = WeakKeyDictionary()


def _rules(type_: ResourceType, catalog: Catalog) -> _Rules:
    compiled = _COMPILED.setdefault(catalog, {})
    if type_ not in compiled:
        compiled[type_] = _compile(type_, catalog)
    return compiled[type_]


def _compile(type_: ResourceType, catalog: Catalog) -> _Rules:
    own = [(field_path(ref.at.removesuffix(EACH)), ref) for ref in type_.refs]
    own += [(field_path(part.at), Ref(part.at, (part.to,))) for part in type_.parts if part.to]
    if type_.orders and type_.members:
        members = Ref(type_.members, (type_.orders,))
        own.append((field_path(type_.members.removesuffix(EACH)), members))
    by_name: dict[str, tuple[tuple[Parts, Ref], ...]] = {}
    anywhere: list[TextRef] = []
    for ref in catalog.known_refs:
        if ref.at == ANY_STRING:
            anywhere += ref.text
        else:
            *before, name = ref.at.split(".")
            by_name[name] = (*by_name.get(name, ()), (tuple(before), ref))
    kinds = (*type_.identity, *type_.provenance, *type_.derived, *type_.volatile)
    hints = tuple(dict.fromkeys(text.wanted for text in anywhere))
    return _Rules(
        tuple(own),
        by_name,
        tuple(anywhere),
        hints,
        min(map(len, hints), default=0),
        covering(field_path(path) for path in kinds),
    )


_compiled = cache(re.compile)


@cache
def _id_paths(type_: ResourceType) -> tuple[FieldPath, ...]:
    if type_.parts:
        return tuple(field_path(part.at) for part in type_.parts)
    return () if type_.constant_id else (field_path(type_.id),)
