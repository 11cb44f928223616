"""Replays that did not come to their end: what they were asked for, and what they may have left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.core.counterparts import UNREAD
from ddsnap.core.shapes import as_object, text
from ddsnap.flows.journal import record_of
from ddsnap.flows.past_replays import RUN, STATE, replays
from ddsnap.flows.replay_journal import RULES
from ddsnap.flows.snapshot import manifest_of
from ddsnap.flows.takeover import Begun, Unfinished, unfinished
from ddsnap.flows.wishes import Wishes
from ddsnap.store.run_log import log_path, read_events
from ddsnap.store.trees import changed_paths, read_paths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Address, JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

CUT: Final = ("interrupted", "failed")
"""The states of a run that ended before its plan did."""


@dataclass(frozen=True)
class Earlier:
    """The last runs, of which none came to its end: the newest's id, the oldest's snapshot."""

    run: str
    before: str

    def made(self, now: View, catalog: Catalog) -> Collection[Address]:
        """Return what is at the destination since: they may have made it, unrecorded."""
        if now.commit is None or not self.before:
            return ()
        changed = changed_paths(now.repo, self.before, now.commit)
        made = (path for path, old, new in changed if old is None and new and "/" in path)
        documents = (now.document(path, catalog) for path in made)
        then = manifest_of(now.repo, self.before)
        return {
            document.address
            for document in documents
            if document and then.state_of(document.address.type).state not in UNREAD
        }


def earlier(run: Run, source: str) -> Earlier | None:
    """Return the runs from the org ``source`` (its public id) that were cut off, one after another.

    Whatever the first of them made without living to record it is there for all that follow.
    """
    cut: list[tuple[CommitInfo, JSONObject]] = []
    for info, record in _last(run.repo, run.org):
        if _source_of(record) != source:
            continue
        if info.trailer(STATE) not in CUT:
            break
        cut.append((info, record))
    if not cut:
        return None
    return Earlier(cut[0][0].trailer(RUN) or "", str(cut[-1][1].get("before", "")))


def to_resume(repo: Repository, org: str) -> Begun | None:
    """Return what the last replay into ``org`` was asked for, unless it came to its end.

    One whose log is still here did not live to tell that it did, whatever the journal says.
    """
    events = read_events(log_path(repo, org))
    if events and events[0].get("event") == "begin":
        return Unfinished("", events[0], events, here=True).order()  # type: ignore[arg-type]
    open_ = unfinished(repo, org)
    if open_ is not None:
        return open_.order()
    info, record = next(_last(repo, org), (None, {}))
    if info is None or info.trailer(STATE) not in CUT:
        return None
    source, wishes = as_object(record.get("source"), "source"), record.get("options")
    return Begun(
        text(source, "commit"),
        text(source, "revision"),
        Wishes.from_json(wishes if isinstance(wishes, dict) else {}),
        _rules(repo, info.sha),
        "restore" if record.get("kind") == "restore" else "replay",
    )


def _last(repo: Repository, org: str) -> Iterator[tuple[CommitInfo, JSONObject]]:
    """Yield the replays into an org with their records, the newest first."""
    tip = repo.branch(f"journal/{org}")
    for info in replays(repo, tip) if tip else ():
        yield info, record_of(repo, info.sha)


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
