"""What a rule says shorter than RFC 6902, made into the operations for one document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from ddsnap.core.conditions import PatternError, pattern
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.pointers import get, join
from ddsnap.core.references import find_references
from ddsnap.core.unchangeable import is_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from ddsnap.core.fields import Parts
    from ddsnap.core.jsonpath import Places
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSON, JSONObject

    Resolvable: TypeAlias = Callable[[Reference], bool]
    """Whether the destination has, or will have, whom a reference names."""

_TAGS: Final = ("tags", "attributes.tags")
_LISTS_OF_PRINCIPALS: Final = ("principals", "restricted_roles")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Replace what ``pattern`` finds in each text at the places ``at``, with groups as ``\\1``."""

    at: Places
    pattern: re.Pattern[str]
    replacement: str


def compile_pattern(regex: str) -> re.Pattern[str]:
    """Compile a regular expression of a rule; a dot in it ends at the line's end."""
    return pattern(regex, re.RegexFlag(0))


def check_replacement(compiled: re.Pattern[str], replacement: str) -> None:
    """Raise ``PatternError`` where the replacement names a group that the pattern lacks."""
    try:
        compiled.sub(replacement, "")
    except re.error as error:
        raise PatternError(error.msg, error.pos or 0) from None
    except IndexError as error:
        raise PatternError(str(error), 0) from None


def rewriting(type_: ResourceType, body: JSONObject, rewrite: Rewrite) -> list[JSONObject]:
    """Return one ``replace`` for each text that changes; what people do not decide stays."""
    made: list[JSONObject] = []
    if not any(map(rewrite.pattern.search, _texts(body))):  # much cheaper than the query
        return made
    for parts, value in rewrite.at.find(body).items():
        if not isinstance(value, str) or is_fixed(type_, parts):
            continue
        new = rewrite.pattern.sub(rewrite.replacement, value)
        if new != value:
            made.append({"op": "replace", "path": join(parts), "value": new})
    return made


def _texts(body: JSONObject) -> Iterator[str]:
    """Yield every text in ``body``, names of members aside."""
    todo: list[JSON] = [body]
    while todo:
        here = todo.pop()
        if isinstance(here, str):
            yield here
        elif isinstance(here, dict):
            todo.extend(here.values())
        elif isinstance(here, list):
            todo.extend(here)


def tags_at(type_: ResourceType) -> str:
    """Return where resources of the type have their tags; empty: nowhere."""
    return next((path for path in _TAGS if path in type_.unordered), "")


def tagging(type_: ResourceType, body: JSONObject, tags: Sequence[str]) -> list[JSONObject]:
    """Return an ``add`` for each tag that is not there; a document without tags has no list."""
    at = tags_at(type_)
    if not at:
        return []
    present, pointer = value_at(body, at), join(field_path(at).steps)
    if not isinstance(present, list):
        return [{"op": "add", "path": pointer, "value": [*tags]}]
    missing = [tag for tag in tags if tag not in present]
    return [{"op": "add", "path": f"{pointer}/-", "value": tag} for tag in missing]


def dropping(
    type_: ResourceType, body: JSONObject, catalog: Catalog, resolvable: Resolvable
) -> list[JSONObject]:
    """Return a ``remove`` for each principal that cannot be resolved.

    A list of which nothing would be left stays as it is: without it the restriction would open,
    and with it the resource is blocked.
    """
    lists: dict[Parts, list[Reference]] = {}
    for reference in find_references(body, type_, catalog):
        way, last = reference.parts[:-1], reference.parts[-1]
        if isinstance(last, int) and way[-1] in _LISTS_OF_PRINCIPALS:
            lists.setdefault(way, []).append(reference)
    made: list[JSONObject] = []
    for way, references in lists.items():
        gone = [reference.parts for reference in references if not resolvable(reference)]
        made += _removals(body, way, gone)
    return made


def forgetting(
    type_: ResourceType, body: JSONObject, names: Mapping[str, Collection[str]]
) -> list[JSONObject]:
    """Return a ``remove`` for each element that names what the destination's tables do not hold.

    A list of which nothing would be left stays as it is, and with it the resource is blocked.
    """
    made: list[JSONObject] = []
    for named in type_.named:
        lists: dict[Parts, list[Parts]] = {}
        for slot in field_path(named.at).find(body) if named.lookup in names else ():
            element = next((end for end in range(len(slot.parts), 0, -1)
                            if isinstance(slot.parts[end - 1], int)), 0)  # fmt: skip
            if element and slot.value not in names[named.lookup]:
                lists.setdefault(slot.parts[: element - 1], []).append(slot.parts[:element])
        for way, gone in lists.items():
            made += _removals(body, way, gone)
    return made


def _removals(body: JSONObject, way: Parts, gone: Sequence[Parts]) -> list[JSONObject]:
    """Remove some elements of a list, from its end, unless they are all of it."""
    present = get(body, join(way))
    if not isinstance(present, list) or len(gone) >= len(present):
        return []
    paths = sorted(map(join, gone), key=_position)
    return [{"op": "remove", "path": path} for path in reversed(paths)]


def _position(pointer: str) -> int:
    return int(pointer.rpartition("/")[2])
