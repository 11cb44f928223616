"""The map of ids: read back as it was written, or refused; never taken for empty."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core import canonical
from ddsnap.core.id_map import Mapped
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.values import Address
from ddsnap.errors import Damaged, ExitCode, Refused
from ddsnap.flows.id_map import checked_map, entries_of, map_files, read_map, updated
from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

US1 = OrgIdentity("us1", "abc123", "datadoghq.com")
EU1 = OrgIdentity("eu1", "def456", "datadoghq.eu")
PATH = "map/us1/monitors.json"
MONITOR = Address("monitors", "12")
WHOLE = {
    MONITOR: Mapped("99", "created", {}, "ab" * 32, "cd" * 32),
    Address("monitors", "13"): Mapped("100", "adopted"),
    Address("synthetics_tests", "a-b-c"): Mapped("x-y-z", "created", {"/monitor_id": "7"}),
    Address("roles", "ids"): Mapped("id", "adopted"),
}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with Repository.init(tmp_path / "backup", {"ddsnap.yaml": b"version: 1\n"}, "Start") as repo:
        yield repo


def write(repo: Repository, files: dict[str, bytes]) -> str:
    with SnapshotWriter(repo, "journal/eu1") as writer:
        for path, data in files.items():
            writer.put(path, data)
        time = datetime(2026, 11, 21, tzinfo=timezone.utc)
        return writer.commit("run replay", time=time, always=True) or ""


def test_a_map_is_read_back_as_it_was_written(repo: Repository) -> None:
    files = map_files(WHOLE, US1, EU1)
    assert sorted(files) == [
        "map/us1/monitors.json",
        "map/us1/roles.json",
        "map/us1/synthetics_tests.json",
    ]
    other = map_files({MONITOR: Mapped("1", "created")}, OrgIdentity("ap1", "ggg", ""), EU1)
    tip = write(repo, files | other)
    assert read_map(repo, tip, US1, EU1) == WHOLE
    assert json.loads(files[PATH]) == {
        "format": 1,
        "from": "abc123",
        "to": "def456",
        "ids": {
            "12": {
                "id": "99",
                "origin": "created",
                "aliases": {},
                "intended": "ab" * 32,
                "seen": "cd" * 32,
            },
            "13": {"id": "100", "origin": "adopted", "aliases": {}, "intended": "", "seen": ""},
        },
    }


def test_where_nothing_was_replayed_the_map_is_empty(repo: Repository) -> None:
    assert read_map(repo, None, US1, EU1) == {}
    tip = write(repo, {"run.json": b"{}\n"})
    assert read_map(repo, tip, US1, EU1) == {}
    assert map_files({}, US1, EU1) == {}


def test_entries_are_added_replaced_and_removed() -> None:
    newer = Mapped("101", "created")
    gone = Address("roles", "ids")
    after = updated(WHOLE, {MONITOR: newer, Address("slos", "1"): newer}, [gone])
    assert after == {
        **{a: e for a, e in WHOLE.items() if a != gone},
        MONITOR: newer,
        Address("slos", "1"): newer,
    }
    assert WHOLE[MONITOR].id == "99"


GOOD = map_files({MONITOR: WHOLE[MONITOR]}, US1, EU1)[PATH]


def changed(**members: Any) -> bytes:
    return canonical.encode({**json.loads(GOOD), **members})


def entry(**members: Any) -> bytes:
    told = {"id": "9", "origin": "created", "aliases": {}, "intended": "", "seen": "", **members}
    return changed(ids={"12": {k: v for k, v in told.items() if v is not ...}})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GOOD[: len(GOOD) // 2], ""),
        (GOOD[:-1], "it is not in canonical form"),
        (b"", ""),
        (b"<<<<<<< HEAD\n", ""),
        (GOOD.replace(b"  ", b" "), "it is not in canonical form"),
        (b"[]\n", "it is no object"),
        (b"{}\n", "its format is no number"),
        (changed(format="1"), "its format is no number"),
        (changed(format=0), "there is no format 0"),
        (changed(more=1), "it has an unknown member 'more'"),
        (changed(to=None), "its to is no text"),
        (changed(ids=[]), "its ids is no object"),
        (changed(ids={"12": "99"}), "its 12 is no object"),
        (entry(id=99), "of '12', its id is no text"),
        (entry(id=""), "of '12', its id is empty"),
        (entry(seen=...), "of '12', it has no seen"),
        (entry(origin="found"), "of '12', its origin is none of 'created', 'adopted'"),
        (entry(aliases=[]), "of '12', aliases is no object"),
        (entry(aliases={"/a": 1}), "of '12', its /a is no text"),
    ],
)
def test_a_file_that_ddsnap_did_not_write_stops_the_run(
    repo: Repository, data: bytes, reason: str
) -> None:
    tip = write(repo, {PATH: data})
    with pytest.raises(Damaged) as caught:
        read_map(repo, tip, US1, EU1)
    error = caught.value
    assert error.message.startswith(f"{PATH} in journal/eu1 at {tip[:12]} is damaged: {reason}")
    assert f"`git log journal/eu1 -- {PATH}`" in error.hint
    assert "git branch -f journal/eu1 COMMIT" in error.hint
    assert error.code == ExitCode.FAILED


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1))
def test_wherever_a_file_is_cut_it_is_damaged(length: int) -> None:
    with pytest.raises(Damaged):
        checked_map(GOOD[:length], PATH, "c" * 40, "journal/eu1")


def test_a_map_of_another_pair_is_refused(repo: Repository) -> None:
    tip = write(repo, map_files(WHOLE, US1, EU1))
    with pytest.raises(Refused) as caught:
        read_map(repo, tip, OrgIdentity("us1", "zzz", ""), EU1)
    assert caught.value.code == ExitCode.REFUSED
    assert "maps ids from org abc123, but us1 is org zzz" in caught.value.message
    with pytest.raises(Refused, match="maps ids to org def456, but eu1 is org yyy"):
        read_map(repo, tip, US1, OrgIdentity("eu1", "yyy", ""))


def test_a_newer_format_is_refused_whatever_it_holds(repo: Repository) -> None:
    tip = write(repo, {PATH: b'{"format": 2, "ids": []}'})
    with pytest.raises(Refused, match="format 2 of maps; this ddsnap reads 1") as caught:
        read_map(repo, tip, US1, EU1)
    assert "install that version" in caught.value.hint


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
MAPPED = st.builds(
    Mapped,
    TEXT.filter(bool),
    st.sampled_from(["created", "adopted"]),
    st.dictionaries(TEXT, TEXT, max_size=2),
    TEXT,
    TEXT,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXT, MAPPED, min_size=1, max_size=4))
def test_any_map_survives_its_file(ids: dict[str, Mapped]) -> None:
    files = map_files({Address("monitors", id_): e for id_, e in ids.items()}, US1, EU1)
    body = checked_map(files[PATH], PATH, "c" * 40, "journal/eu1")
    assert entries_of(body) == ids
