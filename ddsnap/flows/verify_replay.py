"""Verifying a past replay: each request follows again from snapshots, patches, ids and time."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from ddsnap.config.transforms import parse_rule
from ddsnap.core import canonical, shapes
from ddsnap.core.audit import closed_references, expected_requests, follows, intended_body
from ddsnap.core.directory import aliases_of
from ddsnap.core.match import portable, portable_digest
from ddsnap.core.outcomes import Sent, counts, read_outcomes
from ddsnap.core.paths import document_path
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
from ddsnap.flows.past_replays import TAKES_BACK, kind_of
from ddsnap.flows.recorded_replay import RecordedReplay
from ddsnap.flows.replay_journal import OPEN, OUTCOMES, PATCHES, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.references import Reference
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

Key: TypeAlias = "tuple[str, str, str, str]"
"""What tells a request: method, route, path and the digest of its body."""

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
    for outcome in outcomes:
        faults = [*_recomputed(past, outcome, checked)]
        yield from faults or _unfollowed(past, outcome)
        yield from _unseen(past, outcome)
        with suppress(*_NO_DOCUMENT) if faults else nullcontext():  # which was told
            yield from _unintended(past, outcome)


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
        if _key(sent) != _key_of(request):
            yield past.fault(RECORD, f"{sent.method} {sent.path} does not make the downtime")


def _unexplained(past: RecordedReplay, outcomes: Sequence[Outcome]) -> Iterator[Fault]:
    told = {_patch_path(outcome) for outcome in outcomes}
    for path in past.files:
        if path.startswith(f"{PATCHES}/") and path not in told:
            yield past.fault(path, "no outcome tells of it")


def _unsent(past: RecordedReplay, outcomes: Sequence[Outcome]) -> Iterator[Fault]:
    """What was written took a request: so a patch says, and what was made."""
    for outcome in outcomes:
        action, path = outcome.action, _patch_path(outcome)
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


def _unseen(past: RecordedReplay, outcome: Outcome) -> Iterator[Fault]:
    """Yield what the map says was read back of a resource, and the snapshot after does not hold."""
    action, after = outcome.action, past.after
    entry = past.mapped.get(action.address)
    if after is None or entry is None or entry.id != outcome.to or not _is_plain(past, outcome):
        return
    type_ = past.catalog[action.address.type]
    read = was_read(after, type_.name)
    found = past.document(after, Address(type_.name, entry.id)) if read else None
    path = f"map/{past.source.name}/{type_.name}.json"
    seen = {portable_digest(type_, found) if found else ""}
    if past.snapshots[1] == after.commit:  # maybe nothing was read back
        seen.add("")
    if entry.seen not in seen:
        reason = f"{action.address}: what was seen of it is not in the snapshot after"
        yield past.fault(path, reason)
    elif found and any(entry.aliases.get(at, id_) != id_ for at, id_ in _aliases(type_, found)):
        reason = f"{action.address}: its other ids are not those in the snapshot after"
        yield past.fault(path, reason)


def _unintended(past: RecordedReplay, outcome: Outcome) -> Iterator[Fault]:
    """Yield what the map says was meant, by which the next replay tells whether that has changed.

    The plan knows it, but for ids that were new; a creation as a whole is written as it is meant.
    """
    action, entry = outcome.action, past.mapped.get(outcome.action.address)
    path, type_ = _patch_path(outcome), past.catalog.get(action.address.type)
    if type_ is None or entry is None or entry.id != outcome.to or not _is_plain(past, outcome):
        return
    # An id in it that was still to be given may have been left out of what was planned.
    known = action.kind != "create" and not is_symbolic(canonical.encode([*action.patch]).decode())
    meant = {action.intended} if known else set()
    if action.kind == "create" and not (action.closes or action.undeletes or type_.quiet):
        masked = path in past.masked
        meant = set() if masked else {canonical.digest(_wrote(past, outcome)[1]), action.intended}
    if meant - {""} and entry.intended not in {"", *meant}:
        reason = f"{action.address}: what the map calls intended was not"
        yield past.fault(f"map/{past.source.name}/{type_.name}.json", reason)


def _unfollowed(past: RecordedReplay, outcome: Outcome) -> Iterator[Fault]:
    """Yield what was written although the rules make something else of the source's document."""
    action, path = outcome.action, _patch_path(outcome)
    if past.rules is None or path in past.masked or not _is_plain(past, outcome):
        return
    type_ = past.catalog[action.address.type]
    base, wrote = _wrote(past, outcome)
    stored, over = Document(action.address, base), action.kind != "create"
    try:
        same = follows(type_, stored, wrote, past.rules, past.catalog, over=over)
    except TransformError as error:
        yield past.fault(path, error.message)
        return
    if not same:
        yield past.fault(path, f"it is not what the rules make of {action.address}")


