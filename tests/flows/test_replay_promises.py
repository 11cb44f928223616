"""What a replay promises while it writes: equals one by one, word to others, an end in order."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from orgs import git
from pairs import pair
from runners import make_hub

from ddsnap.flows import lease
from ddsnap.sandbox import Fault
from ddsnap.sandbox.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as orgs:
        yield orgs


@pytest.fixture
def hub(orgs: Pair, tmp_path: Path) -> Path:
    """A bare remote that the repository knows."""
    made = make_hub(tmp_path / "hub")
    orgs.git("remote", "add", "origin", made.as_uri())
    return made


def monitors(orgs: Pair, count: int) -> list[str]:
    queries = (f"avg(last_5m):avg:load{n}{{*}} > 1" for n in range(count))
    return [orgs.us1.monitor(f"load {n}", query=query) for n, query in enumerate(queries)]


def test_equals_are_never_in_flight_together(orgs: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is different is: two of those wait here for each other."""
    for n in range(4):
        orgs.us1.dashboard("Twin")
        orgs.us1.dashboard(f"Other {n}")
    perform, lock = Service.perform, threading.Lock()
    both, busy, most = threading.Barrier(2), [0], [0]

    def watched(service: Service, incoming: Any) -> Any:
        if incoming.method != "POST" or incoming.path != "/api/v1/dashboard":
            return perform(service, incoming)
        if b"Twin" not in incoming.body:
            both.wait(timeout=30)
            return perform(service, incoming)
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.05)
        try:
            return perform(service, incoming)
        finally:
            with lock:
                busy[0] -= 1

    monkeypatch.setattr(Service, "perform", watched)
    orgs.replay()
    assert most == [1]
    titles = Counter(body["title"] for body in orgs.eu1.all("dashboards").values())
    assert titles["Twin"] == 4


def test_progress_is_published_after_a_hundred_writes(
    orgs: Pair, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "PUBLISH_EVERY", timedelta(days=1))
    monkeypatch.setattr(lease, "LEASE", timedelta(days=1))
    monitors(orgs, 130)
    orgs.replay()
    told = "%H %(trailers:key=Ddsnap-State,valueonly,separator=)"
    runs = git(hub, "log", "--first-parent", f"--format={told}", "journal/eu1").splitlines()
    assert [line.split()[1] for line in runs][:3] == ["done", "progress", "started"]
    lines = git(hub, "show", f"{runs[1].split()[0]}:progress.ndjson").splitlines()
    assert [json.loads(line)["event"] for line in lines].count("intent") >= 100


def test_offline_nothing_is_asked_and_that_is_said(orgs: Pair, hub: Path) -> None:
    monitors(orgs, 1)
    orgs.capture()
    # What is not here is not started anew unasked.
    refused = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--offline")
    assert refused.code == 6
    assert "run once without --offline" in refused.err
    orgs.replay()
    orgs.us1.monitor("later", query="avg(last_5m):avg:later{*} > 1")
    orgs.capture()
    before = git(hub, "for-each-ref")
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--offline")
    assert said.code == 0, said
    assert "origin was not asked (--offline)" in said.err
    assert said.sent == ["POST /api/v1/monitor"]
    assert git(hub, "for-each-ref") == before


def test_keys_that_are_revoked_meanwhile_end_the_run_and_the_next_completes_it(orgs: Pair) -> None:
    monitors(orgs, 40)
    orgs.capture()
    revoked = Fault(org="eu1", writes=True, status=401, nth=range(8, 1000))
    orgs.sandbox.faults.add(revoked)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert said.code == 1, said
    assert "check the org's API key and application key" in said.err
    record = orgs.run_record()
    assert (record["state"], "401" in record["error"]) == ("failed", True)
    made = len(orgs.eu1.all("monitors"))
    assert made == 7
    orgs.sandbox.faults.clear()
    done = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert done.code == 0, done
    assert len(done.on("/monitor", "POST")) == 40 - made
    assert len(orgs.eu1.all("monitors")) == 40
    assert orgs.run("verify").code == 0


@pytest.mark.parametrize("words", [(), ("--strict",)])
def test_what_moves_after_the_plan_is_left_alone_strictly_or_not(
    orgs: Pair, words: tuple[str, ...]
) -> None:
    """By then something is written: nothing can be refused as a whole any more."""
    config = orgs.path / "ddsnap.yaml"
    config.write_text(f"{config.read_text()}capture: {{concurrency: 1}}\n")
    ids = monitors(orgs, 3)
    orgs.replay()
    first, *others = (orgs.ids("monitors")[id_] for id_ in ids)
    for id_ in ids:
        orgs.us1.put(f"/api/v1/monitor/{id_}", {"message": "wanted"})
    orgs.capture()

    def meanwhile(sent: Any) -> Any:
        for id_ in (first, *others):
            body = orgs.eu1.all("monitors")[id_]
            if body["message"] == "text":
                body.update(message="theirs", modified="2098-01-01T00:00:00+00:00")
        return sent

    edit = Fault(org="eu1", method="PUT", path="/monitor/", mangle=meanwhile, times=1)
    orgs.sandbox.faults.add(edit)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", *words)
    assert (said.code, len(said.writes)) == (4, 1), said
    messages = Counter(body["message"] for body in orgs.eu1.all("monitors").values())
    assert messages == {"wanted": 1, "theirs": 2}
    statuses = Counter(one["status"] for one in orgs.outcomes().values())
    assert statuses["moved"] == 2


def test_strictly_nothing_is_written_where_something_moved_before(orgs: Pair) -> None:
    ids = monitors(orgs, 3)
    orgs.replay()
    there = orgs.ids("monitors")
    for id_ in ids:
        orgs.us1.put(f"/api/v1/monitor/{id_}", {"message": "wanted"})
    orgs.capture()
    file = str(orgs.path.parent / "plan.json")
    assert orgs.run("plan", "us1", "--to", "eu1", "--live", "--out", file).code == 0
    orgs.eu1.put(f"/api/v1/monitor/{there[ids[0]]}", {"message": "theirs"})
    strict = orgs.run("replay", "--plan", file, "--yes", "--strict")
    assert (strict.code, strict.writes) == (6, [])
    assert "without --strict the others are carried out" in strict.err
    done = orgs.run("replay", "--plan", file, "--yes")
    assert (done.code, len(done.writes)) == (4, 2)


def test_what_protects_what_moved_is_left_alone_with_it(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    ours, theirs = (f"user:{side.org.owner}" for side in (orgs.us1, orgs.eu1))
    orgs.us1.restrict(f"dashboard:{board}", editor=[ours])
    orgs.replay()
    there = orgs.ids("dashboards")[board]
    body = {**orgs.us1.get(f"/api/v1/dashboard/{board}"), "description": "wanted"}
    orgs.us1.put(f"/api/v1/dashboard/{board}", body)
    orgs.us1.restrict(f"dashboard:{board}", viewer=[ours], editor=[ours])
    orgs.capture()
    file = str(orgs.path.parent / "plan.json")
    assert orgs.run("plan", "us1", "--to", "eu1", "--live", "--out", file).code == 0
    orgs.eu1.restrict(f"dashboard:{there}", viewer=[theirs])
    done = orgs.run("replay", "--plan", file, "--yes")
    assert (done.code, done.writes) == (4, [])
    told = orgs.outcomes()
    policy = told[f"dashboard:{board}"]
    assert (told["Board"]["status"], policy["status"]) == ("moved", "moved")
    assert policy["error"] == "it is not as the saved plan has it"
