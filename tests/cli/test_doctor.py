"""``ddsnap doctor``: what is wrong is named, with what to do, and nothing is changed."""

import errno
import json
import os
import subprocess
import tempfile
import time

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.sandbox import Fault
from ddsnap.store import program


def checked(console, *argv):
    """What was found, by level and check; the totals agree with it."""
    done = console("doctor", "--json", *argv)
    found = done.of("check")
    (totals,) = done.of("doctor")
    levels = [event["level"] for event in found]
    assert totals["ok"] == levels.count("ok")
    assert totals["warnings"] == levels.count("warn")
    assert totals["failures"] == levels.count("fail")
    assert (done.code == 0) == (totals["failures"] == 0)
    assert all(event["mend"] for event in found if event["level"] == "warn" and event["org"])
    return found, done.code


def those(found, level, check=""):
    return [e["text"] for e in found if e["level"] == level and check in ("", e["check"])]


def test_a_sound_backup_gets_one_line_for_each_check(console):
    org = console.add("us1")
    console("capture")
    before, refs = console.sandbox.count(), console.git("for-each-ref")
    found, code = checked(console, "us1")
    assert code == 0
    assert console.sandbox.count() - before <= len(CATALOG.names) + 3
    assert console.sandbox.writes == []
    assert console.git("for-each-ref") == refs
    assert those(found, "warn") == ["there is no remote: this repository is the only copy"]
    assert len(those(found, "ok", "type")) == len(CATALOG.names)
    keys = "API key from env:DDSNAP_US1_API_KEY, application key from env:DDSNAP_US1_APP_KEY"
    assert f"the keys are found: {keys}" in those(found, "ok", "keys")
    assert f"both keys are accepted: org 'us1' {org.public_id}" in those(found, "ok", "keys")
    assert those(found, "ok", "clock") == ["the clock here agrees with the server's"]
    done = console("doctor")
    assert "ok    us1: monitors can be read\n" in done.out
    assert done.out.endswith(" ok, 1 to look at, 0 to mend\n")
    assert org.api_key not in done.out + done.err
    assert org.app_key not in done.out + done.err


