"""Runs that are one: a replay that did not come to its end, and those that went on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.fields import value_at
from ddsnap.flows.journal import record_of
from ddsnap.flows.past_replays import RUN, replays
from ddsnap.flows.takeover import unfinished

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.store.repository import Repository

_CUT: Final = ("interrupted", "failed")


def chain(repo: Repository, org: str, run: str) -> list[str]:
    """Return the runs into an org that are one with a run, the oldest first.

    Each was asked for the same as the one that it resumed. One may not have ended yet.
    """
    return _chain(_told(repo, org), run)


def followers(repo: Repository, org: str, runs: Collection[str]) -> list[str]:
    """Return the runs that went on with one of these, and were asked for something else."""
    told = _told(repo, org)
    return [
        one for one, record in told.items() if record.get("resumes") in runs and one not in runs
    ]


def _told(repo: Repository, org: str) -> dict[str, JSONObject]:
    """Return the records of the replays into an org, the newest first."""
    told: dict[str, JSONObject] = {}
    left, tip = unfinished(repo, org), repo.branch(f"journal/{org}")
    if left is not None:
        told[left.run] = left.begun
    for info in replays(repo, tip) if tip else ():
        told.setdefault(info.trailer(RUN) or "", record_of(repo, info.sha))
    return told


def _chain(told: Mapping[str, JSONObject], run: str) -> list[str]:
    before = {one: str(record.get("resumes") or "") for one, record in told.items()}
    before = {one: other for one, other in before.items() if _goes_on(told, one, other)}
    after = {other: one for one, other in before.items()}
    found = [run]
    while found[0] in before:
        found.insert(0, before[found[0]])
    while found[-1] in after:
        found.append(after[found[-1]])
    return found


def _goes_on(told: Mapping[str, JSONObject], run: str, before: str) -> bool:
    """Whether a run did what another one was asked for, and had not done to its end."""
    if before not in told or told[before].get("state") not in _CUT:
        return False
    return _asked(told[run]) == _asked(told[before])


def _asked(record: JSONObject) -> tuple[JSON, ...]:
    """What a run was asked for, by its record or by how its log begins."""
    resume = record.get("resume")
    options = resume.get("wishes") if isinstance(resume, dict) else record.get("options")
    wishes = dict(options) if isinstance(options, dict) else {}
    wishes.pop("strict", None)
    return record.get("kind"), value_at(record, "source.commit"), wishes
