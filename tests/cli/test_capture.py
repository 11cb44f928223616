"""``ddsnap capture`` against the sandbox, read back with plain git."""

import json
import random
import re

import pytest

from ddsnap.catalog import DECLARED
from ddsnap.errors import ExitCode
from ddsnap.sandbox import Fault
from ddsnap.store.locks import org_lock
from ddsnap.store.repository import Repository

GIVING_UP = ("--retries", "0", "--timeout", "20s")


def test_the_first_capture_tells_what_it_recorded(console):
    console.add("us1")
    done = console("capture", "us1")
    assert done.code == ExitCode.DONE
    tip = console.tip("snapshots/us1")
    added = len(console.documents(tip))
    assert done.out.startswith(f"us1: {added} added  -> snapshots/us1 {tip[:7]}\n  + roles ")
    assert f"... and {added - 20} more (-v names all)\n" in done.out
    assert "complete" not in done.err
    assert "Next: git log snapshots/us1, or ddsnap diff us1\n" in done.err
    record = console.journal("us1")
    assert (record["state"], record["arguments"]) == ("done", ["capture", "us1"])
    assert record["by"]["version"]


def test_what_changed_is_named_by_type_title_and_id(console):
    org = console.add("us1")
    console("capture")
    monitor = next(iter(org.table("monitors").values()))
    monitor["name"] = "CPU \x1b[31mhigh\n\u202e"
    done = console("capture", "us1", "-q")
    assert done.err == ""
    assert re.match(r"us1: 1 changed  -> snapshots/us1 [0-9a-f]{7}\n", done.out)
    title = r"CPU \x1b[31mhigh\n\u202e"
    assert f'  ~ monitors "{title}" {monitor["id"]}' in done.out
    console("capture")
    many = console("capture", "us1", "--dry-run", "-v")
    assert many.out.startswith("us1: no changes (")


def test_all_changes_are_named_on_demand(console):
    console.add("us1")
    done = console("capture", "-v")
    assert "-v names all" not in done.out
    named = [line for line in done.out.splitlines() if line.startswith("  + ")]
    assert len(named) == len(console.documents("snapshots/us1"))


def test_an_unchanged_org_gets_no_commit_but_a_run(console):
    console.add("us1")
    console("capture")
    tip, runs = console.tip("snapshots/us1"), console.tip("journal/us1")
    before = console.sandbox.count()
    done = console("capture", "us1")
    made = console.sandbox.count() - before
    size = r"us1: no changes \((\d+) resources, \d+ types, (\d+) requests, \d+\.\d s\)\n"
    match = re.fullmatch(size, done.out)
    assert match
    assert int(match[2]) == made
    assert console.tip("snapshots/us1") == tip
    assert console.tip("journal/us1") != runs


def test_a_dry_run_writes_nothing_and_says_the_same(console):
    org = console.add("us1")
    console("capture")
    done = org.edit(random.Random(4), 5)
    assert done
    refs = console.git("for-each-ref")
    dry = console("capture", "--dry-run")
    assert dry.code == 0
    assert "; dry run, nothing is written\n" in dry.out
    assert console.git("for-each-ref") == refs
    assert console.sandbox.writes == []
    wet = console("capture")
    assert dry.out.splitlines()[1:] == wet.out.splitlines()[1:]
    assert dry.out.split(" (")[0] == wet.out.split("  ->")[0]


def test_an_org_that_fails_does_not_stop_the_others(console):
    console.add("us1")
    console.add("eu1", seed=6)
    console.use_keys("us1", "wrong", "keys")
    done = console("capture")
    assert done.code == ExitCode.FAILED
    assert "error: us1: the API key was refused by" in done.err
    assert "eu1: " in done.out
    assert console.tip("snapshots/eu1")
    assert not console.tip("snapshots/us1")


def test_a_variable_that_is_missing_is_a_mistake_of_its_org_alone(console):
    console.add("us1")
    console.add("eu1", seed=6)
    console.monkeypatch.delenv("DDSNAP_EU1_APP_KEY")
    done = console("capture", *GIVING_UP)
    assert done.code == ExitCode.USAGE
    assert "error: DDSNAP_EU1_APP_KEY is not set: it holds the application key of 'eu1'" in done.err
    assert console.tip("snapshots/us1")
    assert not console.tip("journal/eu1")


