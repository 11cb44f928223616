"""One resource under several ids: every life of it is known from any of them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from ddsnap.core.id_map import Mapped
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.values import Address
from ddsnap.flows.history import lives_of
from ddsnap.flows.id_map import map_files
from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

US1 = OrgIdentity("us1", "abc", "datadoghq.com")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with Repository.init(tmp_path / "backup", {"ddsnap.yaml": b"version: 1\n"}, "Start") as repo:
        yield repo


def lives(repo: Repository, id_: str) -> list[str]:
    return [address.id for address in lives_of(repo, "us1", Address("monitors", id_))]


def write(repo: Repository, files: dict[str, bytes]) -> None:
    with SnapshotWriter(repo, "journal/us1") as writer:
        for path, data in files.items():
            writer.put(path, data)
        time = datetime(2026, 11, 21, tzinfo=timezone.utc)
        writer.commit("run restore us1: 1 created", time=time, always=True)


def mapped(**ids: str) -> dict[str, bytes]:
    entries = {Address("monitors", old): Mapped(new, "created") for old, new in ids.items()}
    return map_files(entries, US1, US1)


def test_a_resource_that_was_restored_twice_has_three_lives(repo: Repository) -> None:
    assert lives(repo, "1") == ["1"]
    write(repo, mapped(a="b", b="c", kept="kept", x="y"))
    for id_ in "abc":
        assert lives(repo, id_) == ["c", "b", "a"]
    assert lives(repo, "kept") == ["kept"]
    assert lives(repo, "y") == ["y", "x"]
    assert lives_of(repo, "us1", Address("dashboards", "a")) == (Address("dashboards", "a"),)


def test_a_circle_in_the_map_ends(repo: Repository) -> None:
    write(repo, mapped(a="b", b="a"))
    assert sorted(lives(repo, "a")) == ["a", "b"]


def test_a_damaged_map_hides_no_history(repo: Repository) -> None:
    write(repo, {"map/us1/monitors.json": b"{"})
    assert lives(repo, "a") == ["a"]
