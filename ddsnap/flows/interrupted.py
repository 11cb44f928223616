"""Replays that did not come to their end: what they were asked for, and what they may have left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core.counterparts import UNREAD
from ddsnap.core.match import covers, natural_key, portable
from ddsnap.core.normalize import title_of
from ddsnap.core.outcomes import read_outcomes
from ddsnap.core.references import find_references, rewrite
from ddsnap.core.requests import leave_out
from ddsnap.core.shapes import as_object, text
from ddsnap.core.values import Address
from ddsnap.core.written import timely
from ddsnap.errors import Damaged
from ddsnap.flows.journal import record_of
from ddsnap.flows.past_replays import RUN, STATE, replays
from ddsnap.flows.replay_journal import OUTCOMES, RULES
from ddsnap.flows.snapshot import manifest_of
from ddsnap.flows.takeover import Begun, Unfinished, approved_by, unfinished
from ddsnap.flows.wishes import Wishes
from ddsnap.store.run_log import log_path, read_events
from ddsnap.store.trees import changed_paths, read_paths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.outcomes import Sent
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Document, JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

CUT: Final = ("interrupted", "failed")
"""The states of a run that ended before its plan did."""


@dataclass(frozen=True)
class Earlier:
    """The last runs that left something open: the newest's id, the oldest's snapshot."""

    run: str
    before: str

    def made(self, now: View, catalog: Catalog) -> list[Document]:
        """Return what is at the destination since: they may have made it, unrecorded."""
        if now.commit is None or not self.before:
            return []
        changed = changed_paths(now.repo, self.before, now.commit)
        made = (path for path, old, new in changed if old is None and new and "/" in path)
        documents = (now.document(path, catalog) for path in made)
        then = manifest_of(now.repo, self.before)
        return [
            document
            for document in documents
            if document and then.state_of(document.address.type).state not in UNREAD
        ]


def recognized(
    made: Iterable[Document],
    wanted: Iterable[Document],
    id_map: IdMap,
    catalog: Catalog,
    now: datetime,
) -> dict[Address, str]:
    """Return whose counterparts those are that no plan finds again: by all that was sent."""
    taken = {Address(address.type, mapped.id) for address, mapped in id_map.items()}
    free = [one for one in made if one.address not in taken and _elusive(one, catalog)]
    types = {one.address.type for one in free}
    found: dict[Address, str] = {}
    for document in wanted:
        address = document.address
        if address.type not in types or address in id_map or not _elusive(document, catalog):
            continue
        sent = _as_sent(document, id_map, catalog, now)
        type_ = catalog[address.type]
        fits = (
            there
            for there in free
            if there.address.type == address.type and covers(portable(type_, there.body), sent)
        )
        there = next(fits, None)
        if there is not None:
            free.remove(there)
            found[address] = there.address.id
    return found


def _elusive(document: Document, catalog: Catalog) -> bool:
    """Whether no plan finds it again: it has no name, or the time when it was written is in it."""
    type_ = catalog[document.address.type]
    named = title_of(type_, document.body) or natural_key(type_, document.body) is not None
    return type_.timely is not None or not (named or type_.constant_id)


def _as_sent(document: Document, id_map: IdMap, catalog: Catalog, now: datetime) -> JSONObject:
    """Return the document as it was sent, without the ids that are not known."""
    type_ = catalog[document.address.type]
    references = find_references(document.body, type_, catalog)

    def there(reference: Reference) -> str | None:
        known = (id_map.get(Address(name, reference.value)) for name in reference.to)
        return next((mapped.id for mapped in known if mapped), None)

    body = rewrite(portable(type_, document.body), references, there)
    # What a text says then, nobody can tell: it is left out as a whole.
    unknown = [replace(one, span=None) for one in references if there(one) is None]
    return timely(type_, leave_out(type_, body, unknown), None, now)


def earlier(run: Run, source: str) -> Earlier | None:
    """Return the last runs from the org ``source`` (its public id), none of which is settled.

    Each was cut off, or could not find out what it had made: whatever that is, is there for all
    that follow.
    """
    cut: list[tuple[CommitInfo, JSONObject]] = []
    for info, record in _last(run.repo, run.org):
        if _source_of(record) != source:
            continue
        nothing_sent = bool(record.get("basis"))
        if not (info.trailer(STATE) in CUT or (not nothing_sent and _lost(run.repo, info))):
            break
        cut.append((info, record))
    if not cut:
        return None
    return Earlier(cut[0][0].trailer(RUN) or "", str(cut[-1][1].get("before", "")))


def to_resume(repo: Repository, org: str) -> Begun | None:
    """Return what the last replay into ``org`` was asked for, unless it came to its end.

    One whose log is still here did not live to tell that it did, whatever the journal says.
    """
    return _last_open(repo, org, CUT)


def to_repeat(repo: Repository, org: str) -> Begun | None:
    """Return what the last replay into ``org`` was asked for, unless it did all of it."""
    return _last_open(repo, org, (*CUT, "partial"))


def _last_open(repo: Repository, org: str, states: Collection[str]) -> Begun | None:
    events = read_events(log_path(repo, org))
    if events and events[0].get("event") == "begin":
        return Unfinished("", events[0], events, here=True).order()  # type: ignore[arg-type]
    open_ = unfinished(repo, org)
    if open_ is not None:
        return open_.order()
    info, record = next(_last(repo, org), (None, {}))
    if info is None or info.trailer(STATE) not in states:
        return None
    source, wishes = as_object(record.get("source"), "source"), record.get("options")
    return Begun(
        text(source, "commit"),
        text(source, "revision"),
        Wishes.from_json(wishes if isinstance(wishes, dict) else {}),
        _rules(repo, info.sha),
        "restore" if record.get("kind") == "restore" else "replay",
        approved_by(record),
    )


def _last(repo: Repository, org: str) -> Iterator[tuple[CommitInfo, JSONObject]]:
    """Yield the replays into an org with their records, the newest first."""
    tip = repo.branch(f"journal/{org}")
    for info in replays(repo, tip) if tip else ():
        yield info, record_of(repo, info.sha)


def _lost(repo: Repository, info: CommitInfo) -> bool:
    """Whether a run that ended could not find out what became of a creation."""
    if info.trailer(STATE) != "partial":
        return False
    try:
        outcomes = list(read_outcomes(repo.read_file(info.sha, OUTCOMES) or b""))
    except Damaged:
        return False
    return any(
        outcome.action.kind == "create"
        and not outcome.to
        and any(_unanswered(sent) for sent in outcome.requests)
        for outcome in outcomes
    )


def _unanswered(sent: Sent) -> bool:
    return sent.purpose == "create" and not 300 <= sent.status < 500


def _source_of(record: JSONObject) -> str:
    source = record.get("source")
    return str(source.get("public_id")) if isinstance(source, dict) else ""


def _rules(repo: Repository, commit: str) -> dict[str, str]:
    """Return the texts of the rules that a run applied, by name."""
    found = {}
    for path in read_paths(repo, commit):
        folder, _, name = path.rpartition("/")
        if folder == RULES:
            found[name.removesuffix(".yaml")] = (repo.read_file(commit, path) or b"").decode()
    return found
