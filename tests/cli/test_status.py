"""``ddsnap status``: fresh, old, incomplete, failed or never, for people and for schedulers."""

import json
import subprocess
import sys
import time

import pytest

from ddsnap.sandbox import Fault
from ddsnap.store.locks import held_by, org_lock
from ddsnap.store.repository import Repository

GIVING_UP = ("--retries", "0", "--timeout", "20s")


def told(console, *argv):
    """The status of each org by its name, and the exit code; the fields are those of the help."""
    before = console.sandbox.count()
    done = console("status", "--json", *argv)
    assert console.sandbox.count() == before
    assert all(event["event"] == "status" for event in done.events)
    return {event["org"]: event for event in done.events}, done.code


def test_what_was_just_captured_is_fresh(console):
    console.add("us1")
    console("capture")
    found, code = told(console)
    us1 = found["us1"]
    assert (code, us1["code"], us1["verdict"]) == (0, 0, "fresh")
    assert 0 <= us1["age"] < 60
    assert us1["run"]["age"] <= us1["age"] + 2
    assert us1["run"]["commit"] == console.tip("journal/us1")
    assert us1["snapshot"] == console.tip("snapshots/us1")
    assert us1["run"]["counts"]["added"] == len(console.documents("snapshots/us1"))
    requests = console.journal("us1")["requests"].values()
    assert us1["run"]["requests"] == sum(route["requests"] for route in requests)
    assert (us1["lacking"], us1["unavailable"], us1["failures"]) == ([], [], 0)
    assert (us1["pushed"], us1["unpushed"], us1["held_by"], us1["max_age"]) == (
        None, None, None, 26 * 3600,
    )  # fmt: skip
    done = console("status")
    assert done.out.startswith("us1: fresh and complete: all of it was read ")
    assert "\n    last run " in done.out


def test_what_is_older_than_wanted_ends_with_4(console):
    console.add("us1")
    console("capture")
    time.sleep(1.1)
    found, code = told(console, "--max-age", "1s")
    assert (code, found["us1"]["verdict"]) == (4, "old")
    done = console("status", "us1", "--max-age", "1s")
    assert done.code == 4
    assert done.out.startswith("us1: old: all of it was read ")
    assert console("status", "--max-age", "soon").code == 2


def test_what_was_never_captured_ends_with_1(console):
    console.add("us1")
    found, code = told(console)
    assert (code, found["us1"]["verdict"], found["us1"]["age"]) == (1, "never", None)
    assert console("status").out == "us1: never captured; run 'ddsnap capture us1'\n"


def test_failures_are_counted_until_one_succeeds(console):
    org = console.add("us1")
    console("capture")
    age = told(console)[0]["us1"]["age"]
    console.use_keys("us1", org.api_key, "wrong")
    console("capture")
    console("capture")
    found, code = told(console)
    us1 = found["us1"]
    assert (code, us1["verdict"], us1["failures"]) == (1, "failed", 2)
    assert us1["age"] >= age
    assert "application key" in us1["run"]["error"]
    done = console("status")
    assert done.out.startswith("us1: the last capture failed 2 times in a row; all of it was read ")
    console.use_keys("us1", org.api_key, org.app_key)
    console("capture")
    found, code = told(console)
    assert (code, found["us1"]["failures"]) == (0, 0)


def test_what_failed_from_the_start_has_nothing(console):
    org = console.add("us1")
    console.use_keys("us1", org.api_key, "wrong")
    console("capture")
    found, code = told(console)
    assert (code, found["us1"]["verdict"], found["us1"]["age"]) == (1, "failed", None)
    assert "nothing is recorded" in console("status").out


def test_a_type_that_is_not_whole_is_named_with_its_reason(console):
    console.add("us1")
    console("capture")
    first = told(console)[0]["us1"]
    time.sleep(2.2)  # a server tells its time in whole seconds
    console.sandbox.faults.add(Fault(path=r"^/api/v1/monitor$", status=503))
    assert console("capture", *GIVING_UP).code == 4
    found, code = told(console)
    us1 = found["us1"]
    assert (code, us1["verdict"]) == (4, "incomplete")
    lacking = {one["type"]: one for one in us1["lacking"]}
    assert lacking["monitors"]["state"] == "stale"
    assert "503" in lacking["monitors"]["reason"]
    assert lacking["restriction_policies"]["state"] == "partial"
    assert us1["age"] >= first["age"] + 1  # monitors were last read whole then
    assert us1["run"]["age"] < us1["age"]
    assert "  ! monitors is stale: " in console("status").out
    console.sandbox.faults.clear()
    console("capture")
    assert told(console)[1] == 0