def test_refused_keys_are_recorded_as_a_failed_run_and_nothing_else(console):
    console.add("us1")
    console("capture")
    tip = console.tip("snapshots/us1")
    console.sandbox.faults.add(Fault(path="/api/v1/monitor$", status=401))
    done = console("capture", "us1")
    assert done.code == ExitCode.FAILED
    assert done.err.splitlines()[-2].startswith("error: us1: ")
    assert console.tip("snapshots/us1") == tip
    assert console.journal("us1")["state"] == "failed"
    assert console("log", "us1", "--runs", "-n1").out.split()[4] == "failed"


def test_the_keys_of_another_org_record_nothing(console):
    console.add("us1")
    other = console.add("eu1", seed=6)
    console("capture", "us1")
    refs = console.git("for-each-ref")
    console.use_keys("us1", other.api_key, other.app_key)
    listed = console.sandbox.count("GET", "/api/v1/monitor")
    done = console("capture", "us1")
    assert done.code == ExitCode.REFUSED
    assert f"belong to org {other.public_id}" in done.err
    assert console.git("for-each-ref") == refs
    assert console.sandbox.count("GET", "/api/v1/monitor") == listed


def test_a_pinned_org_is_the_only_one_that_is_captured(console):
    console.add("us1", pin="another")
    done = console("capture")
    assert done.code == ExitCode.REFUSED
    assert "ddsnap.yaml pins another" in done.err
    assert not console.tip("journal/us1")


def test_a_type_that_fails_keeps_its_documents_and_says_so(console):
    org = console.add("us1")
    console("capture")
    monitors = console.git("ls-tree", "snapshots/us1", "monitors")
    next(iter(org.table("dashboards").values()))["title"] = "Another"
    console.sandbox.faults.add(Fault(path="/api/v1/monitor$", status=503))
    done = console("capture", "us1", "-q", *GIVING_UP)
    assert done.code == ExitCode.PARTIAL
    assert done.out.startswith("us1: 1 changed  -> snapshots/us1 ")
    count = len(org.table("monitors"))
    assert re.search(
        rf"^warning: us1: monitors is stale: .*HTTP 503.*; its {count} documents kept$",
        done.err,
        re.MULTILINE,
    )
    assert console.git("ls-tree", "snapshots/us1", "monitors") == monitors
    state = json.loads(console.git("show", "snapshots/us1:snapshot.json"))["types"]["monitors"]
    assert state["state"] == "stale"


def test_a_resource_that_fails_is_named_with_its_title_and_kept(console):
    org = console.add("us1")
    console("capture")
    id_, board = next(iter(org.table("dashboards").items()))
    stored = console.git("show", f"snapshots/us1:dashboards/{id_}.json")
    console.sandbox.faults.add(Fault(path=f"/api/v1/dashboard/{id_}$", status=403))
    done = console("capture", "--full", *GIVING_UP)
    assert done.code == ExitCode.PARTIAL
    named = f'! dashboards "{board["title"]}" {id_}'
    told = rf"^  {re.escape(named)}: .*403.*; its last document is kept$"
    assert re.search(told, done.out, re.MULTILINE)
    assert console.git("show", f"snapshots/us1:dashboards/{id_}.json") == stored
    (problem,) = console("--json", "capture", "--full", *GIVING_UP).of("problem")
    assert (problem["id"], problem["title"], problem["kept"]) == (id_, board["title"], True)


def test_a_resource_that_was_never_read_is_said_to_be_missing(console):
    org = console.add("us1")
    id_ = next(iter(org.table("dashboards")))
    console.sandbox.faults.add(Fault(path=f"/api/v1/dashboard/{id_}$", status=403))
    done = console("capture", *GIVING_UP)
    assert f"  ! dashboards {id_}: " in done.out
    assert "; it is not in the snapshot\n" in done.out


@pytest.mark.parametrize(("named", "code"), [((), 0), (("--type", "users"), 4)])
def test_a_type_that_is_not_to_be_had_is_always_listed(console, named, code):
    console.add("us1")
    console.sandbox.faults.add(Fault(path="/api/v2/users$", status=403))
    for _ in range(2):
        done = console("capture", "-q", *named, *GIVING_UP)
        assert done.code == code
        assert re.search(r"^  users is unavailable: .*403", done.out, re.MULTILINE)


