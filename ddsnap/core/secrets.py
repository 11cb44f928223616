"""Secrets that nobody declared, wherever they stand in a document, and what takes their place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ddsnap.core import pointers
from ddsnap.core.fields import FieldPath, field_path
from ddsnap.core.normalize import SECRET, is_secret
from ddsnap.core.secret_forms import form_of, hide, is_random, maybe_in, tells
from ddsnap.core.values import RESERVED
from ddsnap.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ddsnap.core.fields import Parts
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

_MARK: Final = b'"secret": true'
_TELLTALE: Final = 6
_LEAST_KNOWN: Final = 8
"""A known secret this short would be found in every other word."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a secret stood, and what gave it away; never the secret."""

    pointer: str
    why: str


@dataclass(frozen=True)
class Places:
    """Places in the documents of one type, as RFC 6901 pointers or as field paths."""

    pointers: tuple[str, ...] = ()
    paths: tuple[FieldPath, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Places:
        """Sort ``texts`` into pointers, which begin with ``/``, and field paths."""
        found = tuple(texts)
        return cls(
            tuple(text for text in found if text.startswith("/")),
            tuple(field_path(text) for text in found if not text.startswith("/")),
        )

    def __add__(self, other: Places) -> Places:
        return Places(self.pointers + other.pointers, self.paths + other.paths)

    def cover(self, parts: Parts) -> bool:
        """Whether ``parts`` is such a place, or lies inside one."""
        pointer = pointers.join(parts)
        inside = any(pointer == p or pointer.startswith(f"{p}/") for p in self.pointers)
        return inside or any(path.covers(parts) for path in self.paths)

    def present(self, body: JSONObject) -> Iterator[str]:
        """Yield the pointers to all such places that hold something."""
        for pointer in self.pointers:
            if holds_something(pointers.find(body, pointer)):
                yield pointer
        for path in self.paths:
            for slot in path.find(body):
                if holds_something(slot.value):
                    yield pointers.join(slot.parts)


NOWHERE: Final = Places()


@dataclass(frozen=True)
class Known:
    """Secrets that are known word for word."""

    values: frozenset[str] = field(default=frozenset(), repr=False)
    _bytes: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, values: Iterable[str]) -> Known:
        """Take those of ``values`` that are long enough to be told from other text."""
        long = frozenset(value for value in values if len(value) >= _LEAST_KNOWN)
        return cls(long, tuple(json.dumps(v, ensure_ascii=False)[1:-1].encode() for v in long))

    def maybe_in(self, data: bytes) -> bool:
        """Whether one of them may stand in a document's bytes."""
        return any(value in data for value in self._bytes)

    def stand_in(self, text: str) -> bool:
        """Whether one of them stands in ``text``."""
        return any(value in text for value in self.values)


NOTHING_KNOWN: Final = Known()


def maybe(data: bytes, known: Known = NOTHING_KNOWN) -> bool:
    """Whether a document of these bytes must be looked at: ``False`` is certain, at little cost."""
    return maybe_in(data) or known.maybe_in(data)


def scan(
    type_: ResourceType,
    body: JSONObject,
    *,
    known: Known = NOTHING_KNOWN,
    allow: Places = NOWHERE,
    redact: Places = NOWHERE,
) -> list[Finding]:
    """Return the secrets in a normalized ``body`` that nobody decided about, by pointer.

    What ``allow`` names is none, unless it is known word for word; what ``redact`` names is
    decided. Ids are not looked at: they stand in the document's path.
    """
    own = Places((), tuple(field_path(path) for path in _ids(type_)))
    found: list[Finding] = []
    stack: list[tuple[Parts, JSON]] = [((), body)]
    while stack:
        parts, here = stack.pop()
        if isinstance(here, dict):
            if any(_judge(name, "", known) for name in here):
                found.append(Finding(pointers.join(parts), "the name of a member is a secret"))
                continue
            stack.extend(((*parts, k), v) for k, v in here.items() if k != RESERVED)
        elif isinstance(here, list):
            stack.extend(((*parts, n), value) for n, value in enumerate(here))
        elif isinstance(here, str) and not own.cover(parts):
            why = _judge(here, _name(parts), known)
            decided = redact.cover(parts) or (allow.cover(parts) and why != _OWN)
            if why and not decided:
                found.append(Finding(pointers.join(parts), why))
    return sorted(found, key=lambda finding: finding.pointer)


def conceal(body: JSONObject, places: Iterable[str]) -> None:
    """Put the marker at each pointer of ``places``."""
    for pointer in sorted(set(places), key=len, reverse=True):
        parent, _, _ = pointer.rpartition("/")
        if not pointer:
            raise UnstorableError("the name of a member is a secret")
        key = pointers.parse(pointer)[-1]
        container = pointers.get(body, parent)
        if isinstance(container, list):
            container[int(key)] = {RESERVED: dict(SECRET)}
        elif isinstance(container, dict):
            container[key] = {RESERVED: dict(SECRET)}


def marked(body: JSONObject) -> Iterator[Parts]:
    """Yield every place where a secret was taken out."""
    stack: list[tuple[Parts, JSON]] = [((), body)]
    while stack:
        parts, here = stack.pop()
        if is_secret(here):
            yield parts
        elif isinstance(here, dict):
            stack.extend(((*parts, name), value) for name, value in here.items())
        elif isinstance(here, list):
            stack.extend(((*parts, n), value) for n, value in enumerate(here))


def maybe_marked(data: bytes) -> bool:
    """Whether a marker may stand in a document's bytes."""
    return _MARK in data


def scrub(text: str, known: Collection[str] = ()) -> str:
    """Return a message without the secrets in it, nor the beginning of one where it was cut.

    A known secret is found in the spellings in which a server may echo it; one that might stand in
    an ordinary word by chance, only by itself.
    """
    spelled = {form for value in known for form in _spellings(value)}
    for value in sorted(spelled, key=len, reverse=True):
        if len(value) < _TELLTALE:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "***", text)
            continue
        text = text.replace(value, "***")
        for size in range(len(value) - 1, 3, -1) if "…" in text else ():
            text = text.replace(f"{value[:size]}…", "***…")
    return hide(text, "***")


@lru_cache(maxsize=1024)
def _spellings(value: str) -> frozenset[str]:
    """A text as it is, on one line, in JSON, in an address, and in a page."""
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    in_json = {json.dumps(value, ensure_ascii=pure)[1:-1] for pure in (True, False)}
    in_address = {quote(value, errors="replace"), quote(value, "", errors="replace")}
    return frozenset({value, line, escape(value), *in_json, *in_address} - {""})


_OWN: Final = "a secret that the run knows"


def _judge(text: str, name: str, known: Known) -> str:
    if known.stand_in(text):
        return _OWN
    why = form_of(text)
    if why or not name:
        return why
    return f"a random text under the name {name!r}" if tells(name) and is_random(text) else ""


def _name(parts: Parts) -> str:
    """The innermost member that a place lies in; elements bear the name of their list."""
    return next((part for part in reversed(parts) if isinstance(part, str)), "")


def _ids(type_: ResourceType) -> tuple[str, ...]:
    return tuple(part.at for part in type_.parts) or (() if type_.constant_id else (type_.id,))


def holds_something(value: JSON) -> bool:
    """Whether a value is something that could be a secret, and is no marker."""
    return value not in (None, "", [], {}) and not is_secret(value)
