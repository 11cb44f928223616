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