def test_a_new_field_is_named_once(console):
    org = console.add("us1")
    rows = list(org.table("monitors").values())
    for row in rows:
        row["zzz"] = 1
    told = f"  monitors: new field 'zzz' in {len(rows)} resources; stored as it is\n"
    assert told in console("capture", "--dry-run").out
    assert told in console("capture").out
    assert "zzz" not in console("capture").out


def test_a_sudden_loss_is_believed_only_when_told_to(console):
    org = console.add("us1", size=80)
    console("capture")
    count = len(org.table("restriction_policies")) + len(org.table("monitors"))
    assert count
    org.table("monitors").clear()
    org.table("restriction_policies").clear()
    done = console("capture", "us1", *GIVING_UP)
    assert done.code == ExitCode.PARTIAL
    assert "run again with --accept-loss monitors" in done.err
    done = console("capture", "us1", "--accept-loss", "monitors", *GIVING_UP)
    assert " deleted" in done.out
    assert console.git("ls-tree", "snapshots/us1", "monitors") == ""


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--type", "monitor"), "no type is called 'monitor' (did you mean 'monitors'?)"),
        (("--type", "monitors,"), "no type is called ''"),
        (("--exclude", "dashbords"), "(did you mean 'dashboards'?)"),
        (("--accept-loss", "nothing"), "no type is called 'nothing'"),
        (("--timeout", "soon"), "'soon' is no duration"),
        (("--retries", "-1"), "-1 is not in the range"),
        (("ap1",), "no org is called 'ap1'"),
        (("--type", "users", "--exclude", "users"), "no type is left to read"),
    ],
)
def test_mistakes_are_found_before_any_request(console, argv, said):
    console.add("us1")
    done = console("capture", *argv)
    assert done.code == ExitCode.USAGE
    assert said in done.err
    assert console.sandbox.count() == 0
    assert not console.tip("journal/us1")


def test_a_type_that_is_only_declared_says_what_it_lacks(console):
    console.add("us1")
    for type_, lacks in DECLARED.items():
        done = console("capture", "--type", type_.name)
        assert done.code == ExitCode.USAGE
        assert f"{type_.name} is declared but not captured yet: it lacks {lacks}" in done.err


def test_what_no_run_would_heed_is_refused(console):
    console.add("us1")
    console.configure("types: {x: {}}")
    done = console("capture")
    assert done.code == ExitCode.USAGE
    assert "has no effect" in done.err


def test_a_type_outside_the_configuration_is_refused(console):
    console.add("us1")
    console.configure("capture: {exclude: [users]}")
    done = console("capture", "--type", "users")
    assert done.code == ExitCode.USAGE
    assert "users is not among the types that ddsnap.yaml captures" in done.err


@pytest.mark.parametrize(
    "argv",
    [("--type", "monitors, dashboards"), ("--type", "monitors", "--type", "dashboards")],
)
def test_a_narrowed_capture_carries_the_others_over(console, argv):
    org = console.add("us1")
    console("capture")
    next(iter(org.table("teams").values()))["attributes"]["name"] = "Renamed"
    next(iter(org.table("monitors").values()))["name"] = "Renamed"
    teams = console.git("ls-tree", "snapshots/us1", "teams")
    done = console("capture", *argv)
    assert done.code == 0
    assert done.out.startswith("us1: 1 changed")
    assert "teams" not in done.err
    assert console.git("ls-tree", "snapshots/us1", "teams") == teams


def test_a_narrowed_first_capture_says_what_is_lacking(console):
    console.add("us1")
    done = console("capture", "--type", "monitors")
    assert done.code == 0
    assert re.search(r"^  not read yet: roles, users, .*dashboards", done.out, re.MULTILINE)


def test_an_excluded_type_is_not_read(console):
    console.add("us1")
    console("capture")
    before = console.sandbox.count("GET", "/api/v1/monitor")
    assert console("capture", "--exclude", "monitors").code == 0
    assert console.sandbox.count("GET", "/api/v1/monitor") == before


