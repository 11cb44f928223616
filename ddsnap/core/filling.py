"""Secrets at a write: what stands behind each marker, and what is left as it is.

Documents hold markers, requests never do. What is sent in a marker's place was supplied, or is what
the destination has at the same place of the same thing; else the resource is not written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.core import pointers
from ddsnap.core.behind import behind, holds_marker, same_places
from ddsnap.core.fields import field_path
from ddsnap.core.markers import number_of, numbered, plain
from ddsnap.core.match import portable
from ddsnap.core.normalize import is_secret
from ddsnap.core.secrets import marked
from ddsnap.core.written import merged_objects
from ddsnap.errors import DdsnapError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ddsnap.core.fields import Parts
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject


@dataclass(frozen=True)
class Filling:
    """What a write makes of the markers in an intended document.

    ``document`` and ``present`` are the intended document and the destination's, with their markers
    numbered, the same secret alike: requests built from them differ from those built from the plain
    documents in these numbers alone. ``plain`` takes them away again, ``fill`` puts the secrets in.
    So a request's digest, which is taken of the plain one, tells nothing of a secret, and needs
    none to be recomputed.
    """

    document: JSONObject
    present: JSONObject | None
    unknown: tuple[str, ...] = ()
    """Pointers to the markers that nothing can take the place of: the document cannot be written.
    """
    omitted: tuple[str, ...] = ()
    """Pointers to the markers that are left out of requests: the API keeps what it has there."""
    values: Mapping[int, JSON] = field(default_factory=dict, repr=False)
    bare: bool = False
    """Whether there are no markers at all."""
    _left_out: frozenset[int] = frozenset()

    @property
    def secrets(self) -> frozenset[str]:
        """Every text that a request may hold in a marker's place."""
        return frozenset(text for value in self.values.values() for text in texts(value))

    def fill(self, body: JSON) -> JSON:
        """Return a request's body as it is sent; a marker that stays raises."""
        if self.bare:
            return body
        if is_secret(body):
            raise DdsnapError("a request would hold a placeholder in a secret's place")
        if isinstance(body, dict):
            kept = {name: value for name, value in body.items() if not self._omits(value)}
            return {name: self._filled(value) for name, value in kept.items()}
        return [self._filled(element) for element in body] if isinstance(body, list) else body

    def plain(self, body: JSON) -> JSON:
        """Return a request's body as it is recorded."""
        return body if self.bare else plain(body)

    def _filled(self, value: JSON) -> JSON:
        number = number_of(value)
        if number is None or number not in self.values:
            return self.fill(value)
        return self.values[number]

    def _omits(self, value: JSON) -> bool:
        return number_of(value) in self._left_out


def needs(body: JSONObject) -> list[str]:
    """Return the pointers to the markers in ``body``."""
    return sorted(pointers.join(parts) for parts in marked(body))


def filling(
    type_: ResourceType,
    intended: JSONObject,
    present: JSONObject | None,
    raw: JSONObject | None,
    supplied: Mapping[str, JSON],
) -> Filling:
    """Find what takes the place of each marker in the intended document.

    ``present`` is the destination's document and ``raw`` what it was made of, both ``None`` where a
    resource is created. ``supplied`` are values by their pointers in the intended document; they
    come first.
    """
    places = sorted(marked(intended), key=pointers.join) if holds_marker(intended) else []
    if present is None and not places:
        return Filling(intended, None, bare=True)
    there = portable(type_, present) if present is not None else None
    hidden = behind(type_, present, raw) if present is not None and raw is not None else {}
    twins = dict(same_places(intended, there)) if there is not None else {}
    values: dict[int, JSON] = {}
    unknown, omitted = [], []
    left_out = set()
    for number, parts in enumerate(places):
        pointer, twin = pointers.join(parts), twins.get(parts)
        if pointer in supplied:
            values[number] = supplied[pointer]
        elif there is not None and _stays(type_, parts, there, twin):
            omitted.append(pointer)
            left_out.add(number)
        elif twin in hidden:
            values[number] = hidden[twin]
        else:
            unknown.append(pointer)
    numbers = {parts: number for number, parts in enumerate(places)}
    alike = {twins[parts]: number for parts, number in numbers.items() if parts in twins}
    return Filling(
        numbered(intended, numbers),
        None if there is None else numbered(there, alike),
        tuple(unknown),
        tuple(omitted),
        values,
        _left_out=frozenset(left_out),
    )


def revealed(
    type_: ResourceType, stored: JSONObject, present: JSONObject, raw: JSONObject
) -> dict[str, JSON]:
    """Return, by its pointer in ``stored``, what ``raw`` holds at the place of each marker.

    ``present`` was made of ``raw``. Since it was stored a place may have become another one's: what
    is sent to somebody else by now is not told.
    """
    hidden = behind(type_, present, raw)
    twins = same_places(portable(type_, stored), portable(type_, present), same_host=True)
    return {pointers.join(at): hidden[twin] for at, twin in twins if twin in hidden}


def texts(value: JSON) -> Iterable[str]:
    """Yield every text in ``value``."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def _stays(type_: ResourceType, parts: Parts, there: JSONObject, twin: Parts | None) -> bool:
    """Whether an update that leaves the place out leaves what the destination has there."""
    if any(field_path(path).covers(parts) for path in type_.keeps_secrets):
        return twin is not None
    # What the members of a merged object hold is replaced as a whole.
    merged = parts[:-1] in [field_path(at).steps for at in merged_objects(type_)]
    return merged and pointers.find(there, pointers.join(parts)) is not None
