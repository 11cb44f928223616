"""``ORG@TIME``: the snapshot that was in force at a time, by the journal of the org's runs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ddsnap.config import seconds
from ddsnap.core.fields import value_at
from ddsnap.errors import StoreError, UsageError
from ddsnap.flows.journal import parse_time, record_of
from ddsnap.store.history import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

_NAMED: Final = {"now": timedelta(0), "yesterday": timedelta(days=1)}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(rf"{_DATE.pattern}[T ]\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?(Z|[+-]\d\d:?\d\d)?")
_SLACK: Final = 600
"""Seconds that a run may have taken to publish what it had finished."""


def parse_moment(text: str, now: datetime) -> datetime:
    """Read a time: a date (its first moment), date and time, ``yesterday``, or ``2h`` ago.

    Without a zone it is local time. Raises ``UsageError``.
    """
    if text in _NAMED:
        return now - _NAMED[text]
    try:
        if _DATE.fullmatch(text) or _TIME.fullmatch(text):
            # Python 3.10 knows neither Z nor zones without a colon, nor fractions of any length.
            return datetime.fromisoformat(_spelled(text)).astimezone()
        return now - timedelta(seconds=seconds(text))
    except (ValueError, OverflowError):
        raise UsageError(
            f"'{text}' is no time",
            "write 2026-11-21, 2026-11-21T18:00 (local, or with a zone), yesterday, 2h or 3d",
        ) from None


def snapshot_at(repo: Repository, org: str, moment: datetime) -> str:
    """Return the snapshot of an org that was in force at a time; ``StoreError`` for none."""
    journal, snapshots = repo.branch(f"journal/{org}"), repo.branch(f"snapshots/{org}")
    found = _by_journal(repo, journal, moment) if journal else None
    if found is None and snapshots:  # the journal may be younger than the snapshots
        times = (info.sha for info in log(repo, snapshots) if info.when <= moment)
        found = next(times, None)
    if found is None:
        raise StoreError(
            f"{org} has no snapshot of {moment.isoformat(timespec='minutes')} or before",
            f"`ddsnap log {org}` lists those there are; a shallow clone may lack the older ones",
        )
    return found


def _by_journal(repo: Repository, tip: str, moment: datetime) -> str | None:
    for info in _recorded_by(repo, tip, moment):
        record = record_of(repo, info.sha)
        commit, finished = value_at(record, "snapshot.commit"), parse_time(record.get("finished"))
        if isinstance(commit, str) and finished and finished <= moment:
            return commit
    return None


def _recorded_by(repo: Repository, tip: str, moment: datetime) -> Iterator[CommitInfo]:
    latest = moment.timestamp() + _SLACK
    yield from (info for info in log(repo, tip) if info.time <= latest)


def _spelled(text: str) -> str:
    text = (
        re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.replace("Z", "+00:00")) if ":" in text else text
    )
    return re.sub(r"\.(\d+)", lambda found: f".{found[1]:0<6}", text)