def _wrote(past: RecordedReplay, outcome: Outcome) -> tuple[JSONObject, JSONObject]:
    """Return the document of the source, and what was made of it and written."""
    base = _base(past, outcome, Address(outcome.action.address.type, outcome.to))
    return base, intended_body(base, _patch(past, outcome, _patch_path(outcome), whole=True))


def _is_plain(past: RecordedReplay, outcome: Outcome) -> bool:
    """Whether it wrote what the source has, and the map says so."""
    wrote = outcome.status == "done" and outcome.requests and outcome.action.kind != "delete"
    plain = outcome.action.base == "source" and kind_of(past.record) not in TAKES_BACK
    return bool(wrote and plain)


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


def _recomputed(past: RecordedReplay, outcome: Outcome, checked: Checked) -> Iterator[Fault]:
    """Yield each request of an outcome that does not follow from what the journal holds."""
    if not outcome.requests:
        return
    path = _patch_path(outcome)
    if path in past.masked:
        checked.notes.append(f"{past.commit.sha[:12]} {path}: not recomputed (it held a secret)")
        return
    try:
        expected = _expected(past, outcome, path)
    except DdsnapError as error:
        yield past.fault(path, error.message)
        return
    except _NO_PATCH:
        yield past.fault(path, "what it makes is no document that could be written")
        return
    for sent in outcome.requests:
        checked.requests += 1
        if _key(sent) not in expected and not _was_behind(past, outcome, sent):
            what = f"{sent.method} {sent.path} ({sent.purpose}) of {outcome.action.address}"
            yield past.fault(path, f"{what} does not follow from the snapshots and the patch")


def _was_behind(past: RecordedReplay, outcome: Outcome, sent: Sent) -> bool:
    """Whether it is an order that was refused because a member was missing, and written again."""
    type_ = past.catalog.get(outcome.action.address.type)
    refused = HTTPStatus.BAD_REQUEST <= sent.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return bool(type_ and type_.orders) and refused and sent is not outcome.requests[-1]


def _expected(past: RecordedReplay, outcome: Outcome, path: str) -> set[Key]:
    """Return all that may have been sent; raises ``DdsnapError`` where that cannot be told."""
    action = outcome.action
    type_ = past.catalog.get(action.address.type)
    if type_ is None:
        raise Damaged(f"{action.address.type} is no type that this ddsnap knows")
    to = outcome.to or ("" if action.kind == "create" else action.to)
    there = Address(type_.name, to)
    base = _base(past, outcome, there)
    patch = _patch(past, outcome, path, whole=canonical.same(portable(type_, base), base))
    body = {} if action.kind == "delete" else intended_body(base, patch)
    keys: set[Key] = set()
    for closes in _closes(past, type_, outcome, body):
        requests = expected_requests(
            type_,
            action,
            base=base,
            patch=patch,
            present=past.document(past.before, there),
            to=to,
            now=past.now,
            closes=closes,
            identity=str(past.record.get("identity") or ""),
        )
        keys.update(map(_key_of, requests))
    return keys


def _base(past: RecordedReplay, outcome: Outcome, there: Address) -> JSONObject:
    """Return the document that was patched; what is deleted needs none."""
    action = outcome.action
    if action.kind == "delete":
        return {}
    own = action.base == "destination"
    view, address = (past.before, there) if own else (past.origin, action.address)
    found = past.document(view, address)
    if found is None:
        raise Damaged(f"the snapshot {view.label} holds no {address}")
    return found


def _patch(
    past: RecordedReplay, outcome: Outcome, path: str, *, whole: bool
) -> tuple[JSONObject, ...]:
    """Return the patch of an outcome; a document that is ``whole`` as it stands may need none."""
    if outcome.action.kind == "delete":
        return ()
    data = past.file(path)
    if data is None and whole:
        return ()
    if data is None:
        raise Damaged("it is missing")
    body: JSONObject = {"operations": canonical.decode(data)}
    if canonical.encode(body["operations"]) != data:
        raise Damaged("it is not in canonical form")
    return shapes.objects(body, "operations")


def _closes(
    past: RecordedReplay, type_: ResourceType, outcome: Outcome, body: JSONObject
) -> Iterator[tuple[Reference, ...]]:
    """Yield what a creation may have left out: as it was closed, or what has come later as well."""
    references = outcome.action.closes
    if not references:
        yield ()
        return
    ids: set[str] = set()
    for address in (Address(name, ref.value) for ref in references for name in ref.to):
        entry = past.mapped.get(address)
        ids |= {entry.id, *entry.aliases.values()} if entry else set()
        ids |= {past.to[address]} if address in past.to else set()
    for later in ((), ids):
        yield closed_references(type_, body, past.catalog, later, references)


def _patch_path(outcome: Outcome) -> str:
    return f"{PATCHES}/{document_path(outcome.action.address)}"


def _key(sent: Sent) -> Key:
    return sent.method, sent.route, sent.path, sent.digest


def _key_of(request: Request) -> Key:
    return request.method, request.route, request.path, request.digest()
