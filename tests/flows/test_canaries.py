"""Secrets planted in an org and captured over HTTP: in no object, and named until decided."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.core import canonical, pointers
from ddsnap.core.normalize import is_secret
from ddsnap.errors import ApiError, ExitCode
from ddsnap.flows.capture import capture, exit_code
from ddsnap.flows.guard import Guard
from ddsnap.flows.read_org import Scope
from ddsnap.flows.view import live_view
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orgs import Backup

    from ddsnap.flows.outcome import CaptureResult

TOKEN = "ghp" + "_" + "1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R"
PASSWORD = "hunter2-canary"
RANDOM = "aB3dE5gH7" + "jK9mN1pQ3sT5vW7yZ9bC"
HEADERS = {
    "Authorization": "Bearer canary-of-a-header",
    "Cookie": "session=canary-of-a-cookie",
    "X-Api-Key": "canary-of-an-api-key",
}
VARIABLE = "canary-of-a-secure-variable"
CANARIES = [TOKEN, PASSWORD, RANDOM, VARIABLE, *(v.split()[-1] for v in HEADERS.values())]


def plant(backup: Backup) -> dict[str, Any]:
    """Put canaries into an org; return the bodies that hold them, by what they are."""
    org = backup.org
    monitor = next(iter(org.resources("monitors").values()))
    monitor["message"] = f"curl -H 'Authorization: token {TOKEN}' https://example.com"
    board = next(iter(org.resources("dashboards").values()))
    note = f"see https://reader:{PASSWORD}@wiki.example.com/page"
    board["widgets"][0]["definition"] = {"type": "note", "content": note}
    org.load("logs_indexes", [_index("canaries", {"client_secret": RANDOM, "tags": [RANDOM[:9]]})])
    key = next(iter(org.resources("roles").values()))
    key["attributes"]["name"] = f"held by {org.app_key}"
    org.load("synthetics_tests", [_test("can-ary-tst")])
    return {"monitor": monitor, "board": board, "role": key}


def _index(name: str, more: dict[str, Any]) -> dict[str, Any]:
    basics = {"name": name, "filter": {"query": "*"}, "num_retention_days": 15}
    return {**basics, "exclusion_filters": [], **more}


def _test(id_: str) -> dict[str, Any]:
    request = {
        "method": "GET",
        "url": "https://example.com",
        "headers": {**HEADERS, "Accept": "text/html"},
        "basicAuth": {"type": "web", "username": "reader", "password": PASSWORD},
    }
    secure = {"name": "V", "type": "text", "secure": True, "pattern": VARIABLE, "example": ""}
    return {
        "public_id": id_,
        "name": "with secrets",
        "type": "api",
        "subtype": "http",
        "status": "paused",
        "message": "",
        "tags": [],
        "locations": ["aws:eu-west-1"],
        "options": {"tick_every": 900},
        "config": {"assertions": [], "request": request, "configVariables": [secure]},
        "modified_at": "2024-05-01T00:00:00.000000+00:00",
    }


def run_capture(
    backup: Backup,
    allow: Iterable[str] = (),
    redact: Iterable[str] = (),
    **scope: Any,
) -> CaptureResult:
    """Capture with the run's own keys known, as the command does."""
    guard = Guard.of([backup.org.api_key, backup.org.app_key], allow, redact)
    with backup.run() as run:
        return capture(replace(run, guard=guard), Scope(backup.catalog.names, **scope))


