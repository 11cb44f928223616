"""What a replay leaves behind of itself: outcomes, patches and the map, from its log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical, shapes
from ddsnap.core.changes import apply_patch, json_patch
from ddsnap.core.directory import aliases_of
from ddsnap.core.id_map import Mapped
from ddsnap.core.match import portable
from ddsnap.core.outcomes import Outcome, Sent
from ddsnap.core.pointers import join
from ddsnap.core.recorded_action import read_action
from ddsnap.core.values import Address
from ddsnap.core.written import as_there
from ddsnap.flows.replay_journal import patch_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from ddsnap.core.actions import Action
    from ddsnap.core.outcomes import Status
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import JSON, Document, JSONObject

MUTE: Final = "migration"
"""The id in the log of the downtime that the replay makes for itself."""

_STATUS: Final[Mapping[str, Status]] = {
    "unchanged": "unchanged",
    "adopt": "unchanged",
    "similar": "similar",
    "blocked": "blocked",
    "deferred": "deferred",
    "ambiguous": "ambiguous",
}


@dataclass
class Written:
    """What the log tells of one action."""

    action: Action | None = None
    patch: bytes = b""
    """As its file in the journal has it; empty where nothing differed."""
    to: str = ""
    outcome: Outcome | None = None
    sent: list[Sent] = field(default_factory=list)
    """The requests that were intended; the status is 0 where no answer is known."""
    asked: float = 0.0
    """When its creation was sent last, by the server's clock."""
    intended: str = ""
    digest: str = ""
    """Of the document that the patch makes."""
    aliases: Mapping[str, str] = field(default_factory=dict)


def told_by(
    events: Iterable[Mapping[str, object]], reached: Collection[Address] = ()
) -> dict[Address, Written]:
    """Return what a run log says of each action; the last word counts.

    The actions and the outcomes of what was ``reached`` are known, and left out.
    """
    told: dict[Address, Written] = {}
    for event in events:
        kind = event.get("event")
        if kind == "outcome":
            body: JSONObject = event["outcome"]  # type: ignore[assignment]
            address = Address(shapes.text(body, "type"), shapes.text(body, "id"))
            written = told.setdefault(address, Written())
            if address not in reached:
                written.outcome = Outcome.from_json(body)
                written.action = written.outcome.action
            written.intended = str(event.get("intended", ""))
            written.aliases = dict(event.get("aliases") or {})  # type: ignore[call-overload]
        elif kind in ("intent", "result", "made", "withheld"):
            address = Address.parse(str(event["address"]))
            written = told.setdefault(address, Written())
            _take(written, event)
            if "action" in event and address not in reached:
                written.action = read_action(event["action"])  # type: ignore[arg-type]
    return told


def _take(written: Written, event: Mapping[str, object]) -> None:
    """Take in what the log says of one request."""
    kind = event["event"]
    if "patch" in event:
        patch: list[JSON] = event["patch"]  # type: ignore[assignment]
        written.patch = canonical.encode(patch) if patch else b""
        written.digest = str(event.get("written", ""))
    if kind == "intent":
        words = (str(event[name]) for name in ("method", "route", "path", "digest", "purpose"))
        method, route, path, digest, purpose = words
        written.sent.append(Sent(method, route, path, 0, digest, purpose))
        if purpose == "create":
            written.asked = float(str(event.get("at") or 0))
    elif kind == "result" and written.sent:
        written.sent[-1] = replace(written.sent[-1], status=int(str(event["status"])))
    elif kind == "withheld" and written.sent:  # it was never sent
        written.sent.pop()
        written.patch = written.patch if written.sent else b""
    elif kind == "made":
        written.to = str(event["id"])
        written.aliases = dict(event.get("aliases") or {})  # type: ignore[call-overload]


def outcomes_of(
    actions: Iterable[Action],
    told: Mapping[Address, Written],
    reached: Mapping[Address, Outcome],
    why: str,
) -> list[Outcome]:
    """Return one outcome per action: as the run has ``reached`` it, or as its log tells.

    ``why`` is what kept the run from the others.
    """
    found: list[Outcome] = []
    for action in actions:
        written = told.get(action.address)
        if action.address in reached:
            found.append(reached[action.address])
        elif written is not None:
            found.append(_outcome(action, written, why))
        elif action.writes:
            found.append(Outcome(action, "not reached", error=why))
        else:
            reason = "; ".join(action.reasons)
            status = _STATUS[action.kind]
            to = action.to if status == "unchanged" else ""
            found.append(Outcome(action, status, to, error="" if status == "unchanged" else reason))
    return found


def _outcome(action: Action, written: Written, why: str) -> Outcome:
    """What came of an action that was begun."""
    if written.outcome is not None:
        return written.outcome
    action, sent = written.action or action, tuple(written.sent)
    return Outcome(action, "failed", written.to, error=why, requests=sent)


def patches_of(told: Mapping[Address, Written]) -> dict[str, bytes]:
    """Return the patches of what was written, as files of the journal."""
    return {
        patch_path(address): written.patch
        for address, written in told.items()
        if written.patch and address.id != MUTE
    }


def settled(
    outcome: Outcome,
    written: Written,
    base: Callable[[], JSONObject],
    after: Document | None,
    catalog: Catalog,
    *,
    now: datetime,
) -> tuple[Outcome, str]:
    """Return the outcome with what the server made of what was written, and that one's digest.

    ``base`` reads what the patch starts from; ``now`` is the time for which it was written.
    """
    type_ = catalog[outcome.action.address.type]
    if outcome.status != "done" or after is None or outcome.action.kind == "delete":
        return outcome, ""
    there = portable(type_, after.body)
    seen = canonical.digest(there)
    if seen == written.digest:
        return outcome, seen
    intended = apply_patch(base(), _operations(written.patch))
    if not isinstance(intended, dict):
        return outcome, seen
    intended = as_there(type_, intended, there, now)
    if canonical.same(intended, there):
        return outcome, seen
    return replace(outcome, settled=tuple(json_patch(intended, there))), seen


def _operations(patch: bytes) -> list[JSONObject]:
    return canonical.decode(patch) if patch else []  # type: ignore[return-value]


def entry_of(
    outcome: Outcome,
    written: Written | None,
    before: Mapped | None,
    after: Callable[[], Document | None],
    catalog: Catalog,
    *,
    seen: str = "",
) -> Mapped | None:
    """Return what the map has to say of a resource after the run; ``None`` for nothing.

    ``after`` reads what the destination has of it, and ``seen`` is its digest.
    """
    action = outcome.action
    if not outcome.to or action.kind == "delete":
        return before
    type_ = catalog[action.address.type]
    origin = action.origin or ("created" if action.kind == "create" else "adopted")
    aliases = dict(written.aliases) if written else {}
    known = before if before is not None and before.id == outcome.to else None
    if known is not None:
        origin, aliases = known.origin, aliases or dict(known.aliases)
    if not aliases and type_.identity and (there := after()):  # a run that was cut off knew the id
        aliases = {join(parts): id_ for parts, id_ in aliases_of(type_, there.body).items()}
    if written is None or outcome.status != "done":
        entry = replace(known or Mapped(outcome.to, origin), aliases=aliases)
        if outcome.status == "unchanged" and entry.origin == "created" and not entry.seen:
            # It was made by a run that could not read it back.
            return replace(entry, intended=action.intended or entry.intended, seen=action.against)
        return entry
    return Mapped(outcome.to, origin, aliases, written.intended, seen)