def test_a_locked_org_is_refused_and_its_holder_named(console):
    console.add("us1")
    with Repository.open(console.path) as repository, org_lock(repository, "us1", "a test"):
        done = console("capture", "us1")
    assert done.code == ExitCode.REFUSED
    assert "another run works on us1: a test by" in done.err
    assert not console.tip("journal/us1")


def test_keys_may_be_options_and_reach_no_record(console):
    org = console.add("us1")
    console.use_keys("us1", "wrong", "keys")
    keys = ("--api-key", org.api_key, f"--app-key={org.app_key}")
    assert console("capture", "us1", *keys, "--retries", "3").code == 0
    assert console.journal("us1")["arguments"] == ["capture", "us1", "--retries", "3"]
    assert org.api_key not in console.git("log", "--all", "-p", "--text")


def test_one_pair_of_keys_is_not_sent_to_several_orgs(console):
    console.add("us1")
    console.add("eu1", seed=6)
    done = console("capture", "--api-key", "x", "--app-key", "y")
    assert done.code == ExitCode.USAGE
    assert console.sandbox.count() == 0


def test_keys_are_not_sent_to_a_strange_host(console):
    console.add("us1")
    path = console.path / "ddsnap.yaml"
    path.write_text(path.read_text().replace("127.0.0.1", "datadog.example"))
    done = console("capture")
    assert done.code == ExitCode.USAGE
    assert "--allow-host datadog.example" in done.err


def test_an_allowed_host_is_asked(console):
    console.add("us1")
    path = console.path / "ddsnap.yaml"
    path.write_text(re.sub(r"http://127.0.0.1:\d+", "http://nowhere.invalid:1", path.read_text()))
    done = console("capture", "--allow-host", "nowhere.invalid", *GIVING_UP)
    assert done.code == ExitCode.FAILED
    assert "error: us1: connection failed" in done.err


def test_with_json_each_line_is_an_event_and_each_resource_one_outcome(console):
    org = console.add("us1")
    console.add("eu1", seed=6)
    console.use_keys("eu1", "wrong", "keys")
    org.table("monitors")[next(iter(org.table("monitors")))]["zzz"] = 1
    done = console("capture", "--json")
    assert done.code == ExitCode.FAILED
    assert {event["org"] for event in done.events} == {"us1", "eu1"}
    (error,) = done.of("error")
    assert (error["org"], error["code"]) == ("eu1", 1)
    (captured,) = done.of("captured")
    changes = done.of("change")
    assert captured["counts"] == {"added": len(changes)}
    assert captured["commit"] == console.tip("snapshots/us1")
    assert captured["new"] is True
    assert captured["requests"] == console.sandbox.count(org="us1")
    assert set(captured["types"]) == {event["type"] for event in done.of("type_finished")}
    assert len({(change["type"], change["id"]) for change in changes}) == len(changes)
    assert done.of("new_field")[0] | {"event": ""} == {
        "event": "", "org": "us1", "type": "monitors", "field": "zzz", "count": 1,
    }  # fmt: skip


def test_the_program_itself_captures_and_keeps_its_streams_apart(console):
    console.add("us1")
    done = console.start("--json", "capture")
    assert done.returncode == 0
    assert [json.loads(line) for line in done.stdout.splitlines()][-1]["event"] == "captured"
    assert b"us1: " in done.stderr
    again = console.start("capture", "-q")
    assert (again.returncode, again.stderr) == (0, b"")
    assert again.stdout.startswith(b"us1: no changes (")
    assert console.git("fsck", "--strict") == ""


def test_a_record_that_no_page_can_hold_is_named_by_its_place(console):
    console.add("us1")
    console.sandbox.faults.add(Fault(path="/api/v1/dashboard$", covers=2, status=500))
    done = console("capture", *GIVING_UP)
    assert done.code == ExitCode.PARTIAL
    (line,) = (line for line in done.out.splitlines() if "offset 2" in line)
    assert line.startswith("  ! dashboards offset 2: every page that holds it fails: HTTP 500")
    assert line.endswith("; what is known of it is kept")
    assert "warning: us1: dashboards is partial: 1 could not be read or stored" in done.err
