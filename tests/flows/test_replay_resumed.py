"""What a replay that is gone on with was asked for: the same, and in the same order."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from pairs import note, pair

from ddsnap.flows.takeover import Unfinished
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

RULE = """match: {{types: [dashboards]}}
rewrite: [{{at: $..content, pattern: '{old}', with: '{new}'}}]
"""


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_rules_apply_in_the_order_of_the_configuration(orgs: Pair) -> None:
    folder, config = orgs.path / "transforms", orgs.path / "ddsnap.yaml"
    folder.mkdir(exist_ok=True)
    (folder / "z-first.yaml").write_text(RULE.format(old="one", new="two"))
    (folder / "a-second.yaml").write_text(RULE.format(old="two", new="three"))
    config.write_text(f"{config.read_text()}replay: {{transforms: [z-first, a-second]}}\n")
    orgs.us1.dashboard("Board", note("one"))
    orgs.us1.dashboard("Other", note("two"))
    orgs.capture()
    fault = orgs.sandbox.faults.add(Fault(org="eu1", writes=True, status=401))
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").code == 1
    orgs.sandbox.faults.remove(fault)
    said = orgs.run("replay", "--resume", "--to", "eu1", "--yes")
    assert said.code == 0, said.err
    assert "transformations: z-first, a-second" in said.out
    boards = orgs.eu1.all("dashboards").values()
    assert {body["widgets"][0]["definition"]["content"] for body in boards} == {"three"}
    assert orgs.run_record()["transforms"] == ["z-first", "a-second"]
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").sent == []


def test_so_they_do_when_another_machine_goes_on() -> None:
    """What it reads of the run is in the journal's canonical form, in which members are sorted."""
    begun = {
        "source": {"commit": "c", "revision": "us1"},
        "transforms": ["z-first", "a-second"],
        "resume": {"wishes": {}, "rules": {"a-second": "2", "b-unknown": "3", "z-first": "1"}},
    }
    order = Unfinished("run", begun, (), here=False).order()
    assert list(order.rules) == ["z-first", "a-second", "b-unknown"]


def test_a_circle_that_is_still_open_is_not_done(orgs: Pair) -> None:
    """Three circles, each closed by a second write; somebody ends the run at the first of these."""
    config = orgs.path / "ddsnap.yaml"
    config.write_text(f"{config.read_text()}capture: {{concurrency: 1}}\n")
    for nth in range(3):
        one = orgs.us1.dashboard(f"A{nth}")
        other = orgs.us1.dashboard(f"B{nth}", note(f"see /dashboard/{one}"))
        widgets = [{"definition": note(f"see /dashboard/{other}")}]
        back = {"title": f"A{nth}", "layout_type": "ordered", "widgets": widgets}
        orgs.us1.put(f"/api/v1/dashboard/{one}", back)
    orgs.capture()

    def end(sent: Any) -> Any:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(0.5)  # until it has heard of it
        return sent

    fault = Fault(org="eu1", method="PUT", path="/api/v1/dashboard/", nth=1, mangle=end)
    orgs.sandbox.faults.add(fault)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert said.code == 130, said.err
    closed = [write.path for write in said.writes if write.method == "PUT"]
    assert len(closed) == 1
    told = [one for one in orgs.outcomes().values() if one["type"] == "dashboards"]
    assert all(one["to"] for one in told)
    open_ = [one for one in told if one["status"] != "done"]
    assert len(open_) == 2
    assert {one["error"] for one in open_} == {
        "what closes its circle of references was not written"
    }
    assert [r["method"] for one in told for r in one["requests"]].count("PUT") == 1
    assert orgs.run("verify").code == 0
    said = orgs.run("replay", "--resume", "--to", "eu1", "--yes")
    assert said.code == 0, said.out
    assert [write.method for write in said.writes] == ["PUT", "PUT"]
    assert orgs.run("verify").code == 0
    orgs.settle()
