"""What the destination has of one resource, read just before something is done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.api.gateway import Gone, Unreadable
from ddsnap.core.behind import behind
from ddsnap.core.filling import revealed, texts
from ddsnap.core.match import portable_digest
from ddsnap.core.values import clone
from ddsnap.errors import ApiError, UnstorableError
from ddsnap.flows.live import Stored, drop_ghosts, to_item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.run import Run


@dataclass(frozen=True, slots=True)
class Present:
    """A resource as it is now: ``None`` and an empty digest where there is none.

    ``raw`` is what the document was made of, secrets included: it stays in memory.
    """

    document: JSONObject | None = None
    raw: JSONObject | None = field(default=None, repr=False)
    digest: str = ""
    """The digest of the portable document."""


ABSENT = Present()


def present_of(
    run: Run,
    type_: ResourceType,
    id_: str,
    *,
    existing: Collection[str] | None = None,
    like: Iterable[JSONObject] = (),
) -> Present:
    """Read one resource as a capture would, and keep its secrets out of every later error.

    ``existing`` are, for an order, the ids of what it may list: Datadog keeps deleted members in it
    for a while. ``like`` are documents whose markers it keeps, as it does in a capture. Raises
    ``ApiError`` where the resource cannot be read. Threads may share the run.
    """
    names = {named.lookup: run.gateway.lookup(named.lookup) for named in type_.named}
    reading = run.gateway.find(type_, id_)
    if isinstance(reading, Gone):
        return ABSENT
    if isinstance(reading, Unreadable):
        raise ApiError(f"{type_.name}/{id_}: {reading.reason}", status=reading.status)
    drop_ghosts(type_, reading.body, existing)
    raw = clone(reading.body)
    item = to_item(type_, id_, reading, names)
    if not isinstance(item, Stored):
        reason = getattr(item, "reason", "its answer is no document")
        raise ApiError(f"{type_.name}/{id_}: {reason}")
    try:
        normalized, _, _ = run.guard.redact(type_, item.normalized, item.data, like)
    except (KeyError, UnstorableError):
        reason = "what identifies it, or the name of a member, is a secret"
        raise ApiError(f"{type_.name}/{id_}: {reason}") from None
    document = normalized.document.body
    secrets = behind(type_, document, raw).values() if normalized.markers else ()
    run.gateway.conceal(text for value in secrets for text in texts(value))
    return Present(document, raw, portable_digest(type_, document))


def from_source(source: Run, type_: ResourceType, id_: str, stored: JSONObject) -> dict[str, JSON]:
    """Return the secrets that the live source holds in place of the markers in a stored document.

    They are told by their pointers in it; what the source's API shows to nobody is not among them.
    """
    present = present_of(source, type_, id_, like=[stored])
    if present.document is None or present.raw is None:
        return {}
    return revealed(type_, stored, present.document, present.raw)
