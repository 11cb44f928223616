"""Replays that did not come to their end: what they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.shapes import as_object, text
from ddsnap.flows.past_replays import CUT, STATE, last_replays
from ddsnap.flows.replay_journal import RULES
from ddsnap.flows.takeover import Begun, Unfinished, approved_by, in_order, unfinished
from ddsnap.flows.wishes import Wishes
from ddsnap.store.run_log import log_path, read_events
from ddsnap.store.trees import read_paths

if TYPE_CHECKING:
    from collections.abc import Collection

    from ddsnap.store.repository import Repository


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
    info, record = next(last_replays(repo, org), (None, {}))
    if info is None or info.trailer(STATE) not in states:
        return None
    source, wishes = as_object(record.get("source"), "source"), record.get("options")
    return Begun(
        text(source, "commit"),
        text(source, "revision"),
        Wishes.from_json(wishes if isinstance(wishes, dict) else {}),
        in_order(_rules(repo, info.sha), record),
        "restore" if record.get("kind") == "restore" else "replay",
        approved_by(record),
    )


def _rules(repo: Repository, commit: str) -> dict[str, str]:
    """Return the texts of the rules that a run applied, by name."""
    found = {}
    for path in read_paths(repo, commit):
        folder, _, name = path.rpartition("/")
        if folder == RULES:
            found[name.removesuffix(".yaml")] = (repo.read_file(commit, path) or b"").decode()
    return found