def test_a_repository_that_cannot_be_written_to_is_to_be_mended(console, monkeypatch):
    console.add("us1")
    console("capture")

    def refuse(**_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found, code = checked(console, "us1")
    assert code == 1
    (told,) = those(found, "fail")
    assert told == f"nothing can be recorded: {console.path / '.git'} cannot be written to: " + (
        os.strerror(errno.EROFS)
    )


def test_before_the_first_capture_an_org_wants_to_be_pinned(console):
    org = console.add("us1")
    found, code = checked(console)
    assert code == 0
    (pin,) = [event for event in found if event["check"] == "pin"]
    assert (pin["level"], pin["mend"]) == ("warn", "ddsnap doctor us1 --pin")
    path = console.path / "ddsnap.yaml"
    path.write_text(path.read_text() + "# the end, as it was\n")
    path.chmod(0o640)
    found, code = checked(console, "us1", "--pin")
    assert code == 0
    assert those(found, "ok", "pinned") == [f"ddsnap.yaml pins {org.public_id} now"]
    text = path.read_text()
    assert f'public_id: "{org.public_id}"' in text
    assert text.endswith("# the end, as it was\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in console.path.iterdir() if p.name.endswith(".new")] == []
    found, code = checked(console, "us1", "--pin")
    assert those(found, "ok", "pinned") == [f"it is pinned to {org.public_id} already"]
    assert path.read_text() == text
    assert console("capture").code == 0


def test_keys_of_another_org_are_told_and_never_pinned(console):
    console.add("us1", pin="abc123")
    found, code = checked(console, "--pin")
    assert code == 2  # the pin was asked for and cannot be
    assert any("but ddsnap.yaml pins abc123" in text for text in those(found, "fail", "identity"))
    assert "abc123" in (console.path / "ddsnap.yaml").read_text()
    assert checked(console)[1] == 1


def test_keys_of_another_org_than_the_snapshot_s_are_told(console):
    console.add("us1")
    console("capture")
    other = console.sandbox.add_org("other")
    console.use_keys("us1", other.api_key, other.app_key)
    found, code = checked(console)
    assert code == 1
    assert "the last snapshot of us1 is of" in those(found, "fail", "identity")[0]


def test_keys_that_are_missing_refused_or_forbidden_are_told(console):
    org = console.add("us1")
    console.use_keys("us1", "", org.app_key)
    found, code = checked(console)
    assert (code, those(found, "fail")) == (
        2, ["DDSNAP_US1_API_KEY is not set: it holds the API key of 'us1'"],
    )  # fmt: skip
    console.use_keys("us1", org.api_key, "a-wrong-key")
    found, code = checked(console)
    assert code == 1
    assert "the application key was refused" in those(found, "fail", "identity")[0]
    assert those(found, "ok", "type") == []
    found, code = checked(console, "us1", "--app-key", org.app_key)
    assert code == 0
    assert "application key from the command line" in those(found, "ok", "keys")[0]


def test_keys_go_to_no_host_that_nobody_allowed(console):
    console.add("us1")
    path = console.path / "ddsnap.yaml"
    path.write_text(path.read_text().replace(console.sandbox.url, "http://datadog.example:1"))
    found, code = checked(console)
    assert code == 2
    assert "datadog.example is not one of Datadog's hosts" in those(found, "fail", "config")[0]


def test_a_missing_permission_is_named_for_its_type(console):
    console.add("us1")
    console.sandbox.faults.add(Fault(path=r"^/api/v2/downtime", status=403))
    console.sandbox.faults.add(Fault(path=r"^/api/v1/synthetics/tests", status=403))
    console.sandbox.faults.add(Fault(path=r"^/api/v1/logs/config/pipelines$", status=404))
    found, code = checked(console)
    assert code == 0
    told = those(found, "warn", "type")
    assert len(told) == 3
    assert any("downtime_schedules" in text and "monitors_downtime" in text for text in told)
    assert any("synthetics_tests" in text and "lacks synthetics_read (" in text for text in told)
    assert any(text.startswith("logs_pipelines is not to be had here") for text in told)
    console.configure("capture: {types: [downtime_schedules]}")
    found, code = checked(console)
    assert (code, len(those(found, "fail", "type"))) == (1, 1)


def test_a_permission_that_is_lost_is_worse_than_one_that_never_was(console):
    console.add("us1")
    console("capture")
    console.sandbox.faults.add(Fault(path=r"^/api/v1/monitor$", status=403))
    console.sandbox.faults.add(Fault(path=r"^/api/v1/dashboard$", status=500))
    found, code = checked(console, "--retries", "0")
    assert code == 1
    told = those(found, "fail", "type")
    assert any(text.startswith("monitors cannot be read: the application key") for text in told)
    assert any(text.startswith("dashboards: page 1: HTTP 500") for text in told)
    assert "restriction_policies can be read" in those(found, "ok", "type")


def test_each_type_is_asked_for_once_and_for_one_item(console):
    console.add("us1", size=300)
    before = dict(console.sandbox.requests)
    assert checked(console)[1] == 0
    made = {k: n - before.get(k, 0) for k, n in console.sandbox.requests.items()}
    assert set(made.values()) <= {0, 1}


def test_a_clock_that_is_wrong_is_told(console, monkeypatch):
    console.add("us1")
    late = time.time() - 3600
    monkeypatch.setattr("email.utils.formatdate", lambda *a, **k: _date(late))
    found, code = checked(console)
    (told,) = those(found, "warn", "clock")
    assert code == 0
    assert told.startswith("the clock here is 3")
    assert told.endswith(" s ahead of the server's")


def _date(seconds):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


def test_the_repository_is_looked_at_too(console):
    console.add("us1")
    console("capture")
    console.git("config", "gc.auto", "6700")
    console.git("checkout", "-q", "-f", "snapshots/us1")
    left = console.path / ".git" / "objects" / "pack" / "tmp_pack_ddsnap_left"
    left.write_bytes(b"PACK")
    found, code = checked(console)
    assert code == 0  # the configuration is read from main
    by_check = {event["check"]: event for event in found if event["level"] == "warn"}
    assert by_check["gc"]["mend"] == "git config gc.auto 0"
    assert "snapshots/us1 checked out" in by_check["checkout"]["text"]
    assert str(left) in by_check["leftovers"]["text"]
    assert left.exists()


def test_no_repository_and_a_broken_configuration_are_findings(console, tmp_path):
    found, code = checked(console, "-C", str(tmp_path))
    assert (code, len(found)) == (1, 1)
    assert "is not in a git repository" in those(found, "fail", "repository")[0]
    console.add("us1")
    (console.path / "ddsnap.yaml").write_text("version: 1\norgs: {us1: {sit: datadoghq.com}}\n")
    found, code = checked(console)
    assert code == 2
    assert "ddsnap.yaml:2:14" in those(found, "fail", "config")[0]
    assert those(found, "ok", "repository")


def test_without_a_git_that_is_said(console, monkeypatch):
    console.add("us1")
    monkeypatch.setattr(program.shutil, "which", lambda _: None)
    found, code = checked(console)
    assert code == 0
    assert those(found, "warn", "git")


@pytest.fixture
def hub(console, tmp_path):
    console.add("us1")
    path = tmp_path / "hub"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    console.git("remote", "add", "origin", path.as_uri())
    return path


def branches(console):
    found, code = checked(console)
    return {e["text"].split()[0]: e for e in found if e["check"] == "branch"}, code


def test_the_remote_is_asked_and_compared(console, hub):
    assert branches(console) == ({}, 0)
    console("capture")
    found, code = branches(console)
    assert code == 0
    never = {name: event["text"] for name, event in found.items()}
    assert never == {name: f"{name} was never pushed" for name in ("snapshots/us1", "journal/us1")}
    console("capture", "--push")
    assert {e["level"] for e in branches(console)[0].values()} == {"ok"}
    console("capture")
    found, _ = branches(console)
    assert found["journal/us1"]["text"] == "journal/us1 is ahead of origin/journal/us1"
    assert found["journal/us1"]["mend"] == "ddsnap capture us1 --push"


def test_what_the_remote_has_more_or_otherwise_is_told(console, hub, tmp_path):
    console("capture", "--push")
    old = console.tip("journal/us1")
    console("capture", "--push")
    console.git("update-ref", "refs/heads/journal/us1", old)
    found, code = branches(console)
    assert code == 0
    told = found["origin/journal/us1"]["text"]
    assert told == "origin/journal/us1 has more than is here; the next run fetches it"
    console("capture", "--offline")
    found, code = branches(console)
    assert code == 1
    assert "have diverged" in found["journal/us1"]["text"]
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(hub), str(other)], check=True, capture_output=True)
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty"]
    words = [
        ["git", "checkout", "-q", "journal/us1"],
        [*commit, "-m", "more"],
        ["git", "push", "-q"],
    ]
    for word in words:
        subprocess.run(word, cwd=other, check=True, capture_output=True)
    found, code = branches(console)
    told = found["origin/journal/us1"]["text"]
    assert (code, told) == (0, "origin/journal/us1 has what is not here; the next run fetches it")


