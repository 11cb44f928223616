"""Secrets that a replay is given: each gets to its own place, and to no other place or record."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from pairs import pair, probe

from ddsnap.config import variable as key_of
from ddsnap.flows.supply import variable

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
