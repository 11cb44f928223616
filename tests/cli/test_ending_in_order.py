"""A replay that is to end: what waits is given up, what is under way is answered, all is told."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from pairs import pair, probe

from ddsnap.flows.lease import Lease
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pairs import Pair

LIMITED = {
    "X-RateLimit-Limit": "10",
    "X-RateLimit-Period": "600",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "600",
}
VARIABLES = "/api/v1/synthetics/variables"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as orgs:
        yield orgs


def monitors(orgs: Pair, count: int) -> None:
    for n in range(count):
        orgs.us1.monitor(f"load {n}", query=f"avg(last_5m):avg:load{n}{{*}} > 1")


def stopped(orgs: Pair, when: Callable[[], object], number: int, *words: str) -> str:
    """Send a signal to a replay as soon as something holds; it ends as interrupted."""
    command = [sys.executable, "-m", "ddsnap", "-C", str(orgs.path), "replay", *words, "--yes"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        while not when() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, (out, err)
    assert orgs.run_record()["state"] == "interrupted"
    assert orgs.run("verify").code == 0
    return out


def answers(orgs: Pair) -> dict[str, tuple[str, list[int]]]:
    """What came of each monitor, and what its requests were answered."""
    return {
        title: (told["status"], [sent["status"] for sent in told["requests"]])
        for title, told in orgs.outcomes().items()
        if told["type"] == "monitors"
    }


# --- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nobody_waits_for_a_limit_once_the_run_is_to_end(orgs: Pair, number: int) -> None:
    monitors(orgs, 60)
    orgs.capture()
    limit = Fault(org="eu1", method="POST", path="/monitor$", status=429, headers=LIMITED)
    orgs.sandbox.faults.add(limit)
    out = stopped(orgs, lambda: orgs.sandbox.faults.struck(limit), number, "us1", "--to", "eu1")
    assert "ddsnap replay --resume --to eu1" in out
    told = answers(orgs)
    assert len(told) == 60
    for status, requests in told.values():
        assert set(requests) <= {429}, "no request is said to be lost"
        assert status == ("failed" if requests else "not reached")
    assert "not reached" in {status for status, _ in told.values()}
    assert orgs.eu1.all("monitors") == {}
    orgs.sandbox.faults.clear()
    resumed = orgs.run("replay", "--resume", "--to", "eu1", "--yes")
    assert resumed.code == 0, resumed
    assert len(resumed.on("/monitor", "POST")) == 60


def test_the_downtime_of_a_migration_is_answered(orgs: Pair) -> None:
    monitors(orgs, 2)
    orgs.capture()
    slow = Fault(org="eu1", method="POST", path="/downtime$", latency=1.5, after=True)
    orgs.sandbox.faults.add(slow)
    heard = orgs.sandbox.faults.struck
    stopped(orgs, lambda: heard(slow), signal.SIGINT, "us1", "--to", "eu1")
    orgs.sandbox.faults.clear()
    (there,) = orgs.eu1.all("downtime_schedules")
    mute, run = orgs.run_record()["mute"], orgs.run_record()["run"]
    assert (mute["id"], mute["made"]) == (there, True)
    assert {status for status, _ in answers(orgs).values()} == {"not reached"}
    resumed = orgs.run("replay", "--resume", "--to", "eu1", "--yes")
    assert (resumed.code, len(resumed.on("/monitor", "POST"))) == (0, 2)
    assert resumed.on("/downtime") == []
    assert orgs.run("replay", "--undo", run[:12], "--to", "eu1", "--yes").code == 0
    assert orgs.eu1.all("monitors") == {}


def test_keys_that_are_refused_at_its_downtime_end_a_run_that_is_recorded(orgs: Pair) -> None:
    monitors(orgs, 2)
    refused = Fault(org="eu1", method="POST", path="/downtime$", status=401)
    orgs.sandbox.faults.add(refused)
    assert orgs.replay(live=False, code=1).sent == ["POST /api/v2/downtime"]
    assert orgs.run_record()["state"] == "failed"
    orgs.sandbox.faults.clear()
    orgs.replay(live=False)


def test_a_server_that_fails_is_not_asked_again_once_the_run_is_to_end(orgs: Pair) -> None:
    monitors(orgs, 2)
    orgs.capture()
    down = Fault(org="eu1", method="POST", path="/monitor$", status=503)
    orgs.sandbox.faults.add(down)
    stopped(orgs, lambda: orgs.sandbox.faults.struck(down), signal.SIGINT, "us1", "--to", "eu1")
    assert orgs.sandbox.faults.struck(down) <= 4
    assert {requests[0] for _, requests in answers(orgs).values() if requests} == {503}
    orgs.sandbox.faults.clear()
    assert orgs.run("replay", "--resume", "--to", "eu1", "--yes").code == 0
    assert len(orgs.eu1.all("monitors")) == 2


def test_a_deletion_under_way_is_answered(orgs: Pair) -> None:
    monitors(orgs, 6)
    orgs.replay()
    run = orgs.run_record()["run"]
    slow = Fault(org="eu1", method="DELETE", latency=0.7, after=True)
    orgs.sandbox.faults.add(slow)

    def is_second_gone() -> bool:
        return len(orgs.eu1.all("monitors")) <= 4

    stopped(orgs, is_second_gone, signal.SIGINT, "--undo", run[:12], "--to", "eu1")
    orgs.sandbox.faults.clear()
    told = answers(orgs)
    left = len(orgs.eu1.all("monitors"))
    assert 0 < left <= 4
    assert sorted(told.values()) == sorted(
        [("done", [200])] * (6 - left) + [("not reached", [])] * left
    )
    resumed = orgs.run("replay", "--resume", "--to", "eu1", "--yes")
    assert resumed.code == 0, resumed
    assert len(resumed.on("/monitor/", "DELETE")) == left
    assert orgs.eu1.all("monitors") == {}


def test_what_is_new_is_protected_however_long_that_takes(orgs: Pair) -> None:
    """Nothing stays open to everybody because somebody was in a hurry."""
    board = orgs.us1.dashboard("Ours")
    org = f"org:{orgs.us1.org.uuid}"
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"], viewer=[org])
    orgs.capture()
    headers = {**LIMITED, "X-RateLimit-Period": "2", "X-RateLimit-Reset": "2"}
    limit = Fault(org="eu1", method="POST", path="/restriction_policy/", status=429,
                  headers=headers, times=1)  # fmt: skip
    orgs.sandbox.faults.add(limit)
    stopped(orgs, lambda: orgs.sandbox.faults.struck(limit), signal.SIGINT, "us1", "--to", "eu1")
    (made,) = orgs.eu1.all("dashboards")
    assert orgs.eu1.policy(f"dashboard:{made}")["editor"] == [f"user:{orgs.eu1.org.owner}"]


# --- circles and deletions


def circle(orgs: Pair, name: str) -> None:
    """A test, and a variable that it uses and fills."""
    test = orgs.us1.post("/api/v1/synthetics/tests/api", probe(f"fills {name}"))["public_id"]
    parsed = {"type": "http_body", "parser": {"type": "raw"}}
    variable = {"name": name, "description": "", "tags": [], "parse_test_public_id": test,
                "parse_test_options": parsed, "value": {"value": ""}}  # fmt: skip
    made = orgs.us1.post(VARIABLES, variable)["id"]
    used = [{"name": name, "type": "global", "id": made}]
    orgs.us1.all("synthetics_tests")[test]["config"]["configVariables"] = used


@pytest.fixture
def renewals(orgs: Pair, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many writes there had been each time when the lease of a run was looked at."""
    seen: list[int] = []
    renew = Lease.renew

    def counting(lease: Lease, log: Any) -> None:
        seen.append(len(orgs.sandbox.writes))
        renew(lease, log)

    monkeypatch.setattr(Lease, "renew", counting)
    config = orgs.path / "ddsnap.yaml"
    config.write_text(f"{config.read_text()}capture: {{concurrency: 1}}\n")
    return seen


def test_a_run_tells_that_it_goes_on_while_it_closes_circles(
    orgs: Pair, renewals: list[int]
) -> None:
    for name in ("ONE", "TWO", "THREE"):
        circle(orgs, name)
    said = orgs.replay()
    assert [write.method for write in said.writes] == [*["POST"] * 6, *["PATCH"] * 3]
    assert {len(orgs.sandbox.writes) - left for left in (2, 1, 0)} <= set(renewals)


def test_a_run_tells_that_it_goes_on_while_it_deletes(orgs: Pair, renewals: list[int]) -> None:
    monitors(orgs, 4)
    orgs.replay()
    run = orgs.run_record()["run"]
    renewals.clear()
    before = len(orgs.sandbox.writes)
    assert orgs.run("replay", "--undo", run[:12], "--to", "eu1", "--yes").code == 0
    assert {before + nth for nth in (1, 2, 3, 4)} <= set(renewals)
