"""Journals that somebody rewrote with plain git: ``verify`` finds what cannot have been so."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from pairs import Pair, note, pair, probe

from ddsnap.core import canonical
from ddsnap.core.audit import intended_body
from ddsnap.core.outcomes import write_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OUTCOMES, RECORD, MAP = "outcomes.ndjson", "run.json", "map/us1/dashboards.json"
UNMUTE = ("migration", "unmute")


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        made.board = made.us1.dashboard("Board", note("x"))
        made.us1.monitor("load")
        made.replay()
        assert made.run("verify").code == 0
        yield made


def forge(orgs: Pair, rules: bytes = b"", **changes: Callable[[Any], Any] | None) -> None:
    """Write the tip of eu1's journal anew, under the same parents and with the same message.

    Files are named by the end of their paths, without what follows the dot; ``None`` removes one.
    ``rules`` is what the only rule is to say.
    """
    paths = orgs.git("ls-tree", "-r", "--name-only", "journal/eu1").split()
    index = {"GIT_INDEX_FILE": str(orgs.path / ".git" / "forged")}
    git(orgs, index, "read-tree", "journal/eu1")
    for name, change in changes.items():
        path = next(one for one in paths if one.rpartition("/")[2].partition(".")[0] == name)
        if change is None:
            git(orgs, index, "update-index", "--force-remove", path)
            continue
        data = orgs.git("show", f"journal/eu1:{path}")
        lines = path.endswith(".ndjson")
        body = [json.loads(one) for one in data.splitlines()] if lines else json.loads(data)
        body = change(body) or body
        new = b"".join(map(write_line, body)) if lines else canonical.encode(body)
        sha = git(orgs, {}, "hash-object", "-w", "--stdin", data=new)
        git(orgs, index, "update-index", "--add", "--cacheinfo", f"100644,{sha},{path}")
    for path in (one for one in paths if rules and one.startswith("rules/")):
        sha = git(orgs, {}, "hash-object", "-w", "--stdin", data=rules)
        git(orgs, index, "update-index", "--cacheinfo", f"100644,{sha},{path}")
    tree = git(orgs, index, "write-tree")
    parents = orgs.git("log", "-1", "--format=%P", "journal/eu1").split()
    message = orgs.git("log", "-1", "--format=%B", "journal/eu1").encode()
    words = [word for parent in parents for word in ("-p", parent)]
    commit = git(orgs, {}, "commit-tree", tree, *words, data=message)
    git(orgs, {}, "update-ref", "refs/heads/journal/eu1", commit)


def git(orgs: Pair, env: dict[str, str], *words: str, data: bytes = b"") -> str:
    names = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    command = ["git", "-C", str(orgs.path), *words]
    every = {**os.environ, **names, **env}
    ran = subprocess.run(command, check=True, capture_output=True, input=data, env=every)
    return ran.stdout.decode().strip()


def of_board(lines: list[Any]) -> Any:
    return next(line for line in lines if line["title"] == "Board")


def found(orgs: Pair) -> str:
    said = orgs.run("verify", "eu1")
    assert said.code == 1, said.out
    return said.out


def test_a_creation_without_its_requests(orgs: Pair) -> None:
    forge(orgs, outcomes=lambda lines: of_board(lines).update(requests=[]))
    out = found(orgs)
    assert f"dashboards/{orgs.board} was made, and no request made it" in out
    assert f"nothing was sent to dashboards/{orgs.board}, and yet it was written" in out


def test_a_creation_without_requests_and_patch(orgs: Pair) -> None:
    forge(orgs, outcomes=lambda lines: of_board(lines).update(requests=[]), **{orgs.board: None})
    assert "no request made it" in found(orgs)


def test_an_outcome_that_was_taken_out_with_its_count_and_patch(orgs: Pair) -> None:
    def fewer(record: Any) -> None:
        record["counts"]["created"] -= 1

    forge(
        orgs,
        outcomes=lambda lines: [line for line in lines if line["title"] != "Board"],
        run=fewer,
        **{orgs.board: None},
    )
    assert f"no outcome tells why dashboards/{orgs.board} is mapped to" in found(orgs)


def test_another_id_in_the_map_and_the_outcome(orgs: Pair) -> None:
    other = orgs.eu1.dashboard("Of somebody else")
    orgs.run("-q", "capture", "eu1")
    forge(orgs, dashboards=lambda body: body["ids"][orgs.board].update(id=other))
    assert "it differs from the run's before, and no replay changed it" in found(orgs)


def test_another_id_told_by_the_replay_itself(orgs: Pair) -> None:
    forge(
        orgs,
        dashboards=lambda body: body["ids"][orgs.board].update(id="aaa-bbb-ccc"),
        outcomes=lambda lines: of_board(lines).update(to="aaa-bbb-ccc"),
    )
    assert "what was seen of it is not in the snapshot after" in found(orgs)


def test_what_was_read_back(orgs: Pair) -> None:
    forge(orgs, dashboards=lambda body: body["ids"][orgs.board].update(seen="0" * 64))
    assert "what was seen of it is not in the snapshot after" in found(orgs)


def test_what_was_found_told_as_made(orgs: Pair) -> None:
    orgs.us1.dashboard("Second")
    orgs.eu1.dashboard("Second")
    orgs.replay()
    (second,) = orgs.ids("dashboards").keys() - {orgs.board}
    forge(orgs, dashboards=lambda body: body["ids"][second].update(origin="created"))
    assert f"no outcome tells that dashboards/{second} was created" in found(orgs)


def test_what_was_made_told_as_found(orgs: Pair) -> None:
    forge(orgs, dashboards=lambda body: body["ids"][orgs.board].update(origin="adopted"))
    assert f"no outcome tells that dashboards/{orgs.board} was adopted" in found(orgs)


def test_the_monitor_of_another_test(orgs: Pair) -> None:
    test = orgs.us1.post("/api/v1/synthetics/tests/api", probe("ping"))["public_id"]
    orgs.replay()
    forge(
        orgs,
        synthetics_tests=lambda body: body["ids"][test]["aliases"].update({"/monitor_id": "7"}),
    )
    assert "its other ids are not those in the snapshot after" in found(orgs)


def test_an_update_without_its_requests_and_patch(orgs: Pair) -> None:
    orgs.us1.put(
        f"/api/v1/dashboard/{orgs.board}",
        {"title": "Board", "layout_type": "ordered", "widgets": [{"definition": note("y")}]},
    )
    orgs.replay()
    forge(orgs, outcomes=lambda lines: of_board(lines).update(requests=[]), **{orgs.board: None})
    assert f"dashboards/{orgs.board} was updated, and no request did it" in found(orgs)


def test_what_was_intended(orgs: Pair) -> None:
    forge(orgs, dashboards=lambda body: body["ids"][orgs.board].update(intended="0" * 64))
    assert f"dashboards/{orgs.board}: what the map calls intended was not" in found(orgs)


def test_a_patch_that_is_said_to_have_held_a_secret(orgs: Pair) -> None:
    path = f"patches/dashboards/{orgs.board}.json"
    forge(
        orgs,
        run=lambda record: record.update(masked=[path]),
        **{orgs.board: lambda patch: [*patch, {"op": "add", "path": "/title", "value": "Other"}]},
    )
    assert "does not follow from the snapshots and the patch" in found(orgs)


def test_another_rule_than_the_one_that_applied(orgs: Pair) -> None:
    folder = orgs.path / "transforms"
    folder.mkdir()
    (folder / "tag.yaml").write_text("match: {types: [monitors]}\nadd_tags: ['a:b']\n")
    monitor = orgs.us1.monitor("tagged")
    orgs.replay("--allow-unmatched")
    assert orgs.run("verify").code == 0
    forge(orgs, rules=b"match: {types: [monitors]}\nadd_tags: ['c:d']\n")
    assert f"it is not what the rules make of monitors/{monitor}" in found(orgs)


def test_another_patch_with_the_digest_of_its_request(orgs: Pair) -> None:
    other = {"op": "add", "path": "/title", "value": "Other"}
    patch = json.loads(orgs.git("show", f"journal/eu1:patches/dashboards/{orgs.board}.json"))
    digest = canonical.digest(intended_body({}, [*patch, other]))

    def sent(lines: list[Any]) -> None:
        of_board(lines)["requests"][0]["digest"] = digest

    forge(
        orgs,
        outcomes=sent,
        dashboards=lambda body: body["ids"][orgs.board].update(intended=digest),
        **{orgs.board: lambda operations: [*operations, other]},
    )
    assert f"it is not what the rules make of dashboards/{orgs.board}" in found(orgs)


@pytest.mark.parametrize(
    "change",
    [{"kind": "capture"}, {"kind": "restore"}, {"undoes": "x"}, {"options": {"unmute": True}}],
)
def test_a_replay_told_as_another_kind_of_run(orgs: Pair, change: dict[str, Any]) -> None:
    forge(
        orgs,
        run=lambda record: record.update(change),
        dashboards=lambda body: body["ids"][orgs.board].update(origin="adopted", seen=""),
    )
    assert "its kind is not that of the commit" in found(orgs)


def test_a_run_that_failed_told_as_done(orgs: Pair) -> None:
    def refused(lines: list[Any]) -> None:
        of_board(lines)["requests"][0]["status"] = 400

    forge(orgs, outcomes=refused)
    assert "no request made it" in found(orgs)


def test_a_replay_that_was_taken_out_of_the_history(orgs: Pair) -> None:
    orgs.us1.dashboard("Second")
    orgs.replay()
    (middle, *_) = orgs.git("log", "-1", "--format=%P", "journal/eu1").split()
    (before, *_) = orgs.git("log", "-1", "--format=%P", middle).split()
    tip = orgs.git("rev-parse", "journal/eu1").strip()
    others = orgs.git("log", "-1", "--format=%P", "journal/eu1").split()[1:]
    words = [word for parent in (before, *others) for word in ("-p", parent)]
    message = orgs.git("log", "-1", "--format=%B", tip).encode()
    commit = git(orgs, {}, "commit-tree", f"{tip}^{{tree}}", *words, data=message)
    git(orgs, {}, "update-ref", "refs/heads/journal/eu1", commit)
    assert f"no outcome tells why dashboards/{orgs.board} is mapped to" in found(orgs)


@pytest.mark.parametrize(
    ("forged", "told"),
    [
        ({}, "is mapped to nothing"),
        ({"id": "aaa-bbb-ccc"}, "is mapped to aaa-bbb-ccc"),
        ({"origin": "adopted"}, "is mapped to"),
    ],
)
@pytest.mark.parametrize("kind", ["undo", "unmute"])
def test_what_a_run_that_takes_something_back_says_of_another(
    orgs: Pair, kind: str, forged: dict[str, str], told: str
) -> None:
    orgs.us1.dashboard("Second")
    orgs.us1.monitor("two", query="avg(last_5m):avg:two{*} > 1")
    orgs.replay(live=False)
    words = ("replay", "--undo", orgs.run_record()["run"]) if kind == "undo" else UNMUTE
    assert orgs.run(*words, "--to", "eu1", "--yes").code == 0
    assert orgs.run("verify").code == 0, orgs.run("verify").out

    def change(body: Any) -> None:
        if forged:
            body["ids"][orgs.board].update(forged)
        else:
            del body["ids"][orgs.board]

    forge(orgs, dashboards=change)
    assert f"no outcome tells why dashboards/{orgs.board} {told}" in found(orgs)


def test_a_run_that_takes_back_what_never_was(orgs: Pair) -> None:
    orgs.us1.dashboard("Second")
    orgs.replay()
    undone = orgs.run_record()["run"]
    assert orgs.run("replay", "--undo", undone, "--to", "eu1", "--yes").code == 0
    forge(orgs, run=lambda record: record.update(undoes="f" * 32))
    assert f"there is no run '{'f' * 32}'" in found(orgs)


def test_what_both_orgs_have_lost_leaves_the_map_and_is_no_forgery(orgs: Pair) -> None:
    there = orgs.ids("dashboards")[orgs.board]
    orgs.us1.delete(f"/api/v1/dashboard/{orgs.board}")
    orgs.replay()
    forge(orgs, dashboards=lambda body: body["ids"].pop(orgs.board) and None)
    assert f"no outcome tells why dashboards/{orgs.board} is mapped to nothing" in found(orgs)
    orgs.git("update-ref", "refs/heads/journal/eu1", "journal/eu1^")
    orgs.eu1.delete(f"/api/v1/dashboard/{there}")
    orgs.replay()
    assert MAP not in orgs.git("ls-tree", "-r", "--name-only", "journal/eu1")
    assert orgs.run("verify").code == 0


@pytest.mark.parametrize("member", ["run", "state", "org"])
def test_a_record_that_is_not_of_its_commit(orgs: Pair, member: str) -> None:
    forge(orgs, run=lambda record: record.update({member: "other"}))
    assert f"its {member} is not that of the commit" in found(orgs)


@pytest.mark.parametrize(
    "operations",
    [
        [1],
        [{"op": "remove", "path": "/nothing/of/the/kind"}],
        [{"op": "add", "path": "/widgets/9/definition", "value": 1}],
    ],
)
def test_a_patch_that_nothing_can_be_made_of_is_told_and_the_rest_is_looked_at(
    orgs: Pair, operations: list[Any]
) -> None:
    name = orgs.board
    paths = orgs.git("ls-tree", "-r", "--name-only", "journal/eu1").split()
    assert f"patches/dashboards/{name}.json" in paths
    forge(orgs, **{name: lambda _: operations})
    said = orgs.run("verify")
    assert said.code == 1, said
    told = [line for line in said.out.splitlines() if line.startswith("eu1: ")]
    assert len(told) == 2, said  # one fault, and their count
    assert f"patches/dashboards/{name}.json: " in told[0]
    assert "eu1: 1 fault " in told[1]
