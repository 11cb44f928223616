"""A replay that is to end: what is under way is answered, and all is told."""

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
        out, err = process.communicate(timeout=60)
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