def objects(backup: Backup) -> bytes:
    """Everything that is in the repository, reachable or not."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, cwd=backup.folder, capture_output=True, check=True).stdout


def found_in(backup: Backup) -> list[str]:
    every = objects(backup)
    keys = [backup.org.api_key, backup.org.app_key]
    return [canary for canary in [*CANARIES, *keys] if canary.encode() in every]


def places(result: CaptureResult) -> set[str]:
    return {found.place for found in result.secrets}


ALL = {
    "monitors:/message",
    "dashboards:/widgets/0/definition/content",
    "logs_indexes:/client_secret",
    "roles:/attributes/name",
}


def test_no_canary_is_in_any_object_and_each_is_named(backup: Backup) -> None:
    planted = plant(backup)
    result = run_capture(backup)
    assert found_in(backup) == []
    assert places(result) == ALL
    assert exit_code(result) == ExitCode.PARTIAL
    monitor = next(found for found in result.secrets if found.address.type == "monitors")
    assert monitor.address.id == str(planted["monitor"]["id"])
    assert monitor.title == planted["monitor"]["name"]
    assert monitor.why == "a GitHub token"
    stored = backup.document(f"monitors/{monitor.address.id}.json")
    assert is_secret(stored["message"])
    assert stored["query"] == planted["monitor"]["query"]
    assert not [outcome.problems for outcome in result.types.values() if outcome.problems]


def test_what_is_declared_is_narrow_and_no_finding(backup: Backup) -> None:
    plant(backup)
    result = run_capture(backup)
    assert not [found for found in result.secrets if found.address.type == "synthetics_tests"]
    config = backup.document("synthetics_tests/can-ary-tst.json")["config"]
    headers = config["request"]["headers"]
    assert headers["Accept"] == "text/html"
    assert all(is_secret(headers[name]) for name in HEADERS)
    assert is_secret(config["request"]["basicAuth"]["password"])
    assert config["request"]["basicAuth"]["username"] == "reader"
    assert is_secret(config["configVariables"][0]["pattern"])


def test_the_journal_names_the_place_and_never_the_value(backup: Backup) -> None:
    plant(backup)
    run_capture(backup)
    record = canonical.decode(backup.git("show", "journal/us1:run.json").encode())
    assert pointers.get(record, "/state") == "partial"
    told = pointers.get(record, "/types/logs_indexes")
    assert isinstance(told, dict)
    assert told["secret_count"] == 1
    why = "a random text under the name 'client_secret'"
    assert told["secrets"] == [{"id": "canaries", "pointer": "/client_secret", "why": why}]


def test_each_run_names_them_again_without_a_commit(backup: Backup) -> None:
    plant(backup)
    first = run_capture(backup)
    for again in (run_capture(backup), run_capture(backup, full=True)):
        assert not again.committed
        assert again.commit == first.commit
        assert places(again) == ALL
        assert exit_code(again) == ExitCode.PARTIAL
    assert found_in(backup) == []


def test_what_is_redacted_by_the_configuration_is_settled(backup: Backup) -> None:
    plant(backup)
    found = run_capture(backup).secrets
    decided = [f"{secret.address}:{secret.pointer}" for secret in found]
    settled = run_capture(backup, redact=decided)
    assert not settled.committed
    assert settled.secrets == []
    assert exit_code(settled) == ExitCode.DONE
    assert places(run_capture(backup, redact=decided[1:])) == {found[0].place}
    assert found_in(backup) == []


def test_the_configuration_redacts_what_no_rule_would_find(backup: Backup) -> None:
    backup.capture()
    monitor = next(iter(backup.org.resources("monitors").values()))
    result = run_capture(backup, redact=("monitors:/query",))
    assert exit_code(result) == ExitCode.DONE
    assert is_secret(backup.document(f"monitors/{monitor['id']}.json")["query"])
    changed = {change.address.type for change in result.changes}
    assert changed == {"monitors"}
    assert not run_capture(backup, redact=("monitors:/query",)).committed


def test_what_is_allowed_is_stored_but_never_a_key_of_the_run(backup: Backup) -> None:
    plant(backup)
    run_capture(backup)
    result = run_capture(backup, allow=tuple(ALL))
    assert places(result) == {"roles:/attributes/name"}
    assert {change.address.type for change in result.changes} == ALL_TYPES - {"roles"}
    assert found_in(backup) == [TOKEN, PASSWORD, RANDOM]


ALL_TYPES = {place.partition(":")[0] for place in ALL}


def test_what_is_redacted_later_goes_at_the_next_run(backup: Backup) -> None:
    """Even where nothing else has changed, so that nothing is read again for it."""
    backup.capture(full_every=10_000 * 86400.0)
    id_ = next(iter(backup.org.resources("dashboards")))
    decided = (f"dashboards/{id_}:/widgets",)
    result = run_capture(backup, redact=decided, full_every=10_000 * 86400.0)
    assert [change.address.id for change in result.changes] == [id_]
    assert is_secret(backup.document(f"dashboards/{id_}.json")["widgets"])
    again = run_capture(backup, redact=decided, full_every=10_000 * 86400.0)
    assert "GET /api/v1/dashboard/{id}" not in again.requests


def test_what_is_no_longer_allowed_is_found_again(backup: Backup) -> None:
    plant(backup)
    run_capture(backup, allow=tuple(ALL), full_every=10_000 * 86400.0)
    result = run_capture(backup, full_every=10_000 * 86400.0)
    assert places(result) == ALL
    assert {change.address.type for change in result.changes} == ALL_TYPES - {"roles"}


def test_the_id_itself_cannot_be_redacted(backup: Backup) -> None:
    result = run_capture(backup, redact=("monitors:/id",))
    problems = result.types["monitors"].problems
    assert problems
    assert problems[0].reason == "what identifies it, or the name of a member, is a secret"


def test_a_set_with_secrets_in_it_stays_sorted(backup: Backup) -> None:
    monitor = next(iter(backup.org.resources("monitors").values()))
    monitor["tags"] = ["a:1", TOKEN, "z:1", TOKEN.lower()]
    result = run_capture(backup)
    assert len(result.secrets) == 2
    assert not result.types["monitors"].problems
    tags = backup.document(f"monitors/{monitor['id']}.json")["tags"]
    assert len([tag for tag in tags if is_secret(tag)]) == 1
    assert [tag for tag in tags if isinstance(tag, str)] == ["a:1", "z:1"]
    assert not run_capture(backup).committed


def test_a_live_view_holds_markers_too(backup: Backup) -> None:
    planted = plant(backup)
    with backup.run() as run:
        view, result = live_view(run, Scope(backup.catalog.names))
        path = f"monitors/{planted['monitor']['id']}.json"
        assert TOKEN.encode() not in (view.read(path) or b"")
        assert result.partial


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_a_server_echoes_stands_in_no_record(backup: Backup, status: int) -> None:
    org = backup.org
    said = f"key {org.app_key} and {org.api_key} with {TOKEN} at https://u:{PASSWORD}@h/ refused"
    fault = Fault(path="/api/v1/monitor", status=status, body={"errors": [said]})
    backup.sandbox.faults.add(fault)
    result = run_capture(backup)
    state = result.types["monitors"].state
    assert "key *** and *** with *** at ***" in state.reason
    assert found_in(backup) == []
    told = repr([result.types["monitors"], backup.events])
    assert not [c for c in (*CANARIES, org.app_key, org.api_key) if c in told]


def test_refused_keys_are_recorded_without_them(backup: Backup) -> None:
    said = f"{backup.org.api_key} is disabled, see {TOKEN}"
    backup.sandbox.faults.add(Fault(path="/api/v1/monitor", status=401, body={"errors": [said]}))
    with pytest.raises(ApiError, match=r"\*\*\* is disabled, see \*\*\*"):
        run_capture(backup)
    assert found_in(backup) == []
