"""``replay --plan FILE`` that was cut off: what goes on with it is held to the same plan."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from cut_off import RESUME, Killer, Said, World, killed, world
from orgs import git
from pairs import note, pair
from runners import make_hub

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SILENT: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


def save(orgs: World, path: Path, file: Path, *words: str) -> None:
    words = words or ("--create-similar",)
    said = orgs.run(path, "plan", "us1", "--to", "eu1", "--out", str(file), *words)
    assert said.code == 0, said


def statuses(said: Said) -> dict[tuple[str, str], str]:
    told = [json.loads(line) for line in said.out.splitlines()]
    return {(e["type"], e["id"]): e["status"] for e in told if e["event"] == "outcome"}


@pytest.mark.parametrize(("nth", "when"), [(20, "after"), (38, "before")])
def test_what_was_carried_out_is_done_and_the_rest_follows(
    orgs: World, file: Path, nth: int, when: str
) -> None:
    path = orgs.fresh("goes-on")
    save(orgs, path, file)
    assert killed(orgs.kill_at(path, Killer(nth, when), "replay", "--plan", str(file), "--yes"))
    orgs.sandbox.settle()
    resumed = orgs.run(path, *RESUME)
    assert resumed.code == 0, resumed
    orgs.is_whole(path)


def changed(orgs: World, path: Path) -> dict[str, str]:
    """Replay, let the source go on in ten dashboards; return their ids, and those at ``eu1``.

    From then on so few are written at once that some are not when the third is.
    """
    assert orgs.run(path, "replay", "us1", "--to", "eu1", "--create-similar", "--yes").code == 0
    ids = {id_: one["id"] for id_, one in orgs.map_of(path)["dashboards"].items()}
    chosen = sorted(id_ for id_ in ids if orgs.us1.resources("dashboards")[id_]["title"])[:10]
    for nth, id_ in enumerate(chosen):
        body = orgs.us1.resources("dashboards")[id_]
        body["description"] = f"changed {nth}"
        body["modified_at"] = "2098-01-01T00:00:00+00:00"
    assert orgs.run(path, "capture", "us1").code == 0
    config = path / "ddsnap.yaml"
    config.write_text(f"{config.read_text()}capture: {{concurrency: 2}}\n")
    return {id_: ids[id_] for id_ in chosen}


@pytest.fixture
def same_source(orgs: World) -> Iterator[None]:
    before = {id_: dict(body) for id_, body in orgs.us1.resources("dashboards").items()}
    yield
    orgs.us1.resources("dashboards").update(before)


def text(orgs: World, id_: str) -> str:
    return orgs.eu1.resources("dashboards")[id_]["description"] or ""


def touch(orgs: World, id_: str, words: str) -> None:
    body = orgs.eu1.resources("dashboards")[id_]
    body["description"] = words
    body["modified_at"] = "2099-01-01T00:00:00+00:00"


@pytest.mark.usefixtures("same_source")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_somebody_changed_stays_as_it_is(orgs: World, file: Path, number: int) -> None:
    path = orgs.fresh("binds")
    there = changed(orgs, path)
    save(orgs, path, file)
    first = next(iter(there))
    touch(orgs, there[first], "since the plan")
    process = orgs.start(path, "replay", "--plan", str(file), "--yes")
    orgs.sandbox.watch = at_write(3, lambda: process.send_signal(number))
    orgs.end(process)
    orgs.sandbox.watch = lambda _when, _what: True
    orgs.sandbox.settle()
    left = next(id_ for id_ in there if not text(orgs, there[id_]))
    touch(orgs, there[left], "since the interruption")
    for _ in range(2):  # what the second one resumes knows the plan as well
        writes = len(orgs.sandbox.writes)
        strict = orgs.run(path, *RESUME, "--strict")
        assert strict.code == 6, strict
        assert "2 actions are to be left alone" in strict.err
        assert len(orgs.sandbox.writes) == writes
    resumed = orgs.run(path, "--json", *RESUME)
    assert resumed.code == 4, resumed
    moved = [id_ for (_, id_), status in statuses(resumed).items() if status == "moved"]
    assert sorted(moved) == sorted([first, left])
    assert text(orgs, there.pop(first)) == "since the plan"
    assert text(orgs, there.pop(left)) == "since the interruption"
    assert all(text(orgs, id_).startswith("changed") for id_ in there.values())
    orgs.verifies(path)


def at_write(number: int, then: Any) -> Any:
    """Do something when so many writes have begun, before the last has its effect."""
    seen = [0]

    def watch(when: str, incoming: Any) -> bool:
        if when == "before" and incoming.method != "GET":
            seen[0] += 1
            if seen[0] == number:
                then()
        return True

    return watch


@pytest.mark.usefixtures("same_source")
def test_another_clone_is_held_to_the_plan_as_well(orgs: World, file: Path, tmp_path: Path) -> None:
    from test_shared_replay import start

    hub, path = make_hub(tmp_path / "hub"), orgs.fresh("first")
    there = changed(orgs, path)
    git(path, "remote", "add", "origin", hub.as_uri())
    git(path, "push", "--quiet", "origin", "--all")
    git(hub, "symbolic-ref", "HEAD", git(path, "symbolic-ref", "HEAD").strip())
    save(orgs, path, file)
    killer = Killer(3, "after")
    killer.process = start(path, "replay", "--plan", str(file), "--yes", lease=3)
    orgs.sandbox.watch = killer
    assert killed(orgs.end(killer.process))
    orgs.sandbox.watch = lambda _when, _what: True
    orgs.sandbox.settle()
    file.unlink()
    left = next(id_ for id_ in there.values() if not text(orgs, id_))
    touch(orgs, left, "theirs")
    time.sleep(3)
    clone = orgs.folder / "second"
    shutil.rmtree(clone, ignore_errors=True)
    git(orgs.folder, "clone", "--quiet", hub.as_uri(), "second")
    shutil.copy(path / "ddsnap.yaml", clone / "ddsnap.yaml")
    git(clone, "branch", "--quiet", "snapshots/us1", "origin/snapshots/us1")
    resumed = orgs.run(clone, "--json", *RESUME)
    assert resumed.code == 4, resumed
    assert text(orgs, left) == "theirs"
    assert [*statuses(resumed).values()].count("moved") == 1


def test_links_that_were_still_to_be_written_follow(file: Path, tmp_path: Path) -> None:
    """Of two dashboards that link to each other one is made with half a link first."""
    with pair(tmp_path) as orgs:
        host = "https://app.datadoghq.com/dashboard"
        first = orgs.us1.dashboard("A")
        second = orgs.us1.dashboard("B", note(f"see {host}/{first}"))
        widgets = [{"definition": note(f"see {host}/{second}")}]
        body = {"title": "A", "layout_type": "ordered", "widgets": widgets}
        orgs.us1.put(f"/api/v1/dashboard/{first}", body)
        orgs.capture()
        assert orgs.run("plan", "us1", "--to", "eu1", "--live", "--out", str(file)).code == 0
        hangs = Fault(org="eu1", method="PUT", path="/dashboard/", stall=3, reset=True, times=1)
        orgs.sandbox.faults.add(hangs)
        command = [sys.executable, "-m", "ddsnap", "-C", str(orgs.path), "replay"]
        with subprocess.Popen([*command, "--plan", str(file), "--yes"], **SILENT) as process:
            while not orgs.sandbox.faults.struck(hangs) and process.poll() is None:
                time.sleep(0.01)
            process.kill()
        resumed = orgs.run("replay", "--resume", "--to", "eu1", "--yes", "--strict")
        assert resumed.code == 0, resumed
        assert [write.method for write in resumed.writes] == ["PUT"]
        ids = orgs.ids("dashboards")
        for title, other in (("A", second), ("B", first)):
            (widget,) = orgs.eu1.one("dashboards", title)["widgets"]
            assert widget["definition"]["content"] == f"see {host}/{ids[other]}"
