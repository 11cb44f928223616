"""What a source's resources are called at a destination, as earlier replays left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ddsnap.core.values import Address

Origin: TypeAlias = Literal["created", "adopted"]


@dataclass(frozen=True, slots=True)
class Mapped:
    """The destination's counterpart of a resource, and what was last written to it.

    ``aliases`` are its other ids there, by the JSON pointer of their place. ``intended`` is the
    digest of the plain intended document last written, ``seen`` that of the destination's portable
    document read back after it; both are empty where nothing was written.
    """

    id: str
    origin: Origin
    aliases: Mapping[str, str] = field(default_factory=dict)
    intended: str = ""
    seen: str = ""


IdMap: TypeAlias = Mapping[Address, Mapped]
"""By the source's address. Entries of types that are not captured are taken on trust."""


def followed(mapped: IdMap) -> dict[Address, Mapped]:
    """Return a map of an org onto itself in which what was lost twice leads to its last id."""
    found: dict[Address, Mapped] = {}
    for address, entry in mapped.items():
        seen, last = {address.id}, entry
        while last.id not in seen and (later := mapped.get(Address(address.type, last.id))):
            seen.add(last.id)
            last = later
        found[address] = last
    return found
