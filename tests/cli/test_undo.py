"""Undoing a replay: what it did is taken back, as far as nobody has touched it since."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from cut_off import REPLAY, RESUME, Killer, World, killed, world
from interlinked import TITLE, Writer, board, note
from orgs import git
from runners import make_hub
from two_orgs import Said, TwoOrgs, two_orgs

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.match import portable
from ddsnap.flows.view import snapshot_view
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.core.values import Document
    from ddsnap.sandbox.service import Incoming


FOR_GOOD = [type_.name for type_ in CATALOG.types if type_.irreversible]
"""What nothing brings back must be named."""


@pytest.fixture
def orgs(tmp_path: Path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    monkeypatch.setenv("DDSNAP_SECRET_X", "")
    with two_orgs(tmp_path, capsys, monkeypatch, size=80) as made:
        made.capture("eu1")
        yield made


def held(orgs: TwoOrgs, org: str) -> dict[str, Any]:
    """What an org holds by a capture, as people decide it; disabled users do not count."""
    orgs.capture(org)
    with Repository.open(orgs.path) as repository:
        view = snapshot_view(repository, repository.branch(f"snapshots/{org}") or "", org)
        found = {}
        for document in view.documents(CATALOG):
            type_ = CATALOG[document.address.type]
            if type_.disabled and value_at(document.body, type_.disabled):
                continue
            if document.address.type == "restriction_policies" and not protects(
                orgs, org, document
            ):
                continue
            body = portable(type_, document.body)
            for path in type_.unordered:
                for slot in field_path(path).find(body):
                    if isinstance(slot.value, list):
                        slot.set(sorted(slot.value, key=canonical.encode))
            found[str(document.address)] = body
        return found


def protects(orgs: TwoOrgs, org: str, policy: Document) -> bool:
    """Whether the object of a policy is there: the server may keep policies of others."""
    kinds = {"dashboard": "dashboards", "monitor": "monitors", "notebook": "notebooks"}
    kind, _, id_ = policy.address.id.partition(":")
    name = kinds.get(kind)
    return name is None or id_ in orgs.sandbox.orgs[org].resources(name)


def replayed(orgs: TwoOrgs, *more: str) -> str:
    """Replay us1 into eu1 as far as it goes; return the run."""
    done = orgs.run("--json", "replay", "us1", "--to", "eu1", "--yes", *more)
    assert done.code in (0, 4), done.err
    (end,) = done.of("replayed")
    return str(end["run"])


def undo(orgs: TwoOrgs, run: str, *more: str) -> Said:
    return orgs.run("replay", "--undo", run[:12], "--to", "eu1", "--yes", *more)


def mapped(orgs: TwoOrgs) -> dict[str, Any]:
    """The map of us1's ids in eu1's journal, by type."""
    with Repository.open(orgs.path) as repository:
        tip = repository.branch("journal/eu1") or ""
        maps = {}
        for type_ in CATALOG.types:
            data = repository.read_file(tip, f"map/us1/{type_.name}.json")
            if data:
                maps[type_.name] = json.loads(data)["ids"]
        return maps


def test_a_replay_into_an_empty_org_is_taken_back_whole(orgs: TwoOrgs) -> None:
    before = held(orgs, "eu1")
    run = replayed(orgs)
    assert held(orgs, "eu1") != before
    done = undo(orgs, run, *FOR_GOOD)
    assert done.code == 0, done.err + done.out
    assert held(orgs, "eu1") == before
    left = {(name, entry["origin"]) for name, ids in mapped(orgs).items() for entry in ids.values()}
    assert {origin for _, origin in left} <= {"adopted"}
    assert "migration:true" not in json.dumps([*orgs.eu1.resources("monitors").values()])
    assert orgs.run("verify").code == 0, orgs.run("verify").out


# --- runs that were cut off


@pytest.fixture(scope="module")
def world_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def kept(world_: World, before: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is left of what was not there ``before``: no policies, nothing disabled or cancelled."""
    left = {name: set(world_.eu1.resources(name)) - ids for name, ids in before.items()}
    left.pop("restriction_policies", None)
    users = world_.eu1.resources("users")
    left["users"] = {one for one in left["users"] if not users[one]["attributes"]["disabled"]}
    downtimes = world_.eu1.resources("downtime_schedules")
    going = {one for one in downtimes if not downtimes[one]["attributes"].get("canceled")}
    left["downtime_schedules"] &= going
    return {name: ids for name, ids in left.items() if ids}


