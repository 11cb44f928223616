"""What people and programs are told of secrets: the place and the way out, never the value."""

import pytest

from ddsnap.errors import ExitCode
from ddsnap.sandbox import Fault

TOKEN = "ghp" + "_" + "1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R"
SUPPLIED = "canary-of-a-supplied-secret"


@pytest.fixture
def planted(console, monkeypatch):
    """An org with secrets in a message, a title and a role; the run knows two of them."""
    monkeypatch.setenv("DDSNAP_SECRET_WEBHOOK", SUPPLIED)
    org = console.add("us1")
    first, second, *_ = org.resources("monitors").values()
    first["message"] = f"call with {TOKEN}\nplease"
    second["name"] = f"hook {SUPPLIED} is slow"
    next(iter(org.resources("roles").values()))["attributes"]["name"] = org.app_key
    return org


def canaries(org):
    return [TOKEN, SUPPLIED, org.api_key, org.app_key]


def leaks(org, text):
    return [canary for canary in canaries(org) if canary in text]


LOUD = [(), ("-q",), ("-v",), ("-v", "-v"), ("--json",), ("--json", "-v", "-v")]


@pytest.mark.parametrize("options", LOUD)
def test_nothing_that_is_written_holds_a_secret(console, planted, options):
    for again in (False, True):
        done = console(*options, "capture", "us1")
        assert done.code == ExitCode.PARTIAL, again
        assert leaks(planted, done.out + done.err) == []
        objects = console.git_bytes("cat-file", "--batch-all-objects", "--batch")
        assert b'"$ddsnap"' in objects
        assert leaks(planted, objects.decode(errors="replace")) == []


def test_each_is_named_with_the_way_out(console, planted):
    first, second, *_ = planted.resources("monitors").values()
    done = console("capture", "us1")
    named = f'monitors "{first["name"]}" {first["id"]}'
    one = f"{named}: a GitHub token was redacted at monitors:/message"
    two = f"monitors {second['id']}: a secret that the run knows was redacted at monitors:/name"
    assert f"  ! {one}\n" in done.out
    assert f"  ! {two}\n" in done.out
    assert "us1: 3 secrets redacted; add each TYPE:POINTER" in done.err
    assert "secrets.allow if it is none" in done.err


def test_programs_are_told_too(console, planted):
    told = console("--json", "capture", "us1").of("secret")
    assert {(event["type"], event["pointer"]) for event in told} == {
        ("monitors", "/message"),
        ("monitors", "/name"),
        ("roles", "/attributes/name"),
    }
    assert {event["org"] for event in told} == {"us1"}
    members = {"event", "org", "type", "id", "title", "pointer", "why"}
    assert all(set(event) == members for event in told)


def test_a_decision_in_the_file_ends_it(console, planted):
    first, *_ = planted.resources("monitors").values()
    console("capture", "us1")
    console.configure(
        f"secrets: {{allow: ['monitors/{first['id']}:/message'],"
        " redact: ['monitors:/name', 'roles:/attributes/name']}"
    )
    done = console("capture", "us1")
    assert done.code == ExitCode.DONE
    assert "redacted" not in done.out + done.err
    assert TOKEN in console.git("show", f"snapshots/us1:monitors/{first['id']}.json")
    assert console("capture", "us1").code == ExitCode.DONE


def test_a_dry_run_and_a_diff_show_no_secret(console, planted):
    for command in (("capture", "--dry-run"), ("capture",), ("diff", "us1", "--exit-code")):
        done = console("-v", "-v", *command)
        assert leaks(planted, done.out + done.err) == []


@pytest.mark.parametrize("options", [(), ("-v", "-v"), ("--json",)])
def test_an_error_shows_no_secret(console, planted, options):
    said = f"{planted.app_key} with {TOKEN} is refused"
    console.sandbox.faults.add(Fault(path="/api/v1/monitor", status=401, body={"errors": [said]}))
    done = console(*options, "capture", "us1")
    assert done.code == ExitCode.FAILED
    assert "*** with *** is refused" in done.out + done.err
    assert leaks(planted, done.out + done.err) == []


def test_a_bug_report_holds_no_secret(console, planted, monkeypatch):
    from ddsnap.cli import captured

    def fail(*_, **__):
        raise RuntimeError(f"{TOKEN} {SUPPLIED} {planted.api_key} https://u:hunter2-canary@h/")

    monkeypatch.setattr(captured, "tell", fail)
    done = console("capture", "us1", "--app-key", planted.app_key)
    assert done.code == ExitCode.BUG
    assert leaks(planted, done.out + done.err) == []
    (report,) = (console.path / ".git" / "ddsnap").glob("report-*.txt")
    text = report.read_text()
    assert "RuntimeError: *** *** *** ***" in text
    assert leaks(planted, text) == []
    assert "hunter2" not in text
