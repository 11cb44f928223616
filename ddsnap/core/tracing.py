"""Where the markers of a document stood in the one that it was made of, as far as that is sure.

A secret that is given for one place must never come to stand in another.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ddsnap.core import canonical, pointers
from ddsnap.core.behind import holds_marker, is_set, same_elements, same_places
from ddsnap.core.fields import EACH, field_path
from ddsnap.core.markers import number_of, numbered, plain
from ddsnap.core.match import portable
from ddsnap.core.normalize import is_secret, normalize
from ddsnap.core.secrets import marked
from ddsnap.core.transform import apply_rules
from ddsnap.core.values import Document
from ddsnap.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ddsnap.core.fields import Parts
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.rule_steps import Resolvable
    from ddsnap.core.transform import Names, Rule
    from ddsnap.core.values import JSON, JSONObject


def carried(type_: ResourceType, body: JSONObject, origin: JSONObject) -> dict[str, str]:
    """Return the pointers to the markers in ``body``, each with that in ``origin``.

    The one was made of the other: references were rewritten, elements that nothing binds left out,
    those of sets sorted anew. So in lists that can move by that, an element is known by what it is.
    """
    pairs = _carried(type_, body, portable(type_, origin), (), ())
    return {pointers.join(at): pointers.join(from_) for at, from_ in pairs}


def stood_at(
    stored: Document,
    made: Document,
    rules: Sequence[Rule],
    catalog: Catalog,
    *,
    resolvable: Resolvable = lambda _: True,
    names: Names = MappingProxyType({}),
) -> dict[str, str]:
    """Return the pointers to the markers in ``made``, each with that in the stored document.

    ``made`` is what the rules make of it. They may move what holds a secret; one that they put
    somewhere else, out of what held it, is told nothing about.
    """
    places = sorted(marked(stored.body), key=pointers.join)
    if not rules or not places:
        return {(at := pointers.join(parts)): at for parts in places}
    numbers = {parts: number for number, parts in enumerate(places)}
    traced = Document(stored.address, numbered(stored.body, numbers))
    try:
        changed, _ = apply_rules(traced, rules, catalog, resolvable=resolvable, names=names)
    except TransformError:  # a rule saw the numbers
        return {}
    type_ = catalog[stored.address.type]
    if not canonical.same(_normal(type_, changed.body), made.body):  # a rule saw the numbers
        return {}
    there = _carried(type_, made.body, changed.body, (), ())
    came = {at: number_of(_at(changed.body, from_)) for at, from_ in there}
    alike = dict(same_places(made.body, stored.body))
    return {
        pointers.join(at): pointers.join(places[number])
        for at, number in came.items()
        if number is not None
        and (alike.get(at) == places[number] or _unmoved(at, places[number], made, stored))
    }


def _unmoved(at: Parts, stood: Parts, made: Document, stored: Document) -> bool:
    """Whether a place is where it was, and no list on the way got longer or shorter."""
    lists = (parts for n, part in enumerate(at) if isinstance(part, int) and (parts := at[:n]))
    return at == stood and all(
        _length(_at(made.body, parts)) == _length(_at(stored.body, parts)) for parts in lists
    )


def _normal(type_: ResourceType, body: JSONObject) -> JSONObject:
    bare = {name: plain(value) for name, value in body.items()}
    return normalize(type_, bare).document.body


def _length(value: JSON) -> int:
    return len(value) if isinstance(value, list) else 0


def _at(body: JSONObject, parts: Parts) -> JSON:
    return pointers.find(body, pointers.join(parts))


def _carried(
    type_: ResourceType, body: JSON, origin: JSON, at: Parts, from_: Parts
) -> Iterator[tuple[Parts, Parts]]:
    if is_secret(body):
        if is_secret(origin):
            yield at, from_
    elif isinstance(body, dict) and isinstance(origin, dict):
        for name in body.keys() & origin.keys():
            yield from _carried(type_, body[name], origin[name], (*at, name), (*from_, name))
    elif isinstance(body, list) and isinstance(origin, list) and holds_marker(body):
        for n, m in _elements(type_, body, origin, at):
            yield from _carried(type_, body[n], origin[m], (*at, n), (*from_, m))


def _elements(
    type_: ResourceType, body: list[JSON], origin: list[JSON], at: Parts
) -> Iterator[tuple[int, int]]:
    if len(body) == len(origin) and not _moves(type_, at):
        yield from ((n, n) for n in range(len(body)))
        return
    unnumbered = [plain(element) for element in origin]
    yield from same_elements(body, unnumbered)
    bare, others = ([n for n, one in enumerate(all_) if is_secret(one)] for all_ in (body, origin))
    if len(bare) == len(others) == 1 and not canonical.same(body, unnumbered):
        yield bare[0], others[0]


def _moves(type_: ResourceType, at: Parts) -> bool:
    """Whether elements of the list may be sorted anew or left out."""
    members = type_.members.partition(EACH)[0]
    lists = (*type_.sheds, *type_.keeps_others, *((members,) if members else ()))
    return is_set(type_, at) or any(field_path(path).steps == at for path in lists)
