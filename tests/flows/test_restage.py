"""Journals that two runs wrote at once: maps are united, and one id never gets two meanings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core import canonical
from ddsnap.errors import ExitCode, Refused
from ddsnap.flows.restage import restage, unite
from ddsnap.store.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from orgs import Backup

    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.run import Run

PATH = "map/us1/monitors.json"
OTHER = "map/us1/dashboards.json"


def entry(id_: str, seen: str = "s") -> JSONObject:
    return {"id": id_, "origin": "created", "aliases": {}, "intended": "", "seen": seen}


def file(ids: JSONObject, **head: JSON) -> JSONObject:
    """A file of the map; of nothing, none."""
    return {"format": 1, "from": "abc", "to": "def", **head, "ids": ids} if ids else {}


def test_what_either_side_adds_changes_or_removes_counts() -> None:
    base: JSONObject = {
        "kept": entry("1"),
        "ours": entry("2"),
        "theirs": entry("3"),
        "out": entry("4"),
    }
    ours: JSONObject = {**base, "ours": entry("2", "new"), "added": entry("5")}
    theirs: JSONObject = {**base, "theirs": entry("3", "new"), "more": entry("6")}
    del ours["out"]
    assert unite(file(base), file(ours), file(theirs), PATH) == file(
        {
            "kept": entry("1"),
            "ours": entry("2", "new"),
            "theirs": entry("3", "new"),
            "added": entry("5"),
            "more": entry("6"),
        }
    )


def test_a_file_goes_with_its_last_entry_and_comes_with_its_first() -> None:
    one = file({"a": entry("1")})
    assert unite(one, {}, one, PATH) == {}
    assert unite(one, one, {}, PATH) == {}
    assert unite({}, one, {}, PATH) == one
    assert unite({}, {}, one, PATH) == one


def test_an_id_may_be_called_id() -> None:
    ours, theirs = file({"id": entry("1")}), file({"ids": entry("2")})
    assert unite({}, ours, theirs, PATH) == file({"id": entry("1"), "ids": entry("2")})


def test_maps_of_different_orgs_are_not_united() -> None:
    with pytest.raises(Refused, match="from is abc by this run, and xyz"):
        unite({}, file({"a": entry("1")}), file({"b": entry("2")}, **{"from": "xyz"}), PATH)


def test_one_source_with_two_destinations_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        unite({}, file({"7": entry("1")}), file({"7": entry("2")}), PATH)
    assert caught.value.code == ExitCode.REFUSED
    assert caught.value.message == f"{PATH}: 7 is 1 by this run, and 2 by one that was faster"


IDS = st.dictionaries(st.sampled_from("abcde"), st.sampled_from("123").map(entry))


@settings(max_examples=200, deadline=None)
@given(IDS, IDS, IDS)
def test_nothing_that_one_side_left_alone_is_lost(base: Any, ours: Any, theirs: Any) -> None:
    try:
        whole = unite(file(base), file(ours), file(theirs), PATH)
    except Refused:
        both = base.keys() | ours.keys() | theirs.keys()
        assert any(name in ours and name in theirs and ours[name] != theirs[name] for name in both)
        return
    united: Any = whole.get("ids", {})
    for name in base.keys() | ours.keys() | theirs.keys():
        one, other = ours.get(name), theirs.get(name)
        if one == other or other == base.get(name):
            assert united.get(name) == one
        elif one == base.get(name):
            assert united.get(name) == other
    assert unite(file(base), file(theirs), file(ours), PATH) == whole


def write(run: Run, files: dict[str, JSONObject], *parents: str) -> str:
    """Move the journal as a replay would."""
    with SnapshotWriter(run.repo, run.journal) as writer:
        for path, body in files.items():
            writer.put(path, canonical.encode(body))
        return writer.commit("run replay\n\nDdsnap-Run: x", time=run.clock(), parents=parents) or ""


def test_a_run_is_recorded_on_top_of_a_faster_one(empty: Backup) -> None:
    snapshot = empty.capture().commit or ""
    with empty.run() as run:
        base = write(run, {"run.json": {"run": "0"}, PATH: file({"1": entry("a")})})
        ours = write(
            run,
            {
                "run.json": {"run": "ours"},
                "patches/monitors/2.json": {},
                PATH: file({"1": entry("a"), "2": entry("b")}),
                OTHER: file({"9": entry("z")}),
            },
            snapshot,
        )
        empty.git("branch", "-f", "journal/new", base)
        theirs = write(
            run,
            {
                "run.json": {"run": "theirs"},
                "patches/monitors/3.json": {},
                PATH: file({"1": entry("a"), "3": entry("c")}),
            },
        )
        again = restage(run, ours, base)
        shown = empty.git("ls-tree", "-r", "--name-only", again).split()
        assert shown == [OTHER, PATH, "patches/monitors/2.json", "run.json"]
        united = json.loads(empty.git("show", f"{again}:{PATH}"))
        assert united == file({"1": entry("a"), "2": entry("b"), "3": entry("c")})
        assert json.loads(empty.git("show", f"{again}:run.json")) == {"run": "ours"}
        assert empty.git("log", "-1", "--format=%P", again).split() == [theirs, snapshot]
        assert empty.git("log", "-1", "--format=%B", again) == empty.git(
            "log", "-1", "--format=%B", ours
        )
        write(run, {"run.json": {"run": "bad"}, PATH: file({"2": entry("other")})})
        with pytest.raises(Refused, match="2 is b by this run, and other"):
            restage(run, ours, base)