def test_a_remote_that_does_not_answer_is_a_failure(console, tmp_path):
    console.add("us1")
    console.git("remote", "add", "origin", (tmp_path / "nowhere").as_uri())
    found, code = checked(console)
    assert (code, len(those(found, "fail", "remote"))) == (1, 1)
    console.configure("remote: backup")
    found, code = checked(console)
    assert code == 2
    assert "git knows no remote called 'backup' here" in those(found, "fail", "remote")


def test_a_shallow_repository_is_told(console, hub, tmp_path):
    console("capture", "--push")
    console("capture", "--push")
    console.git("push", "-q", "origin", "main")
    shallow = tmp_path / "shallow"
    clone = ["git", "clone", "-q", "--depth=1", "--no-single-branch", hub.as_uri(), str(shallow)]
    subprocess.run([*clone, "-b", "main"], check=True, capture_output=True)
    (shallow / "ddsnap.yaml").write_bytes((console.path / "ddsnap.yaml").read_bytes())
    found, code = checked(console, "-C", str(shallow))
    assert code == 0
    (told,) = [event for event in found if event["check"] == "shallow"]
    assert (told["level"], told["mend"]) == ("warn", "git fetch --unshallow")


def test_several_orgs_are_looked_at_in_turn(console):
    us1 = console.add("us1")
    console.add("eu1", seed=6)
    console.use_keys("us1", us1.api_key, "wrong")
    found, code = checked(console)
    assert code == 1
    assert [e["org"] for e in found if e["check"] == "clock"] == ["eu1"]
    assert console("doctor", "--api-key", "x").code == 2
    assert json.loads(console("doctor", "nope", "--json").out.splitlines()[-1])["failures"] == 1
