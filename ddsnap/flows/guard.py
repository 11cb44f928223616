"""The last look at a document before it is stored: what is a secret in it becomes a marker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.normalize import Normalized, normalize, secret_paths
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
from ddsnap.core.values import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ddsnap.core.resource_type import ResourceType


@dataclass(frozen=True)
class Guard:
    """What the configuration decided about secrets, and the secrets that the run itself uses."""

    known: Known = field(default_factory=Known)
    allowed: Mapping[str, Places] = field(default_factory=dict)
    redacted: Mapping[str, Places] = field(default_factory=dict)

    @classmethod
    def of(
        cls, known: Iterable[str], allow: Iterable[str] = (), redact: Iterable[str] = ()
    ) -> Guard:
        """Make a guard; ``allow`` and ``redact`` are written TYPE:POINTER or TYPE:FIELD.PATH."""
        return cls(Known.of(known), _by_type(allow), _by_type(redact))

    def decides(self, type_: ResourceType) -> bool:
        """Whether the configuration says something about secrets of this type."""
        return type_.name in self.allowed or type_.name in self.redacted

    def redact(
        self, type_: ResourceType, normalized: Normalized, data: bytes
    ) -> tuple[Normalized, bytes, list[Finding]]:
        """Return a document, its bytes, and the secrets found in it that nobody decided about.

        Raises ``KeyError`` where the id itself was to be redacted, and ``UnstorableError``.
        """
        body = normalized.document.body
        allow = self.allowed.get(type_.name, NOWHERE)
        redact = self.redacted.get(type_.name, NOWHERE)
        findings: list[Finding] = []
        if maybe(data, self.known):
            findings = scan(type_, body, known=self.known, allow=allow, redact=redact)
        places = {*redact.present(body), *(finding.pointer for finding in findings)}
        if not places:
            return normalized, data, []
        conceal(body, places)
        # A marker may sort elsewhere in a set than the secret did.
        again = normalize(type_, body)
        data = canonical.encode(body)
        markers = sum(1 for _ in marked(body)) + (RESERVED in body)
        return Normalized(again.document, markers, normalized.unknown), data, findings

    def undecided(self, type_: ResourceType, data: bytes) -> bool:
        """Whether a stored document lacks a secret that nobody declared or decided about.

        Such a document is read again each time, so that each run names what it found.
        """
        if not maybe_marked(data):
            return False
        body = canonical.decode(data)
        declared = Places.of(secret_paths(type_))
        redact = self.redacted.get(type_.name, NOWHERE)
        return isinstance(body, dict) and any(
            not declared.cover(parts) and not redact.cover(parts) for parts in marked(body)
        )


def _by_type(texts: Iterable[str]) -> dict[str, Places]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name, _, place = text.partition(":")
        found.setdefault(name, []).append(place)
    return {name: Places.of(places) for name, places in found.items()}