def test_what_the_keys_may_not_see_is_listed_and_no_fault(console):
    console.add("us1")
    console.sandbox.faults.add(Fault(path=r"^/api/v2/downtime", status=403))
    console("capture")
    found, code = told(console)
    assert (code, found["us1"]["lacking"]) == (0, [])
    assert [one["type"] for one in found["us1"]["unavailable"]] == ["downtime_schedules"]
    assert "    downtime_schedules is unavailable: page 1: HTTP 403" in console("status").out
    console.configure("capture: {types: [downtime_schedules, monitors]}")
    console("capture")
    found, code = told(console)
    assert (code, [one["type"] for one in found["us1"]["lacking"]]) == (4, ["downtime_schedules"])


def test_a_type_that_was_configured_since_is_lacking(console):
    console.add("us1")
    console.configure("capture: {types: [monitors]}")
    console("capture")
    assert told(console)[1] == 0
    console.configure("capture: {types: [monitors, dashboards]}")
    found, code = told(console)
    assert code == 4
    reason = {"type": "dashboards", "state": "uncaptured", "reason": ""}
    assert found["us1"]["lacking"] == [reason]
    assert "  ! dashboards is uncaptured: not read yet\n" in console("status").out


def test_narrow_captures_make_only_what_they_read_younger(console):
    console.add("us1")
    console("capture")
    time.sleep(1.1)
    console("capture", "--type", "monitors")
    found, code = told(console)
    assert (code, found["us1"]["verdict"]) == (0, "fresh")
    assert found["us1"]["age"] > 1 > found["us1"]["run"]["age"]


def test_an_undecided_secret_is_no_complete_backup(console):
    org = console.add("us1")
    monitor = next(iter(org.table("monitors").values()))
    monitor["message"] = f"use {org.app_key} there"
    assert console("capture").code == 4
    found, code = told(console)
    assert (code, found["us1"]["run"]["secrets"]) == (4, 1)
    assert "  ! 1 redacted, not decided about" in console("status").out


def test_a_branch_that_somebody_moved_is_not_what_the_journal_tells_of(console):
    org = console.add("us1")
    console("capture")
    next(iter(org.table("monitors").values()))["name"] = "renamed"
    console("capture")
    console.git("update-ref", "refs/heads/snapshots/us1", "snapshots/us1~1")
    found, code = told(console)
    assert (code, found["us1"]["verdict"], found["us1"]["age"]) == (4, "incomplete", None)
    assert "is not where the last run left it" in console("status").out


def test_the_worst_of_several_orgs_counts(console):
    console.add("us1")
    console.add("eu1", seed=6)
    console("capture", "us1")
    found, code = told(console)
    assert (code, list(found)) == (1, ["us1", "eu1"])
    assert told(console, "us1")[1] == 0
    assert console("status", "us2").code == 2


def test_an_org_that_is_configured_no_more_can_be_asked_for(console):
    console.add("us1")
    console.add("eu1", seed=6)
    console("capture")
    console._lines.pop(2)
    console.configure()
    assert list(told(console)[0]) == ["eu1"]
    assert told(console, "us1")[1] == 0


def test_what_is_not_pushed_is_counted(console, tmp_path):
    console.add("us1")
    hub = tmp_path / "hub"
    subprocess.run(["git", "init", "-q", "--bare", str(hub)], check=True)
    console.git("remote", "add", "origin", hub.as_uri())
    console("capture")
    us1 = told(console)[0]["us1"]
    assert (us1["pushed"], us1["unpushed"]) == (False, 2)
    console("capture", "--push")
    assert told(console)[0]["us1"]["pushed"] is True
    assert "    all is pushed\n" in console("status").out
    console("capture")
    us1, code = told(console)
    assert (code, us1["us1"]["unpushed"]) == (0, 1)
    assert "  ! 1 commit is not pushed\n" in console("status").out


def test_a_run_under_way_is_named_and_not_disturbed(console):
    console.add("us1")
    console("capture")
    with Repository.open(console.path) as repository:
        with org_lock(repository, "us1", "capture"):
            found, code = told(console)
            assert code == 0
            assert found["us1"]["held_by"].startswith("capture by ")
            assert "    under way: capture by " in console("status").out
        assert held_by(repository, "us1") == ""


def test_what_a_killed_run_has_left_holds_nothing(console):
    console.add("us1")
    console("capture")
    code = (
        "import os, pathlib\n"
        "from ddsnap.store.locks import org_lock\n"
        "from ddsnap.store.repository import Repository\n"
        "with org_lock(Repository.open(pathlib.Path('.')), 'us1', 'capture'):\n"
        "    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=console.path, check=False)
    lock = console.path / ".git" / "ddsnap" / "locks" / "us1.lock"
    assert json.loads(lock.read_bytes())["purpose"] == "capture"
    assert told(console)[0]["us1"]["held_by"] is None
    assert console("capture").code == 0


@pytest.mark.parametrize("option", ["--max-age=90", "--max-age=90s", "--max-age=1m30s"])
def test_ages_are_written_as_durations(console, option):
    console.add("us1")
    console("capture")
    done = console("status", "--json", option)
    assert done.code == (2 if "1m30s" in option else 0)