CASES = [(nth, when) for nth in (1, 7, 19, 33, 39) for when in ("before", "after")]


@pytest.mark.parametrize(("nth", "when"), CASES)
def test_a_run_that_was_killed_is_taken_back_without_going_on(
    world_: World, nth: int, when: str
) -> None:
    path = world_.fresh("undone")
    before = {name: set(world_.eu1.resources(name)) for name in world_.wanted}
    assert killed(world_.kill_at(path, Killer(nth, when)))
    begun = json.loads((path / ".git/ddsnap/replay-eu1.ndjson").read_text().splitlines()[0])
    said = world_.run(path, "replay", "--undo", begun["run"][:12], *FOR_GOOD, "--yes")
    policies = set(world_.eu1.resources("restriction_policies")) - before["restriction_policies"]
    assert all(one.partition(":")[2] not in world_.eu1.resources("dashboards") for one in policies)
    assert kept(world_, before) == {}, said
    assert said.code == 0, said
    assert world_.states(path)[:2] == ["done", "interrupted"]
    world_.verifies(path)
    again = world_.run(path, *REPLAY)
    assert again.code == 0, again


@pytest.mark.parametrize("named", ["first", "last"])
@pytest.mark.parametrize("nth", [7, 33])
def test_a_run_that_was_resumed_is_taken_back_whole_by_either_name(
    world_: World, nth: int, named: str
) -> None:
    path = world_.fresh("resumed")
    before = {name: set(world_.eu1.resources(name)) for name in world_.wanted}
    assert killed(world_.kill_at(path, Killer(nth, "after")))
    world_.sandbox.settle()
    begun = json.loads((path / ".git/ddsnap/replay-eu1.ndjson").read_text().splitlines()[0])
    first = begun["run"]
    assert world_.resume(path).code == 0
    last = json.loads(git(path, "show", "journal/eu1:run.json"))["run"]
    words = ("replay", "--undo", {"first": first, "last": last}[named], *FOR_GOOD, "--yes")
    said = world_.run(path, *words)
    assert said.code == 0, said
    assert f"take back run {last[:12]}, and {first[:12]}, which it went on with, in eu1" in said.out
    assert kept(world_, before) == {}, said
    record = json.loads(git(path, "show", "journal/eu1:run.json"))
    assert (record["undoes"], record["undoes_too"]) == (last, [first])
    world_.verifies(path)
    for run in (first, last):
        again = world_.run(path, "replay", "--undo", run, *FOR_GOOD, "--yes")
        assert (again.code, "was taken back by run" in again.err) == (2, True)
    again = world_.run(path, *REPLAY)
    assert again.code == 0, again


def test_a_run_that_went_on_with_another_order_is_named_first(world_: World) -> None:
    path = world_.fresh("resumed")
    assert killed(world_.kill_at(path, Killer(20, "after")))
    world_.sandbox.settle()
    begun = json.loads((path / ".git/ddsnap/replay-eu1.ndjson").read_text().splitlines()[0])
    first = begun["run"]
    words = ("replay", "us1", "roles", "--to", "eu1", "--yes")
    assert world_.run(path, *words, "--resume").code == 0
    last = json.loads(git(path, "show", "journal/eu1:run.json"))["run"]
    said = world_.run(path, "replay", "--undo", first, "--yes")
    assert f"--undo {last[:12]} before this" in said.err
    assert f"take back run {first[:12]} in eu1" in said.out


