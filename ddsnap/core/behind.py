"""Which places of two documents are the same secret's, and what stood there.

Whatever leaves a doubt is left out: a secret must never be taken for that of another thing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.fields import field_path
from ddsnap.core.match import portable
from ddsnap.core.normalize import is_secret, settle
from ddsnap.core.values import RESERVED, clone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ddsnap.core.fields import Parts
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

_RESERVED: Final = f'"{RESERVED}"'.encode()
_IDS: Final = ("id", "public_id")
IDENTITIES: Final = (*_IDS, "name", "key", "title")
"""Members that tell an element of a list from its neighbours, the strongest first."""
_WHOSE: Final = ("type", "subtype", "username", "user", "login", "email", "clientId", "client_id")
"""Members that say whose secret stands beside them, or of what kind it is."""
_WHERE: Final = ("url", "host", "port", "server", "servername", "dnsServer", "endpoint")
"""Members that say to whom a secret beside or below them is sent."""


def behind(type_: ResourceType, document: JSONObject, raw: JSONObject) -> dict[Parts, JSON]:
    """Return what stands in ``raw`` behind each marker of the document that was made of it.

    The places are those in the portable document. What the API does not answer is not there.
    """
    clear = portable(type_, settle(type_, clone(raw)))
    return dict(_behind(type_, portable(type_, document), clear, ()))


def same_places(
    wanted: JSON, present: JSON, *, same_host: bool = False
) -> Iterator[tuple[Parts, Parts]]:
    """Yield the places of markers in ``wanted``, each with that of the same secret in ``present``.

    On the way to it the elements of lists must be the same thing: equal, or alone of one name. With
    ``same_host`` nothing on the way may say that the secret is sent to somebody else.
    """
    yield from _same_places(wanted, present, (), (), same_host=same_host)


# --- from a document to what it was made of ----------------------------------------------------


def _behind(
    type_: ResourceType, veiled: JSON, clear: JSON, at: Parts
) -> Iterator[tuple[Parts, JSON]]:
    if is_secret(veiled):
        if clear not in (None, "", [], {}) and not is_secret(clear):
            yield at, clear
    elif isinstance(veiled, dict) and isinstance(clear, dict):
        for name, value in veiled.items():
            if name in clear:
                yield from _behind(type_, value, clear[name], (*at, name))
    elif isinstance(veiled, list) and isinstance(clear, list):
        for n, value in _elements(veiled, clear, sorts=is_set(type_, at)):
            yield from _behind(type_, veiled[n], value, (*at, n))


def _elements(veiled: list[JSON], clear: list[JSON], *, sorts: bool) -> Iterator[tuple[int, JSON]]:
    """Yield what each element with a marker in it was."""
    if not sorts:
        yield from enumerate(clear) if len(veiled) == len(clear) else ()
        return
    # A marker may sort elsewhere in a set than the secret did.
    rest = [value for value in clear if not any(canonical.same(value, v) for v in veiled)]
    open_ = [(n, value) for n, value in enumerate(veiled) if holds_marker(value)]
    for n, value in open_:
        found = [one for one in rest if fits(value, one)]
        if len(found) == 1 and sum(fits(other, found[0]) for _, other in open_) == 1:
            yield n, found[0]


def fits(veiled: JSON, clear: JSON) -> bool:
    """Whether ``veiled`` is ``clear`` but for its markers."""
    if is_secret(veiled):
        return True
    if isinstance(veiled, dict) and isinstance(clear, dict):
        open_ = {name for name, value in veiled.items() if not is_secret(value)}
        known = clear.keys() - (veiled.keys() - open_)
        return open_ == known and all(fits(veiled[name], clear[name]) for name in open_)
    if isinstance(veiled, list) and isinstance(clear, list):
        return len(veiled) == len(clear) and all(map(fits, veiled, clear))
    return canonical.same(veiled, clear)


def is_set(type_: ResourceType, at: Parts) -> bool:
    """Whether the list at a place is one whose order means nothing."""
    paths = [field_path(path) for path in type_.unordered]
    return any(len(path.steps) == len(at) and path.covers(at) for path in paths)


# --- from one document to another --------------------------------------------------------------


def _same_places(
    wanted: JSON, present: JSON, at: Parts, there: Parts, *, same_host: bool
) -> Iterator[tuple[Parts, Parts]]:
    if is_secret(wanted):
        if is_secret(present):
            yield at, there
    elif isinstance(wanted, dict) and isinstance(present, dict):
        # Of the resource itself it is known that it is the same.
        elsewhere = same_host and not _same(_WHERE, wanted, present)
        if not elsewhere and (not at or _agree(wanted, present)):
            for name in wanted.keys() & present.keys():
                yield from _same_places(
                    wanted[name], present[name], (*at, name), (*there, name), same_host=same_host
                )
    elif isinstance(wanted, list) and isinstance(present, list) and holds_marker(wanted):
        for n, m in same_elements(wanted, present):
            yield from _same_places(
                wanted[n], present[m], (*at, n), (*there, m), same_host=same_host
            )


def same_elements(wanted: list[JSON], present: list[JSON]) -> Iterator[tuple[int, int]]:
    """Yield the positions of what is the same thing in both lists: equal, or alone of one name."""
    if canonical.same(wanted, present):
        yield from ((n, n) for n in range(len(wanted)))
        return
    pairs = _unique_pairs(
        {n: canonical.digest(value) for n, value in enumerate(wanted) if _says_something(value)},
        {n: canonical.digest(value) for n, value in enumerate(present) if _says_something(value)},
    )
    for name in IDENTITIES:
        more = _unique_pairs(_named(wanted, name), _named(present, name))
        taken = set(pairs.values())
        pairs |= {n: m for n, m in more.items() if n not in pairs and m not in taken}
    yield from pairs.items()


def _unique_pairs(wanted: Mapping[int, str], present: Mapping[int, str]) -> dict[int, int]:
    """Pair the indexes of what occurs once on both sides."""
    ours, theirs = Counter(wanted.values()), Counter(present.values())
    where = {key: m for m, key in present.items() if theirs[key] == 1}
    return {n: where[key] for n, key in wanted.items() if ours[key] == 1 and key in where}


def _named(values: list[JSON], name: str) -> dict[int, str]:
    """Return what the elements that have such a name are called by it."""
    named = {n: value.get(name) for n, value in enumerate(values) if isinstance(value, dict)}
    return {
        n: canonical.encode(value).decode()
        for n, value in named.items()
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
    }


def _agree(wanted: JSONObject, present: JSONObject) -> bool:
    """Whether nothing says that two objects at one place are two things, or two people's."""
    ids = [name for name in _IDS if name in wanted and name in present]
    return _same((*_WHOSE, *ids), wanted, present)


def _same(names: Iterable[str], one: JSONObject, other: JSONObject) -> bool:
    return all(canonical.same(one.get(name), other.get(name)) for name in names)


def _says_something(value: JSON) -> bool:
    """Whether anything but markers is in ``value``, by which it could be recognized."""
    if is_secret(value) or value is None:
        return False
    if isinstance(value, dict):
        return any(_says_something(member) for member in value.values())
    if isinstance(value, list):
        return any(_says_something(element) for element in value)
    return True


def holds_marker(value: JSON) -> bool:
    """Whether a marker stands anywhere in ``value``; mostly its bytes tell."""
    return _RESERVED in canonical.compact(value) and _holds_marker(value)


def _holds_marker(value: JSON) -> bool:
    if is_secret(value):
        return True
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return any(_holds_marker(one) for one in inner)
    return False
