"""Verifying a past replay: each request follows again from snapshots, patches, ids and time."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from ddsnap.config.transforms import parse_rule
from ddsnap.core import canonical, shapes
from ddsnap.core.audit import follows
from ddsnap.core.directory import aliases_of
from ddsnap.core.match import portable_digest
from ddsnap.core.outcomes import Sent, counts, read_outcomes
from ddsnap.core.pointers import join
from ddsnap.core.requests import create_request
from ddsnap.core.resolution import is_symbolic
from ddsnap.core.values import Address, Document
from ddsnap.errors import Damaged, DdsnapError, TransformError
from ddsnap.flows.faults import Checked, Fault
from ddsnap.flows.journal import RECORD
from ddsnap.flows.living import was_read
from ddsnap.flows.mute import BODY as DOWNTIME
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.past_action import PastAction, key_of
from ddsnap.flows.recorded_replay import RecordedReplay
from ddsnap.flows.replay_journal import OPEN, OUTCOMES, PATCHES, RULES, patch_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

_KINDS = ("replay", "restore")

_NO_PATCH: Final = (LookupError, TypeError, ValueError)
_NO_DOCUMENT: Final = (DdsnapError, *_NO_PATCH)
"""What is raised where no document can be made of what was recorded."""


def is_replay(record: JSONObject) -> bool:
    """Whether a run's record is that of a replay."""
    return record.get("kind") in _KINDS


def verify_replay(
    repo: Repository, commit: CommitInfo, record: JSONObject, catalog: Catalog, checked: Checked
) -> Iterator[Fault]:
    """Yield what is wrong in the commit of one replay."""
    try:
        past = RecordedReplay.read(repo, commit, record, catalog)
    except Damaged as error:
        yield Fault(commit.sha, RECORD, error.message)
        return
    yield from _rules(past)
    if record.get("state") in OPEN:
        return
    yield from _applied(past)
    yield from _parentage(past)
    yield from _silence(past)
    try:
        outcomes = _outcomes(past)
    except DdsnapError as error:
        yield Fault(commit.sha, OUTCOMES, error.message)
        return
    yield from _unexplained(past, outcomes)
    yield from _unsent(past, outcomes)
    yield from _unmapped(past, outcomes)
    if past.outdated:
        checked.notes.append(f"{commit.sha[:12]}: not recomputed (older rules)")
        return
    for one in (PastAction(past, outcome) for outcome in outcomes):
        faults = [*_recomputed(one, checked)]
        yield from faults or _unfollowed(one)
        yield from _unseen(one)
        with suppress(*_NO_DOCUMENT) if faults else nullcontext():  # which was told
            yield from _unintended(one)


def _parentage(past: RecordedReplay) -> Iterator[Fault]:
    missing = [sha for sha in past.snapshots if sha and sha not in past.commit.parents]
    if missing:
        reason = f"the commit lacks a parent that the record names: {missing[0][:12]}"
        yield past.fault(RECORD, reason)


def _applied(past: RecordedReplay) -> Iterator[Fault]:
    """Yield the rules that are told of and not there, or the other way round."""
    there = {path.removeprefix(f"{RULES}/") for path in past.files if path.startswith(f"{RULES}/")}
    told = {f"{name}.yaml" for name in shapes.words(past.record, "transforms")}
    for name in sorted(there ^ told):
        known = "the record does not name it" if name in there else "it is missing"
        yield past.fault(f"{RULES}/{name}", known)


def _rules(past: RecordedReplay) -> Iterator[Fault]:
    for path in past.files:
        if path.startswith(f"{RULES}/") and path not in past.masked:
            try:
                parse_rule(path, past.file(path) or b"")
            except DdsnapError as error:
                yield past.fault(path, error.message)


def _outcomes(past: RecordedReplay) -> list[Outcome]:
    data = past.file(OUTCOMES)
    if data is None:
        raise Damaged("it is missing")
    outcomes = list(read_outcomes(data))
    told = past.record.get("counts")
    if counts(outcomes) != told:
        raise Damaged(f"its lines do not add up to what {RECORD} counts")
    past.to.update({o.action.address: o.to for o in outcomes if o.to})
    return outcomes


def _silence(past: RecordedReplay) -> Iterator[Fault]:
    """Yield the requests for the downtime that are not those that make it."""
    mute = past.record.get("mute")
    if past.outdated or not isinstance(mute, dict):
        return
    request = create_request(past.catalog[DOWNTIMES], DOWNTIME, now=past.now)
    for sent in map(Sent.from_json, shapes.objects(mute, "requests")):
        if key_of(sent) != key_of(request):
            yield past.fault(RECORD, f"{sent.method} {sent.path} does not make the downtime")


def _unexplained(past: RecordedReplay, outcomes: Sequence[Outcome]) -> Iterator[Fault]:
    told = {patch_path(outcome.action.address) for outcome in outcomes}
    for path in past.files:
        if path.startswith(f"{PATCHES}/") and path not in told:
            yield past.fault(path, "no outcome tells of it")


def _unsent(past: RecordedReplay, outcomes: Sequence[Outcome]) -> Iterator[Fault]:
    """What was written took a request: so a patch says, and what was made."""
    for outcome in outcomes:
        action, path = outcome.action, patch_path(outcome.action.address)
        if path in past.files and not outcome.requests and outcome.status == "done":
            yield past.fault(path, f"nothing was sent to {action.address}, and yet it was written")
        made = action.kind == "create" and action.origin != "adopted" and outcome.status == "done"
        if made and not any(map(_may_have_made, outcome.requests)):
            yield past.fault(OUTCOMES, f"{action.address} was made, and no request made it")
        if _needs_request(past, outcome) and not outcome.requests:
            yield past.fault(OUTCOMES, f"{action.address} was updated, and no request did it")


