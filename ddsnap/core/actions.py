"""What a plan is made of: one action for each resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.core.pointers import join

if TYPE_CHECKING:
    from ddsnap.core.id_map import Origin
    from ddsnap.core.references import Reference
    from ddsnap.core.values import JSON, Address, JSONObject

ActionKind: TypeAlias = Literal[
    "create",
    "adopt",
    "update",
    "unchanged",
    "similar",
    "blocked",
    "deferred",
    "ambiguous",
    "delete",
]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A reference that cannot be bound at the destination: where it stands, and why it cannot."""

    reference: Reference
    why: str
    text: str

    def to_json(self) -> JSONObject:
        """Return it for people and programs."""
        return {**_told(self.reference), "why": self.why, "text": self.text}


@dataclass(frozen=True, slots=True)
class Action:
    """What becomes of one resource.

    ``to`` is its id at the destination, symbolic (``${monitors/123}``) until it is created, empty
    where it will not be there. ``patch`` turns the destination's document into the intended one.
    ``needs`` are the resources whose actions come first, ``closes`` the references that are
    written only when their targets exist, ``cause`` is where the trouble of a blocked one begins.

    ``against`` is the digest of the destination's portable document that it was made against,
    empty where there was none; ``intended`` that of the plain intended document, empty while some
    id in it is symbolic. ``base`` says whose document is patched: the snapshot's, or the
    destination's own where only its references are re-pointed. ``origin`` is what the id map will
    say of the resource. A creation that ``undeletes`` first asks Datadog for the lost one, ``to``.
    """

    kind: ActionKind
    address: Address
    title: str = ""
    to: str = ""
    patch: tuple[JSONObject, ...] = ()
    needs: tuple[Address, ...] = ()
    reasons: tuple[str, ...] = ()
    cause: Address | None = None
    unresolved: tuple[Unresolved, ...] = ()
    closes: tuple[Reference, ...] = ()
    against: str = ""
    intended: str = ""
    base: Literal["source", "destination"] = "source"
    origin: Origin | Literal[""] = ""
    undeletes: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes the destination."""
        return self.kind in ("create", "update", "delete") or bool(self.patch)

    @property
    def idle(self) -> bool:
        """Whether the destination already has what it shall have."""
        return self.kind in ("unchanged", "adopt") and not self.patch

    def to_json(self) -> JSONObject:
        """Return it complete, with every member always there."""
        needs: list[JSON] = [str(address) for address in self.needs]
        return {
            "action": self.kind,
            "type": self.address.type,
            "id": self.address.id,
            "title": self.title,
            "to": self.to,
            "patch": list(self.patch),
            "needs": needs,
            "reasons": list(self.reasons),
            "cause": str(self.cause) if self.cause else None,
            "unresolved": [unresolved.to_json() for unresolved in self.unresolved],
            "closes": [_told(reference) for reference in self.closes],
            "against": self.against,
            "intended": self.intended,
            "base": self.base,
            "origin": self.origin,
            "undeletes": self.undeletes,
        }


def _told(reference: Reference) -> JSONObject:
    return {
        "at": join(reference.parts),
        "to": list(reference.to),
        "by": reference.by or "id",
        "value": reference.value,
        "soft": reference.soft,
    }
