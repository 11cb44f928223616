"""Secrets that a replay is given: each gets to its own place, and to no other place or record."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from pairs import note, pair, probe

from ddsnap.config import variable as key_of
from ddsnap.flows.supply import variable
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

TESTS = "/api/v1/synthetics/tests"
FROM_SOURCE = "--secrets-from-source"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def rule(orgs: Pair, *operations: str) -> None:
    """Let these operations alone be done to each test on its way."""
    folder = orgs.path / "transforms"
    folder.mkdir(exist_ok=True)
    text = f"match: {{types: [synthetics_tests]}}\npatch: [{', '.join(operations)}]\n"
    (folder / "rule.yaml").write_text(text)


# --- to its own place


def step(name: str, password: str = "") -> dict[str, Any]:
    request: dict[str, Any] = {"method": "GET", "url": f"https://{name}.example"}
    if password:
        request["basicAuth"] = {"type": "web", "username": "u", "password": password}
    ok = {"type": "statusCode", "operator": "is", "target": 200}
    more = {"assertions": [ok], "retry": {"count": 0, "interval": 300}}
    flags = {"allowFailure": False, "isCritical": True}
    return {"name": name, "subtype": "http", **flags, **more, "request": request}


def journey(orgs: Pair, *steps: dict[str, Any]) -> str:
    """Make a test of several steps at the source."""
    body = {**probe("journey"), "subtype": "multi", "config": {"steps": list(steps)}}
    return str(orgs.us1.post(f"{TESTS}/api", body)["public_id"])


def held(orgs: Pair) -> dict[str, str]:
    """The passwords at the destination, by the name of their step."""
    steps = orgs.eu1.one("synthetics_tests", "journey")["config"]["steps"]
    told = {one["name"]: one["request"].get("basicAuth", {}).get("password") for one in steps}
    return {name: password for name, password in told.items() if password}


def password(nth: int) -> str:
    return f"/config/steps/{nth}/request/basicAuth/password"


STEPS = (step("warm"), step("bank", "of the bank"), step("blog", "of the blog"))
OWN = {"bank": "of the bank", "blog": "of the blog"}


@pytest.mark.parametrize(
    "operation",
    [
        "{op: remove, path: /config/steps/0}",
        "{op: move, from: /config/steps/2, path: /config/steps/1}",
        "{op: move, from: /config/steps/2, path: /config/steps/0}",
    ],
)
def test_the_sources_secret_goes_where_its_step_goes(orgs: Pair, operation: str) -> None:
    journey(orgs, *STEPS)
    rule(orgs, operation)
    orgs.replay(FROM_SOURCE)
    assert held(orgs) == OWN
    orgs.settle(FROM_SOURCE)


def test_the_sources_secret_goes_to_no_other_step(orgs: Pair) -> None:
    id_ = journey(orgs, *STEPS[:2], step("blog"))
    way = "/config/steps/{}/request/basicAuth"
    rule(orgs, f"{{op: move, from: {way.format(1)}, path: {way.format(2)}}}")
    said = orgs.replay(FROM_SOURCE, code=4)
    assert said.sent == []
    assert variable("synthetics_tests", id_, password(2)) in said.out


def test_the_secret_of_a_step_that_leads_elsewhere_by_now_is_not_sent(orgs: Pair) -> None:
    journey(orgs, *STEPS)
    orgs.capture()
    (there,) = orgs.us1.all("synthetics_tests").values()
    there["config"]["steps"][1]["request"]["url"] = "https://elsewhere.example"
    there["config"]["steps"][2]["request"]["timeout"] = 30
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", FROM_SOURCE)
    assert (said.code, said.sent) == (4, [])
    assert password(1) in said.out
    assert password(2) not in said.out


def test_a_variable_names_the_place_that_the_plan_names(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = journey(orgs, *STEPS)
    rule(orgs, "{op: remove, path: /config/steps/0}")
    orgs.capture()
    (need,) = orgs.run("--json", "plan", "us1", "--to", "eu1").events("secret_needed")
    names = need["how"].removeprefix("set ").split(", ")
    assert names == [variable("synthetics_tests", id_, password(n)) for n in (0, 1)]
    said = orgs.replay(code=4)
    assert (said.sent, need["how"] in said.out) == ([], True)
    for name, value in zip(names, OWN.values(), strict=True):
        monkeypatch.setenv(name, value)
    orgs.replay()
    assert held(orgs) == OWN


def test_so_does_the_secrets_file(orgs: Pair) -> None:
    id_ = journey(orgs, *STEPS)
    rule(orgs, "{op: remove, path: /config/steps/0}")
    file = orgs.path.parent / "secrets.yaml"
    places = f"{{{password(0)}: of the bank, {password(1)}: of the blog}}"
    file.write_text(f"synthetics_tests/{id_}: {places}\n")
    os.chmod(file, 0o600)  # noqa: PTH101
    config = orgs.path / "ddsnap.yaml"
    config.write_text(config.read_text() + f"secrets: {{file: '{file}'}}\n")
    orgs.replay()
    assert held(orgs) == OWN


# --- from the org that is meant


def test_a_quiet_plan_counts_what_lacks_a_secret_too(orgs: Pair) -> None:
    journey(orgs, *STEPS)
    orgs.capture()
    said = orgs.run("-q", "plan", "us1", "synthetics_tests", "--to", "eu1")
    assert said.out.splitlines()[-1] == "1 to create; 1 of them lacks a secret"


def test_keys_of_another_org_than_the_source_are_refused_before_it_is_read(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey(orgs, *STEPS)
    orgs.capture()
    other = orgs.sandbox.add_org("ap1")
    monkeypatch.setenv(key_of("us1", "api_key"), other.api_key)
    monkeypatch.setenv(key_of("us1", "app_key"), other.app_key)
    before = orgs.sandbox.requests.copy()
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", FROM_SOURCE)
    assert (said.code, said.sent) == (6, [])
    assert f"the keys of us1 belong to org {other.public_id}" in said.err
    asked = [route for org, _, route, _ in orgs.sandbox.requests - before if org == "ap1"]
    assert asked
    assert not [route for route in asked if "synthetics" in route]


# --- to no record

SECRET = "the plain pass phrase of the vault"
CONTENT = "/widgets/0/definition/content"


def config(orgs: Pair, line: str) -> None:
    file = orgs.path / "ddsnap.yaml"
    kept = [one for one in file.read_text().splitlines() if not one.startswith("secrets:")]
    file.write_text("\n".join([*kept, line, ""]))


def hidden_board(orgs: Pair, *more: Any, secret: str = SECRET) -> str:
    """A dashboard with a secret that no rule would find."""
    board = orgs.us1.dashboard("Board", note(secret), *more)
    config(orgs, f"secrets: {{redact: ['dashboards/{board}:{CONTENT}']}}")
    return board


def shown_there(orgs: Pair) -> list[str]:
    """The texts on the dashboard at the destination."""
    widgets = orgs.eu1.one("dashboards", "Board")["widgets"]
    return [one["definition"]["content"] for one in widgets]


def recorded(orgs: Pair, text: str) -> bool:
    """Whether a text stands in any object of the repository, reachable or not."""
    command = ["git", "-C", str(orgs.path), "cat-file", "--batch-all-objects", "--batch"]
    return text.encode() in subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.parametrize("secret", [SECRET, "hush"])
def test_what_the_source_redacts_is_redacted_where_it_was_sent(orgs: Pair, secret: str) -> None:
    hidden_board(orgs, secret=secret)
    orgs.capture()
    said = orgs.run("--json", "replay", "us1", "--to", "eu1", "--yes", "--live", FROM_SOURCE)
    assert said.code == 0, said.err
    assert shown_there(orgs) == [secret]
    assert secret not in said.out + said.err
    assert orgs.outcomes()["Board"]["settled"] == []
    assert not recorded(orgs, secret)
    for words in (("capture", "eu1", "--full"), ("diff", "eu1", "--exit-code"), ("verify",)):
        assert orgs.run(*words).code == 0, words
    assert not recorded(orgs, secret)
    orgs.settle()


def test_so_it_is_once_nobody_knows_its_value_any_more(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = hidden_board(orgs)
    name = variable("dashboards", board, CONTENT)
    monkeypatch.setenv(name, "the pass phrase of the other org")
    orgs.replay()
    monkeypatch.delenv(name)
    assert shown_there(orgs) == ["the pass phrase of the other org"]
    assert orgs.run("capture", "eu1", "--full").code == 0
    assert not recorded(orgs, "the pass phrase of the other org")
    # What is there stays there, whatever else is changed.
    orgs.us1.put(f"/api/v1/dashboard/{board}", {"title": "Board", "layout_type": "ordered",
                 "description": "new", "widgets": [{"definition": note(SECRET)}]})  # fmt: skip
    orgs.replay()
    assert shown_there(orgs) == ["the pass phrase of the other org"]
    assert orgs.eu1.one("dashboards", "Board")["description"] == "new"
    orgs.settle()


def test_a_marker_stays_where_a_rule_has_put_it_until_somebody_allows_the_text(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board", note("first"), note(SECRET), note("last"))
    config(orgs, f"secrets: {{redact: ['dashboards/{board}:/widgets/1/definition/content']}}")
    folder = orgs.path / "transforms"
    folder.mkdir(exist_ok=True)
    gone = "patch: [{op: remove, path: /widgets/0}]"
    (folder / "rule.yaml").write_text(f"match: {{types: [dashboards]}}\n{gone}\n")
    orgs.replay(FROM_SOURCE)
    there = orgs.eu1.one("dashboards", "Board")
    assert shown_there(orgs) == [SECRET, "last"]
    assert not recorded(orgs, SECRET)
    frame = {"definition": {"type": "iframe", "url": "https://example.com"}}
    more = {"title": "Board", "layout_type": "ordered"}
    widgets = [frame, frame, *there["widgets"]]
    orgs.eu1.put(f"/api/v1/dashboard/{there['id']}", {**more, "widgets": widgets})
    said = orgs.run("capture", "eu1")
    assert (said.code, recorded(orgs, SECRET)) == (4, False)
    place = "dashboards:/widgets/2/definition/content"
    assert f"what was redacted before was redacted at {place}" in said.out
    assert said.out.count("was redacted at") == 1
    config(orgs, f"secrets: {{allow: ['{place}']}}")
    assert orgs.run("capture", "eu1").code == 0
    assert recorded(orgs, SECRET)


def test_a_run_that_could_not_read_back_leaves_nothing_to_the_next_one(orgs: Pair) -> None:
    hidden_board(orgs)
    orgs.us1.role("ops")
    orgs.capture()
    orgs.sandbox.faults.add(Fault(org="eu1", method="POST", path="/api/v2/roles", status=401))
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", FROM_SOURCE)
    assert said.code == 1, said.err
    orgs.sandbox.faults.clear()
    config(orgs, "")  # whatever the configuration says by now
    assert shown_there(orgs) == [SECRET]
    assert orgs.run("capture", "eu1").code == 4
    assert not recorded(orgs, SECRET)


def test_what_the_destination_showed_already_is_not_recorded_once_it_is_known(orgs: Pair) -> None:
    hidden_board(orgs)
    orgs.eu1.dashboard("Other", note(f"see {SECRET}"))
    orgs.replay(FROM_SOURCE)
    assert SECRET not in orgs.git("grep", "-h", "-e", "content", "snapshots/eu1")
    assert orgs.run("capture", "eu1").code == 4
    assert SECRET not in orgs.git("grep", "-h", "-e", "content", "snapshots/eu1")


def test_what_a_lost_request_made_is_found_by_all_but_its_secret(orgs: Pair) -> None:
    hidden_board(orgs)
    path = "/api/v1/dashboard$"
    fault = Fault(org="eu1", method="POST", path=path, nth=1, status=504, after=True)
    orgs.sandbox.faults.add(fault)
    said = orgs.replay(FROM_SOURCE)
    assert said.sent == ["POST /api/v1/dashboard"]
    assert shown_there(orgs) == [SECRET]
    assert not recorded(orgs, SECRET)
    orgs.settle()


def secure(orgs: Pair, value: str) -> str:
    """A variable at the source that nobody is shown, to be given at a replay by the name."""
    body = {"name": "KEY", "description": "", "tags": [], "value": {"secure": True, "value": value}}
    id_ = str(orgs.us1.post("/api/v1/synthetics/variables", body)["id"])
    return variable("synthetics_global_variables", id_, "/value/value")


@pytest.mark.parametrize("word", ["", "requests", "unchanged"])
def test_a_secret_that_is_called_like_something_of_the_journal_spoils_none_of_it(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    board = orgs.us1.dashboard("Board")
    name = secure(orgs, "whatever")
    orgs.capture()
    monkeypatch.setenv(name, word or board)
    words = ("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert orgs.run(*words).code == 0
    assert orgs.ids("dashboards").keys() == {board}
    assert orgs.run("verify").code == 0
    assert orgs.run(*words).sent == []
    run = orgs.git("log", "-1", "--format=%(trailers:key=Ddsnap-Run,valueonly)", "journal/eu1^")
    undone = orgs.run("replay", "--undo", run.strip(), "--to", "eu1", "--yes")
    assert (undone.code, orgs.eu1.all("dashboards")) == (0, {})


def test_no_rule_makes_a_secret_one_that_everybody_may_read(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(secure(orgs, "whatever"), SECRET)
    folder = orgs.path / "transforms"
    folder.mkdir()
    bare = "patch: [{op: replace, path: /value/secure, value: false}]"
    (folder / "bare.yaml").write_text(f"match: {{types: [synthetics_global_variables]}}\n{bare}\n")
    said = orgs.replay(code=2)
    assert "it may not change what keeps value.value secret" in said.err
    assert said.sent == []
    assert not recorded(orgs, SECRET)