def _needs_request(past: RecordedReplay, outcome: Outcome) -> bool:
    """Whether it was written over what it differed from; others may see to an order, or a link."""
    action, type_ = outcome.action, past.catalog.get(outcome.action.address.type)
    wrote = action.kind == "update" and outcome.status == "done"
    return wrote and action.base == "source" and not (type_ and type_.orders)


def _may_have_made(sent: Sent) -> bool:
    """Whether it was a creation that had its effect, or whose answer was lost."""
    return sent.purpose in ("create", "undelete") and not 300 <= sent.status < 500


def _unseen(one: PastAction) -> Iterator[Fault]:
    """Yield what the map says was read back of a resource, and the snapshot after does not hold."""
    past, address = one.past, one.action.address
    entry, after = past.mapped.get(address), past.after
    if after is None or entry is None or entry.id != one.outcome.to or not one.is_plain:
        return
    read = was_read(after, address.type)
    found = past.document(after, Address(address.type, entry.id)) if read else None
    path = f"map/{past.source.name}/{address.type}.json"
    seen = {portable_digest(one.type, found) if found else ""}
    if past.snapshots[1] == after.commit:  # maybe nothing was read back
        seen.add("")
    if entry.seen not in seen:
        yield past.fault(path, f"{address}: what was seen of it is not in the snapshot after")
    elif found and any(entry.aliases.get(at, id_) != id_ for at, id_ in _aliases(one.type, found)):
        yield past.fault(path, f"{address}: its other ids are not those in the snapshot after")


def _unintended(one: PastAction) -> Iterator[Fault]:
    """Yield what the map says was meant, by which the next replay tells whether that has changed.

    The plan knows it, but for ids that were new; a creation as a whole is written as it is meant.
    """
    past, action = one.past, one.action
    entry = past.mapped.get(action.address)
    if action.address.type not in past.catalog or entry is None or entry.id != one.outcome.to:
        return
    if not one.is_plain:
        return
    # An id in it that was still to be given may have been left out of what was planned.
    known = action.kind != "create" and not is_symbolic(canonical.encode([*action.patch]).decode())
    meant = {action.intended} if known else set()
    if action.kind == "create" and not (action.closes or action.undeletes or one.type.quiet):
        meant = set() if one.masked else {canonical.digest(one.wrote), action.intended}
    if meant - {""} and entry.intended not in {"", *meant}:
        path = f"map/{past.source.name}/{action.address.type}.json"
        yield past.fault(path, f"{action.address}: what the map calls intended was not")


def _unfollowed(one: PastAction) -> Iterator[Fault]:
    """Yield what was written although the rules make something else of the source's document."""
    past, action = one.past, one.action
    if past.rules is None or one.masked or not one.is_plain:
        return
    stored, over = Document(action.address, one.base), action.kind != "create"
    try:
        same = follows(one.type, stored, one.wrote, past.rules, past.catalog, over=over)
    except TransformError as error:
        yield past.fault(one.path, error.message)
        return
    if not same:
        yield past.fault(one.path, f"it is not what the rules make of {action.address}")


def _aliases(type_: ResourceType, body: JSONObject) -> Iterator[tuple[str, str]]:
    """Yield the other ids of a resource, by pointer; those of its parts come and go with them."""
    for parts, id_ in aliases_of(type_, body).items():
        if all(isinstance(part, str) for part in parts):
            yield join(parts), id_


def _unmapped(past: RecordedReplay, outcomes: Sequence[Outcome]) -> Iterator[Fault]:
    """What was created or adopted must be found again by the next replay."""
    try:
        mapped = past.mapped
    except DdsnapError as error:
        yield past.fault("map", error.message)
        return
    for outcome in outcomes:
        action, entry = outcome.action, mapped.get(outcome.action.address)
        made = action.kind in ("create", "adopt") and action.base == "source"
        kept = made and outcome.status in ("done", "unchanged")
        if kept and (entry is None or entry.id != outcome.to):
            path = f"map/{past.source.name}/{action.address.type}.json"
            yield past.fault(path, f"{action.address} is not mapped to {outcome.to}")


def _recomputed(one: PastAction, checked: Checked) -> Iterator[Fault]:
    """Yield each request of an outcome that does not follow from what the journal holds."""
    past, requests = one.past, one.outcome.requests
    if not requests:
        return
    if one.masked:
        told = f"{past.commit.sha[:12]} {one.path}: not recomputed (it held a secret)"
        checked.notes.append(told)
        return
    try:
        expected = one.expected()
    except DdsnapError as error:
        yield past.fault(one.path, error.message)
        return
    except _NO_PATCH:
        yield past.fault(one.path, "what it makes is no document that could be written")
        return
    for sent in requests:
        checked.requests += 1
        if key_of(sent) not in expected and not _was_behind(one, sent):
            what = f"{sent.method} {sent.path} ({sent.purpose}) of {one.action.address}"
            yield past.fault(one.path, f"{what} does not follow from the snapshots and the patch")


def _was_behind(one: PastAction, sent: Sent) -> bool:
    """Whether it is an order that was refused because a member was missing, and written again."""
    refused = HTTPStatus.BAD_REQUEST <= sent.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return bool(one.type.orders) and refused and sent is not one.outcome.requests[-1]
