"""Filters: which documents a run is about. They are evaluated on documents as stored.

A type that no filter names is kept whole; of several filters on a type, one that holds is enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from ddsnap.core.conditions import OPERATORS, PatternError, condition, pattern
from ddsnap.core.fields import value_at
from ddsnap.core.normalize import id_of, title_of, unknown_fields
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSON, JSONObject

FORMS: Final = "write TYPE:JSONPATH, or Type=...;Name=...;Value=...;Operator=..."

_KEYS: Final = ("Type", "Name", "Value", "Operator")
_SHORTHAND = re.compile(r"--(name|tag|id)[ =](.*)", re.DOTALL)
_BY_FIELD = re.compile(r"[\s;]*\w*\s*=")
_BY_QUERY = re.compile(r"([^:=$]*):(\s*)")
_LINE_BREAK = re.compile(r"[\t\r\n]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter; two of the same text are the same."""

    text: str
    """The canonical text, which :func:`parse_filter` reads back."""
    types: tuple[str, ...]
    """The types that it is about; none: every type."""
    test: Callable[[ResourceType, JSONObject], bool] = field(compare=False, repr=False)

    def names(self, type_name: str) -> bool:
        """Whether the filter is about the type."""
        return not self.types or type_name in self.types


@dataclass(frozen=True)
class Selection:
    """The filters of a run; without any it keeps everything, and is false."""

    filters: tuple[Filter, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.filters)

    @property
    def types(self) -> tuple[str, ...]:
        """The types that filters name, sorted."""
        return tuple(sorted({name for one in self.filters for name in one.types}))

    def only(self, type_name: str) -> bool:
        """Whether every filter names its types, and this is one of them."""
        return all(one.types for one in self.filters) and type_name in self.types

    def of(self, type_name: str) -> tuple[Filter, ...]:
        """Return the filters on a type; none: it is kept whole."""
        return tuple(one for one in self.filters if one.names(type_name))

    def keeps(self, type_: ResourceType, body: JSONObject) -> bool:
        """Whether a document is selected."""
        if not self.filters:
            return True
        filters = self.of(type_.name)
        return not filters or any(one.test(type_, body) for one in filters)

    def matching(self, type_: ResourceType, body: JSONObject) -> tuple[Filter, ...]:
        """Return every filter that holds for a document, for counts."""
        return tuple(one for one in self.of(type_.name) if one.test(type_, body))

    def unused(self, counts: Mapping[Filter, int]) -> tuple[Filter, ...]:
        """Return the filters that held for no document, by how many each of them held for."""
        return tuple(one for one in dict.fromkeys(self.filters) if not counts.get(one))

    def describe(self) -> tuple[str, ...]:
        """Return the canonical texts, sorted, each once."""
        return tuple(sorted({one.text for one in self.filters}))


def parse_filter(text: str, catalog: Catalog) -> Filter:
    """Read a filter of any form; raises ``UsageError`` that names the place of a mistake."""
    given = text.lstrip().rstrip("\r\n")
    if shorthand := _SHORTHAND.fullmatch(given):
        return SHORTHANDS[shorthand[1]](shorthand[2])
    if _BY_FIELD.match(given):
        return _by_field(_printable(given), catalog)
    if prefix := _BY_QUERY.match(given):
        return _by_query(given.rstrip(), prefix, catalog)
    raise _mistake(given, 0, "no type", FORMS)


def name_filter(regex: str) -> Filter:
    """Return the filter of what people call a resource: ``regex`` is found in its title."""
    text = f"--name {_printable(regex)}"
    try:
        search = pattern(_filled(regex, text)).search
    except PatternError as error:
        raise _mistake(text, error.offset + len("--name "), f"bad regex: {error}") from None

    def titled(type_: ResourceType, body: JSONObject) -> bool:
        return bool(type_.title) and search(title_of(type_, body)) is not None

    return Filter(text, (), titled)


def tag_filter(tag: str) -> Filter:
    """Return the filter of resources that carry exactly ``tag``."""
    text = f"--tag {_filled(_printable(tag), '--tag ')}"

    def tagged(_: ResourceType, body: JSONObject) -> bool:
        found = (value_at(body, path) for path in ("tags", "attributes.tags"))
        return any(tag in tags for tags in found if isinstance(tags, list))

    return Filter(text, (), tagged)


def id_filter(id_: str) -> Filter:
    """Return the filter of the resources of this id, of whichever type."""
    text = f"--id {_filled(_printable(id_), '--id ')}"
    return Filter(text, (), lambda type_, body: id_of(type_, body) == id_)


SHORTHANDS: Final[Mapping[str, Callable[[str], Filter]]] = {
    "name": name_filter,
    "tag": tag_filter,
    "id": id_filter,
}
"""The filters that are about every type, by their option."""