def test_a_run_whose_resumption_was_cut_off_too_is_taken_back_whole(world_: World) -> None:
    path = world_.fresh("resumed")
    before = {name: set(world_.eu1.resources(name)) for name in world_.wanted}
    assert killed(world_.kill_at(path, Killer(9, "after")))
    world_.sandbox.settle()
    begun = json.loads((path / ".git/ddsnap/replay-eu1.ndjson").read_text().splitlines()[0])
    assert killed(world_.kill_at(path, Killer(9, "after"), *RESUME))
    world_.sandbox.settle()
    said = world_.run(path, "replay", "--undo", begun["run"][:12], *FOR_GOOD, "--yes")
    assert said.code == 0, said
    assert kept(world_, before) == {}, said


class BoardKiller(Killer):
    """Kills at the nth creation of a dashboard, after its effect."""

    def __call__(self, when: str, incoming: Incoming) -> bool:
        is_board = incoming.method == "POST" and incoming.path == "/api/v1/dashboard"
        return not is_board or super().__call__(when, incoming)


def cut_off_at_its_second_board(world_: World, name: str) -> tuple[Path, str]:
    """Return a repository in which a replay was killed, and that run."""
    path = world_.fresh(name)
    with (path / "ddsnap.yaml").open("a") as config:
        config.write("capture: {concurrency: 1}\n")
    assert killed(world_.kill_at(path, BoardKiller(2, "after")))
    begun = json.loads((path / ".git/ddsnap/replay-eu1.ndjson").read_text().splitlines()[0])
    return path, begun["run"][:12]


def test_equal_ones_that_both_runs_never_heard_of_go(world_: World) -> None:
    path, run = cut_off_at_its_second_board(world_, "equal")
    assert killed(world_.kill_at(path, BoardKiller(2, "after"), *RESUME))
    assert len(world_.eu1.resources("dashboards")) == 3 + 4
    said = world_.run(path, "replay", "--undo", run, *FOR_GOOD, "--yes")
    assert said.code == 0, said
    assert len(world_.eu1.resources("dashboards")) == 3


def test_what_may_be_somebodys_stays_and_is_told(world_: World) -> None:
    path, run = cut_off_at_its_second_board(world_, "doubtful")
    Writer(world_.sandbox, world_.eu1)("POST", "/api/v1/dashboard", board(TITLE, note("all alike")))
    said = world_.run(path, "replay", "--undo", run, *FOR_GOOD, "--yes")
    assert said.code == 4, said
    assert "it may be what the run made before it was cut off, and nobody can tell" in said.out
    left = world_.eu1.resources("dashboards")
    assert len(left) == 3 + 2  # the one that it heard of is gone
    assert sum(one in said.out for one in left) == 2
    assert world_.run(path, "verify").code == 0


def test_another_machine_takes_it_back_and_brings_back_what_was_lost(
    world_: World, tmp_path: Path
) -> None:
    hub = make_hub(tmp_path / "hub")
    here = world_.fresh("here")
    git(here, "remote", "add", "origin", hub.as_uri())
    git(here, "push", "--quiet", "origin", "--all")
    git(hub, "symbolic-ref", "HEAD", git(here, "symbolic-ref", "HEAD").strip())
    before = world_.count()
    assert world_.run(here, *REPLAY, "--push").code == 0
    run = json.loads(git(here, "show", "journal/eu1:run.json"))["run"]
    monitors = world_.sandbox.orgs["us1"].resources("monitors")
    monitor = next(one for one, body in monitors.items() if body["name"] == "load")
    there = world_.folder / "there"
    git(world_.folder, "clone", "--quiet", hub.as_uri(), "there")
    shutil.copy(here / "ddsnap.yaml", there / "ddsnap.yaml")
    lost = world_.run(there, "restore", "us1", f"monitors/{monitor}", "--yes")
    assert (lost.code, "1 unchanged" in lost.out) == (0, True), lost
    said = world_.run(there, "replay", "--undo", run[:10], *FOR_GOOD, "--yes")
    assert said.code == 0, said
    after = world_.count()
    for name in ("monitors", "dashboards", "service_level_objectives", "roles", "teams"):
        assert after[name] == before[name]
    assert json.loads(git(hub, "show", "journal/eu1:run.json"))["undoes"] == run
    again = world_.run(here, "replay", "--undo", run[:10], *FOR_GOOD, "--yes")
    assert (again.code, "was taken back" in again.err) == (2, True)
    shutil.rmtree(there)
