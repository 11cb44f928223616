"""ORG@TIME: the snapshot in force then, as the journal tells."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from ddsnap.errors import ApiError, StoreError, UsageError
from ddsnap.flows.at_time import parse_moment
from ddsnap.flows.capture import capture
from ddsnap.flows.read_org import Scope
from ddsnap.flows.revisions import find_snapshot
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orgs import Backup

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Etc/GMT-2")  # two hours east
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-11-22T12:00:00"),
        ("yesterday", "2026-11-21T12:00:00"),
        ("2h", "2026-11-22T10:00:00"),
        ("3d", "2026-11-19T12:00:00"),
        ("2026-11-21", "2026-11-20T22:00:00"),
        ("2026-11-21T18:00", "2026-11-21T16:00:00"),
        ("2026-11-21 18:00:30", "2026-11-21T16:00:30"),
        ("2026-11-21T18:00Z", "2026-11-21T18:00:00"),
        ("2026-11-21T18:00:00.5Z", "2026-11-21T18:00:00.500000"),
        ("2026-11-21T18:00+0100", "2026-11-21T17:00:00"),
        ("2026-11-21T18:00-03:30", "2026-11-21T21:30:00"),
    ],
)
def test_times_are_read(zone: None, text: str, moment: str) -> None:
    expected = datetime.fromisoformat(f"{moment}+00:00")
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-13-01", "2026-11-21T25:00", "2026", "0h", "-2h", "9" * 20 + "d"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_moment(text, NOW)


@contextmanager
def at(backup: Backup, moment: datetime) -> Iterator[None]:
    """Capture as if it were another time."""
    with backup.run() as run:
        capture(replace(run, clock=lambda: moment), Scope(backup.catalog.names, full=True))
    yield


def found(backup: Backup, when: str) -> str:
    with Repository.open(backup.folder) as repo:
        return find_snapshot(repo, f"new@{when}", NOW).commit


def test_the_snapshot_in_force_then(empty: Backup) -> None:
    org, commits = empty.org, []
    for number, days in enumerate((5, 4, 2)):
        if number != 1:
            org.grow(number, 10)
        with at(empty, NOW - timedelta(days=days)):
            commits.append(empty.git("rev-parse", empty.branch).strip())
    assert commits[0] == commits[1] != commits[2]
    assert found(empty, "now") == commits[2]
    assert found(empty, "2d") == commits[2]
    assert found(empty, "49h") == commits[0]
    assert found(empty, "3d") == commits[0]
    assert found(empty, "5d") == commits[0]
    with pytest.raises(StoreError, match="new has no snapshot of 2026-11-16") as caught:
        found(empty, "6d")
    assert "ddsnap log new" in caught.value.hint


def test_a_failed_run_leaves_the_snapshot_in_force(empty: Backup) -> None:
    with at(empty, NOW - timedelta(days=2)):
        first = empty.git("rev-parse", empty.branch).strip()
    wrong = SimpleNamespace(name="new", api_key="wrong", app_key="wrong")
    locked_out = replace(empty, org=wrong)  # type: ignore[arg-type]
    with pytest.raises(ApiError), at(locked_out, NOW - timedelta(days=1)):
        pass
    assert empty.count("journal/new") == 2
    assert found(empty, "1h") == first


def test_without_a_journal_the_commits_tell(empty: Backup) -> None:
    with at(empty, NOW - timedelta(days=2)):
        first = empty.git("rev-parse", empty.branch).strip()
    empty.git("branch", "-D", "journal/new")
    assert found(empty, "1d") == first
    with pytest.raises(StoreError, match="has no snapshot"):
        found(empty, "3d")


def test_an_unknown_org_and_a_word_of_git(empty: Backup) -> None:
    with at(empty, NOW), Repository.open(empty.folder) as repo:
        with pytest.raises(UsageError, match="names neither an org"):
            find_snapshot(repo, "other@yesterday", NOW)
        with pytest.raises(UsageError, match="'noon' is no time"):
            find_snapshot(repo, "new@noon", NOW)
        with pytest.raises(UsageError, match="new@2090-01-01 is yet to come"):
            find_snapshot(repo, "new@2090-01-01", NOW)
