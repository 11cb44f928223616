"""The last look at a document before it is stored: what is a secret in it becomes a marker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical, pointers
from ddsnap.core.normalize import Normalized, is_secret, normalize, secret_paths
from ddsnap.core.secrets import (
    NOWHERE,
    Finding,
    Known,
    Places,
    conceal,
    marked,
    maybe,
    maybe_marked,
    scan,
)
from ddsnap.core.values import RESERVED, Address
from ddsnap.core.veiled import still_secret
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject

_BEFORE: Final = "what was redacted before"

# An id may hold colons, so that of one resource the place is a pointer.
_PLACE: Final = re.compile(r"(?P<type>[a-z0-9_]+)(?:/(?P<id>.+?)(?=:/))?:(?P<at>.+)", re.DOTALL)


@dataclass(frozen=True)
class Guard:
    """What the configuration decided about secrets, and the secrets that the run itself uses."""

    known: Known = field(default_factory=Known)
    allowed: Mapping[str, Mapping[str, Places]] = field(default_factory=dict)
    """By type, then by id; the empty id stands for every resource of the type."""
    redacted: Mapping[str, Mapping[str, Places]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, known: Iterable[str], allow: Iterable[str] = (), redact: Iterable[str] = ()
    ) -> Guard:
        """Make a guard of secrets and places.

        Places are written ``TYPE:POINTER`` or ``TYPE:FIELD.PATH``, or for one resource alone
        ``TYPE/ID:POINTER``.
        """
        return cls(Known.of(known), _by_type(allow), _by_type(redact))

    def decides(self, type_: ResourceType) -> bool:
        """Whether the configuration says something about secrets of this type."""
        return type_.name in self.allowed or type_.name in self.redacted

    def concerns(self, type_: ResourceType, data: bytes) -> bool:
        """Whether a document must be looked at: ``False`` is certain, at little cost."""
        return self.decides(type_) or maybe(data, self.known)

    def knowing(self, secrets: Iterable[str]) -> Guard:
        """Return the guard, which knows these secrets too."""
        return replace(self, known=Known.of((*self.known.values, *secrets)))

    def inherited(self, heirs: Callable[[Address], Iterable[str]]) -> Guard:
        """Return a guard that redacts in a resource's heirs what it redacts in the resource.

        ``heirs`` gives the ids of what was made of a resource.
        """
        redacted = {name: dict(by_id) for name, by_id in self.redacted.items()}
        for name, by_id in self.redacted.items():
            for id_, places in by_id.items():
                for heir in heirs(Address(name, id_)) if id_ else ():
                    redacted[name][heir] = redacted[name].get(heir, NOWHERE) + places
        return replace(self, redacted=redacted)

    def redact(
        self,
        type_: ResourceType,
        normalized: Normalized,
        data: bytes,
        like: Iterable[JSONObject] = (),
    ) -> tuple[Normalized, bytes, list[Finding]]:
        """Return a document, its bytes, and the secrets found in it that nobody decided about.

        Where one of the documents that it is ``like`` holds a marker, it gets one too, unless that
        is allowed: that it is no secret any more is for people to say. Raises ``KeyError`` where
        the id itself was to be redacted, and ``UnstorableError``.
        """
        body = normalized.document.body
        address = normalized.document.address
        allow, redact = _places(self.allowed, address), _places(self.redacted, address)
        findings: list[Finding] = []
        if maybe(data, self.known):
            findings = scan(type_, body, known=self.known, allow=allow, redact=redact)
        found = {finding.pointer for finding in findings}
        former = _former(type_, body, like, allow + redact) - found
        findings += [Finding(pointer, _BEFORE) for pointer in sorted(former)]
        places = {*redact.present(body), *(finding.pointer for finding in findings)}
        if not places:
            return normalized, data, []
        conceal(body, places)
        # A marker may sort elsewhere in a set than the secret did.
        again = normalize(type_, body)
        data = canonical.encode(body)
        markers = sum(1 for _ in marked(body)) + (RESERVED in body)
        return Normalized(again.document, markers, normalized.unknown), data, findings

    def undecided(self, type_: ResourceType, id_: str, data: bytes) -> bool:
        """Whether a stored document lacks a secret that nobody declared or decided about, or holds
        one by what is decided today.

        Such a document is read again each time, so that each run names what it found.
        """
        concerned = self.concerns(type_, data)
        body = canonical.decode(data) if concerned or maybe_marked(data) else None
        if not isinstance(body, dict):
            return False
        declared = Places.of(secret_paths(type_))
        address = Address(type_.name, id_)
        allow, redact = _places(self.allowed, address), _places(self.redacted, address)
        if any(not declared.cover(parts) and not redact.cover(parts) for parts in marked(body)):
            return True
        return concerned and (
            any(not is_secret(pointers.find(body, place)) for place in redact.present(body))
            or bool(scan(type_, body, known=self.known, allow=allow, redact=redact))
        )


def _former(
    type_: ResourceType, body: JSONObject, like: Iterable[JSONObject], decided: Places
) -> set[str]:
    """Return the pointers to what documents ``like`` this one hide, unless that is decided."""
    places = {parts for one in like for parts in still_secret(one, body)}
    if not places:
        return set()
    # Of what is masked, the document itself tells whether it is a secret today.
    decided += Places.of(masked.at for masked in type_.masked)
    return {pointers.join(parts) for parts in places if not decided.cover(parts)}


def _by_type(texts: Iterable[str]) -> dict[str, dict[str, Places]]:
    found: dict[str, dict[str, Places]] = {}
    for text in texts:
        match = _PLACE.fullmatch(text)
        if match is None:
            raise UsageError(f"{text!r} names no place", "write TYPE:POINTER or TYPE/ID:POINTER")
        by_id = found.setdefault(match["type"], {})
        by_id[match["id"] or ""] = by_id.get(match["id"] or "", NOWHERE) + Places.of([match["at"]])
    return found


def _places(by_type: Mapping[str, Mapping[str, Places]], address: Address) -> Places:
    by_id = by_type.get(address.type, {})
    return by_id.get("", NOWHERE) + by_id.get(address.id, NOWHERE)