def _by_query(text: str, prefix: re.Match[str], catalog: Catalog) -> Filter:
    from ddsnap.core.jsonpath import QueryError, compile_query  # noqa: PLC0415 - slow to import

    types = _types(text, prefix.start(1), prefix.end(1), catalog)
    start = prefix.end()
    try:
        query = compile_query(text[start:])
    except QueryError as error:
        raise _mistake(text, start + error.offset, error.message, error.hint) from None
    # No string of a query holds a line break: each stands between two words of it.
    line = _printable(_LINE_BREAK.sub(" ", text))[start:]
    return Filter(f"{','.join(types)}:{line}", types, lambda _, body: query.selects(body))


def _by_field(text: str, catalog: Catalog) -> Filter:
    given = _pairs(text)
    for key in _KEYS[:3]:
        if not given.get(key, ("", 0))[0].strip():
            raise _mistake(text, len(text), f"{key} is missing", FORMS)
    (named, types_at), (name, name_at), (value, value_at_) = (given[key] for key in _KEYS[:3])
    types = _types(text, types_at, types_at + len(named), catalog)
    steps = name.strip().split(".")
    for type_name in types:
        if wrong := _no_field(catalog[type_name], steps):
            raise _mistake(text, name_at, *wrong)
    operator = _operator(text, *given.get("Operator", ("", 0)))
    try:
        holds = condition(steps, value, operator)
    except PatternError as error:
        hint = "put a backslash before what is meant literally, or use Operator=ExactMatch"
        raise _mistake(text, value_at_ + error.offset, f"bad regex: {error}", hint) from None
    parts = {"Type": ",".join(types), "Name": ".".join(steps), "Value": value, "Operator": operator}
    canonical = ";".join(f"{key}={part}" for key, part in parts.items() if part)
    return Filter(canonical, types, lambda _, body: holds(body))


def _pairs(text: str) -> dict[str, tuple[str, int]]:
    """Return the value of each key, and where it begins."""
    given: dict[str, tuple[str, int]] = {}
    for piece in re.finditer(r"[^;]+", text):
        name, equals, value = piece[0].partition("=")
        if not name.strip() and not equals:
            continue
        at = piece.start() + len(name) - len(name.lstrip())
        if not equals:
            hint = r"for a ; in a value write \x3b, or use TYPE:JSONPATH"
            raise _mistake(text, at, f"'{name.strip()}' is not KEY=VALUE", hint)
        key = _one_of(text, name, at, _KEYS, "key")
        if key in given:
            raise _mistake(text, at, f"{key} is given twice", "give each of two filters by itself")
        given[key] = value, piece.end() - len(value)
    return given


def _types(text: str, start: int, end: int, catalog: Catalog) -> tuple[str, ...]:
    """Return the types that stand in a part of the text, joined by commas."""
    names, at = set(), start
    for name in text[start:end].split(","):
        if not name.strip():
            raise _mistake(text, at, "a type is missing", FORMS)
        names.add(_one_of(text, name, at + len(name) - len(name.lstrip()), catalog.names, "type"))
        at += len(name) + 1
    return tuple(sorted(names))


def _operator(text: str, given: str, at: int) -> str:
    return _one_of(text, given, at, OPERATORS, "operator") if given.strip() else ""


def _one_of(text: str, given: str, at: int, choices: Iterable[str], what: str) -> str:
    """Return the choice that is meant, whatever its case."""
    by_lower = {choice.lower(): choice for choice in choices}
    word = given.strip()
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    near = get_close_matches(word.lower(), by_lower, n=1)
    guess = f" (did you mean '{by_lower[near[0]]}'?)" if near else ""
    hint = f"{what}s: {', '.join(by_lower.values())}"
    raise _mistake(text, at, f"no {what} is called '{word}'{guess}", hint)


def _no_field(type_: ResourceType, steps: list[str]) -> tuple[str, str] | None:
    """Return why no document of a type holds the field, and what to do; ``None`` if one may."""
    name = ".".join(steps)
    if "" in steps:
        return f"'{name}' names no field", "put one dot between the names"
    for volatile in type_.volatile:
        if f"{name}.".startswith(f"{volatile.replace('[*]', '')}."):
            what = f"{type_.name} are stored without '{name}', since it changes by itself"
            return what, "filter by a field that `ddsnap show` shows"
    nested: JSON = None
    for step in reversed(steps):
        nested = {step: nested}
    unknown = type_.fields and isinstance(nested, dict) and unknown_fields(type_, nested)
    if unknown:
        return f"{type_.name} have no field '{min(unknown)}'", "TYPE:JSONPATH takes any name"
    return None


def _printable(text: str) -> str:
    found = _UNPRINTABLE.search(text)
    if found:
        raise _mistake(
            text, found.start(), f"a character {found[0]!a}", r"write it as an escape: \n, \u2028"
        )
    return text


def _filled(given: str, option: str) -> str:
    if not given:
        raise UsageError(f"{option.strip()} is empty", "leave it out to select everything")
    return given


def _mistake(text: str, offset: int, what: str, hint: str = "") -> UsageError:
    shown = re.sub(r"\s", " ", text)  # one for one, so that columns hold
    return UsageError(f"filter '{shown}', column {offset + 1}: {what}", hint)
