"""Synthetic tests, their variables and locations, from one org to another, secrets included."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
from pairs import pair, probe

from ddsnap.flows.supply import variable as variable_of
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from pairs import Pair

TESTS = "/api/v1/synthetics/tests"
VARIABLES = "/api/v1/synthetics/variables"
HERE, THERE, OTHER = (f"{n}1111111-2222-4333-8444-555555555555" for n in "149")


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_each_kind_is_written_where_its_kind_is(orgs: Pair) -> None:
    kinds = {
        "api": probe("one"),
        "multi": probe("two", subtype="multi", config={"steps": [step("s")]}),
        "browser": browser("three", {"name": "s", "type": "click", "params": {"element": {}}}),
        "mobile": {**browser("four"), "type": "mobile", "options": {"tick_every": 60},
                   "config": {"initialApplicationArguments": {}}},
    }  # fmt: skip
    for kind, body in kinds.items():
        orgs.us1.post(f"{TESTS}/{'api' if kind == 'multi' else kind}", body)
    network = {"attributes": {**probe("five", type="network", subtype="tcp"),
               "config": {"assertions": [], "request": {"host": "h", "port": 443}}},
               "type": "network"}  # fmt: skip
    orgs.us1.post("/api/v2/synthetics/tests/network", {"data": network})
    said = orgs.replay()
    assert sorted(write.path.removeprefix("/api") for write in said.on("/synthetics/tests")) == [
        "/v1/synthetics/tests/api",
        "/v1/synthetics/tests/api",
        "/v1/synthetics/tests/browser",
        "/v1/synthetics/tests/mobile",
        "/v2/synthetics/tests/network",
    ]
    orgs.settle()
    for body in orgs.us1.all("synthetics_tests").values():
        body.update(message="changed", modified_at="2099-01-01T00:00:00+00:00")
    said = orgs.replay()
    assert sorted(w.path.split("/tests/")[1].split("/")[0] for w in said.writes) == [
        "api", "api", "browser", "mobile", "network"
    ]  # fmt: skip
    assert {write.method for write in said.writes} == {"PUT"}
    orgs.settle()
    orgs.us1.all("synthetics_tests").clear()
    assert orgs.run("-q", "capture", "us1", "--accept-loss", "synthetics_tests").code == 0
    orgs.replay("--delete")
    assert orgs.eu1.all("synthetics_tests") == {}


@pytest.mark.parametrize(
    ("kind", "options", "foreign"),
    [
        (
            "api",
            {"rumSettings": {"isEnabled": True, "applicationId": HERE, "clientTokenId": 12345}},
            {f"rum_applications/{HERE}": THERE, "rum_client_tokens/12345": "777"},
        ),
        (
            "mobile",
            {"mobileApplication": {"applicationId": HERE, "referenceId": HERE,
                                   "referenceType": "latest"}},
            {f"synthetics_mobile_applications/{HERE}": THERE},
        ),
        (
            "mobile",
            {"mobileApplication": {"applicationId": HERE, "referenceId": OTHER,
                                   "referenceType": "version"}},
            {f"synthetics_mobile_applications/{HERE}": THERE,
             f"synthetics_mobile_applications_versions/{OTHER}": THERE},
        ),
    ],
)  # fmt: skip
def test_ids_of_what_is_not_captured_block_until_each_is_named(
    orgs: Pair, kind: str, options: Any, foreign: dict[str, str]
) -> None:
    body = probe("app") if kind == "api" else {**browser("app"), "type": "mobile"}
    config = body["config"] if kind == "api" else {"initialApplicationArguments": {}}
    made = {**body, "config": config, "options": {"tick_every": 60, **options}}
    orgs.us1.post(f"{TESTS}/{kind}", made)
    adopt: list[str] = []
    for old, new in foreign.items():
        orgs.replay(*adopt, code=4)
        told = orgs.outcomes()["app"]
        assert told["status"] == "blocked"
        assert f"{old.partition('/')[0]} are not captured" in told["error"]
        adopt += ["--adopt", f"{old}={new}"]
    orgs.replay(*adopt)
    told = json.dumps(orgs.eu1.one("synthetics_tests", "app")["options"], sort_keys=True)
    wanted = json.dumps(orgs.us1.one("synthetics_tests", "app")["options"], sort_keys=True)
    for old, new in foreign.items():
        wanted = wanted.replace(old.partition("/")[2], new)
    assert told == wanted
    orgs.settle()


def test_a_test_gets_its_mail_at_its_own_address(orgs: Pair) -> None:
    made = orgs.us1.post(f"{TESTS}/api", probe("mail"))["public_id"]

    def mail(id_: str) -> dict[str, Any]:
        ends = {"pattern": "{{ numeric(10) }}", "example": "4546132139"}
        told = {name: f"{id_}.{end}@synthetics.dtdg.co" for name, end in ends.items()}
        return {"name": "MAIL", "type": "email", **told}

    body = probe("mail")
    body["config"]["variables"] = [mail(made)]
    orgs.us1.put(f"{TESTS}/api/{made}", body)
    other = probe("copy")
    other["config"]["variables"] = [mail(made), mail("not-one-its")]
    orgs.us1.post(f"{TESTS}/api", other)
    orgs.replay()
    there = orgs.ids("synthetics_tests")[made]
    assert orgs.eu1.one("synthetics_tests", "mail")["config"]["variables"] == [mail(there)]
    copied = orgs.eu1.one("synthetics_tests", "copy")["config"]["variables"]
    assert copied == [mail(there), mail("not-one-its")]
    assert orgs.run("verify").code == 0
    orgs.settle()
    orgs.us1.put(f"{TESTS}/api/{made}", {**body, "message": "new"})
    assert orgs.replay().sent == [f"PUT {TESTS}/api/{there}"]
    assert orgs.eu1.one("synthetics_tests", "mail")["config"]["variables"] == [mail(there)]
    orgs.settle()


@pytest.mark.parametrize(("live", "status"), [(True, "live"), (False, "paused")])
def test_a_new_test_is_paused_unless_it_shall_be_live(orgs: Pair, live: bool, status: str) -> None:
    made = orgs.us1.post(f"{TESTS}/api", probe("ping"))
    orgs.replay(live=live)
    there = orgs.eu1.one("synthetics_tests", "ping")
    assert there["status"] == status
    orgs.settle(live=live)
    there["status"] = "live"  # somebody has decided
    orgs.settle(live=live)
    orgs.us1.put(f"{TESTS}/api/{made['public_id']}", probe("ping", message="new"))
    orgs.replay(live=live)
    assert orgs.eu1.one("synthetics_tests", "ping")["status"] == "live"


def test_subtests_of_both_kinds_of_steps_are_bound(orgs: Pair) -> None:
    inner = orgs.us1.post(f"{TESTS}/api", probe("inner"))["public_id"]
    part = orgs.us1.post(f"{TESTS}/browser", browser("part"))["public_id"]
    steps = [{**step("sub"), "subtype": "playSubTest", "subtestPublicId": inner}]
    orgs.us1.post(f"{TESTS}/api", probe("outer", subtype="multi", config={"steps": steps}))
    played = {"name": "p", "type": "playSubTest", "params": {"subtestPublicId": part}}
    orgs.us1.post(f"{TESTS}/browser", browser("whole", played))
    orgs.replay()
    mine = orgs.ids("synthetics_tests")
    outer = orgs.eu1.one("synthetics_tests", "outer")["config"]["steps"]
    assert outer[0]["subtestPublicId"] == mine[inner]
    whole = orgs.eu1.one("synthetics_tests", "whole")["steps"]
    assert whole[0]["params"]["subtestPublicId"] == mine[part]
    orgs.settle()


def circle(orgs: Pair) -> tuple[str, str]:
    """A test, and the variable that it uses and is taken from it."""
    test = orgs.us1.post(f"{TESTS}/api", probe("login"))
    found = orgs.us1.post(VARIABLES, {
        **variable("TOKEN"),
        "parse_test_public_id": test["public_id"],
        "parse_test_options": {"type": "http_body", "parser": {"type": "raw"}},
    })  # fmt: skip
    uses = [{"id": found["id"], "name": "TOKEN", "type": "global"}]
    body = probe("login")
    orgs.us1.put(f"{TESTS}/api/{test['public_id']}",
                 {**body, "config": {**body["config"], "configVariables": uses}})  # fmt: skip
    return test["public_id"], found["id"]


def test_a_circle_of_test_and_variable_is_closed_by_a_second_write(orgs: Pair) -> None:
    circle(orgs)
    orgs.replay()
    there = orgs.eu1.one("synthetics_tests", "login")
    other = orgs.eu1.one("synthetics_global_variables", "TOKEN")
    assert other["parse_test_public_id"] == there["public_id"]
    assert there["config"]["configVariables"][0]["id"] == other["id"]
    orgs.settle()


@pytest.mark.parametrize("way", ["delete", "undo"])
def test_a_circle_goes_as_it_came(orgs: Pair, way: str) -> None:
    test, found = circle(orgs)
    orgs.us1.post(f"{TESTS}/api", probe("stays"))
    orgs.us1.post(VARIABLES, variable("STAYS"))
    orgs.replay()
    there = orgs.ids("synthetics_global_variables")[found]
    if way == "delete":
        orgs.us1.all("synthetics_tests").pop(test)
        orgs.us1.all("synthetics_global_variables").pop(found)
        said = orgs.replay("--delete")
        assert said.sent == [f"DELETE {VARIABLES}/{there}", f"POST {TESTS}/delete"]
    else:
        said = orgs.run("replay", "--undo", orgs.run_record()["run"], "--yes")
        assert said.code == 0, said
        assert orgs.eu1.all("synthetics_tests") == {}
    assert there not in orgs.eu1.all("synthetics_global_variables")


def test_of_a_circle_whose_first_must_not_go_nothing_goes(orgs: Pair) -> None:
    circle(orgs)
    orgs.replay()
    run = orgs.run_record()["run"]
    orgs.sandbox.faults.add(Fault(path="/variables/", method="DELETE", org="eu1", status=400))
    said = orgs.run("replay", "--undo", run, "--yes")
    assert (said.code, [one.split()[0] for one in said.sent]) == (4, ["DELETE"])
    assert orgs.outcomes()["TOKEN"]["status"] == "failed"
    assert "still refers to it" in orgs.outcomes()["login"]["error"]


def test_a_test_whose_files_nobody_can_read_is_not_made_without_them(orgs: Pair) -> None:
    body = probe("upload")
    body["config"]["request"]["files"] = [{"name": "f", "content": "x"}]
    orgs.us1.post(f"{TESTS}/api", body)
    orgs.us1.post(f"{TESTS}/api", probe("plain"))
    said = orgs.replay(code=4)
    told = orgs.outcomes()["upload"]
    assert told["status"] == "blocked"
    assert "files" in told["error"]
    assert "files at config.request.files were uploaded" in said.out
    assert [body["name"] for body in orgs.eu1.all("synthetics_tests").values()] == ["plain"]


def test_a_client_certificate_is_asked_for_and_then_stays(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = probe("mutual")
    parts = {"cert": {"filename": "c", "content": "C"}, "key": {"filename": "k", "content": "K"}}
    body["config"]["request"]["certificate"] = parts
    made = orgs.us1.post(f"{TESTS}/api", body)["public_id"]
    orgs.us1.post(f"{TESTS}/api", probe("plain"))
    said = orgs.replay(code=4)
    assert orgs.outcomes()["mutual"]["status"] == "blocked"
    for part, value in (("cert", "CERT"), ("key", "KEY")):
        pointer = f"/config/request/certificate/{part}/content"
        name = variable_of("synthetics_tests", made, pointer)
        assert name in said.out
        monkeypatch.setenv(name, value)
    orgs.replay()
    there = orgs.eu1.one("synthetics_tests", "mutual")["public_id"]
    hidden = orgs.eu1.org.hidden("synthetics_tests", there)
    assert sorted(hidden.values()) == ["CERT", "KEY"]
    monkeypatch.undo()
    orgs.us1.all("synthetics_tests")[made].update(
        message="new", modified_at="2099-01-01T00:00:00+00:00"
    )
    orgs.replay()
    assert orgs.eu1.org.hidden("synthetics_tests", there) == hidden
    orgs.settle()


def test_a_location_that_datadog_does_not_have_there_is_told_in_the_plan(orgs: Pair) -> None:
    orgs.us1.post(f"{TESTS}/api", probe("ping"))
    ping = orgs.us1.one("synthetics_tests", "ping")
    ping["locations"] = ["aws:moon-1", "aws:eu-west-1", "agent:cellar"]
    orgs.us1.post(f"{TESTS}/api", probe("pong"))
    assert [one["title"] for one in orgs.plan() if one["action"] == "blocked"] == ["ping"]
    said = orgs.replay(code=4)
    assert [write.body["name"] for write in said.writes] == ["pong"]
    error = orgs.outcomes()["ping"]["error"]
    assert error == "the destination does not know aws:moon-1 (locations)"
    alone = orgs.run("replay", "us1", "synthetics_tests/ping", "--to", "eu1", "--yes", "--live")
    assert alone.sent == []
    orgs.eu1.org.locations = ("aws:moon-1", "aws:eu-west-1")
    assert [write.body["name"] for write in orgs.replay().writes] == ["ping"]


def test_where_locations_cannot_be_listed_the_write_tells(orgs: Pair) -> None:
    orgs.us1.post(f"{TESTS}/api", probe("ping"))
    orgs.us1.one("synthetics_tests", "ping")["locations"] = ["aws:moon-1"]
    orgs.sandbox.faults.add(Fault(path="/synthetics/locations", org="eu1", status=403))
    orgs.replay(code=4)
    assert orgs.outcomes()["ping"]["status"] == "failed"
    assert "aws:moon-1" in orgs.outcomes()["ping"]["error"]


def test_a_rehearsal_knows_the_locations_of_the_org(orgs: Pair) -> None:
    orgs.us1.post(f"{TESTS}/api", probe("ping"))
    ping = orgs.us1.one("synthetics_tests", "ping")
    ping["locations"] = ["aws:moon-1"]
    orgs.capture()
    said = orgs.run("replay", "us1", "--to", "eu1", "--rehearse")
    assert said.code == 4
    assert "does not know aws:moon-1" in said.out
    orgs.eu1.org.locations = ("aws:moon-1",)
    assert orgs.run("replay", "us1", "--to", "eu1", "--rehearse").code == 0


# --- variables and locations


def test_a_secret_is_never_overwritten_and_a_new_one_must_be_supplied(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = orgs.us1.post(VARIABLES, variable("TOKEN", secure=True, value="source"))
    said = orgs.replay(code=4)
    assert said.sent == []
    name = variable_of("synthetics_global_variables", made["id"], "/value/value")
    assert name in said.out
    monkeypatch.setenv(name, "entered")
    orgs.replay()
    there = orgs.eu1.one("synthetics_global_variables", "TOKEN")["id"]
    assert orgs.eu1.org.hidden("synthetics_global_variables", there) == {"value": "entered"}
    monkeypatch.delenv(name)
    orgs.us1.put(f"{VARIABLES}/{made['id']}", variable("TOKEN", secure=True, description="new"))
    said = orgs.replay()
    (write,) = said.writes
    assert b"entered" not in write.raw
    assert b"/value" not in write.raw  # where it stands in the JSON Patch
    assert orgs.eu1.one("synthetics_global_variables", "TOKEN")["description"] == "new"
    assert orgs.eu1.org.hidden("synthetics_global_variables", there) == {"value": "entered"}
    orgs.settle()


def test_variables_of_passkeys_and_one_time_passwords_are_what_they_are(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    fido = {"name": "KEY", "description": "", "tags": [], "is_fido": True}
    orgs.us1.post(VARIABLES, fido)
    totp = {"secure": True, "value": "S", "options": {"totp_parameters": {"digits": 6}}}
    made = orgs.us1.post(VARIABLES, {**variable("CODE"), "is_totp": True, "value": totp})
    pointer = "/value/value"
    monkeypatch.setenv(variable_of("synthetics_global_variables", made["id"], pointer), "SEED")
    orgs.replay()
    assert orgs.eu1.one("synthetics_global_variables", "KEY")["is_fido"] is True
    there = orgs.eu1.one("synthetics_global_variables", "CODE")
    assert there["is_totp"] is True
    assert there["value"]["options"] == {"totp_parameters": {"digits": 6}}
    hidden = orgs.eu1.org.hidden("synthetics_global_variables", there["id"])
    assert hidden == {"value": "SEED"}


def test_variables_of_one_name_are_told_apart_by_their_type(orgs: Pair) -> None:
    ids: dict[str, list[str]] = {}
    for side in (orgs.us1, orgs.eu1):
        made = side.post(VARIABLES, variable("CODE", value="v"))
        body = side.all("synthetics_global_variables")[made["id"]]
        old = {**body, "id": side.org.new_uuid(), "type": "secret_token"}
        side.org.load("synthetics_global_variables", [old])
        assert side.ask("POST", VARIABLES, variable("CODE", value="v"))[0] == 409
        ids[side.org.name] = [made["id"], old["id"]]
    for id_, text in zip(ids["us1"], ("new", "old"), strict=True):
        ours = orgs.us1.all("synthetics_global_variables")[id_]
        ours.update(description=text, modified_at="2099-01-01T00:00:00.000000+00:00")
    said = orgs.replay()
    assert {write.method for write in said.writes} == {"PATCH"}
    assert orgs.ids("synthetics_global_variables") == dict(zip(*ids.values(), strict=True))
    found = orgs.eu1.all("synthetics_global_variables").values()
    told = {body["type"]: body["description"] for body in found}
    assert told == {"variable": "new", "secret_token": "old"}
    orgs.settle()


def test_the_keys_of_a_new_location_are_kept_for_its_owner_alone(
    orgs: Pair, tmp_path: Path
) -> None:
    body = {"name": "Berlin", "description": "", "tags": []}
    ours = orgs.us1.post("/api/v1/synthetics/private-locations", body)["private_location"]["id"]
    orgs.us1.post(f"{TESTS}/api", probe("ping", locations=[ours, "aws:eu-west-1"]))
    said = orgs.replay()
    there = orgs.ids("synthetics_private_locations")[ours]
    assert set(orgs.eu1.one("synthetics_tests", "ping")["locations"]) == {there, "aws:eu-west-1"}
    (kept,) = (one for one in (tmp_path / "state").rglob("*") if one.is_file())
    assert str(kept) in said.out
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    keys = json.loads(kept.read_text())["config"]
    assert {"accessKey", "secretAccessKey"} <= set(keys)
    for line in orgs.git("rev-list", "--all", "--objects").splitlines():
        shown = orgs.git("cat-file", "-p", line.split()[0])
        assert keys["secretAccessKey"] not in shown
    orgs.settle()


LOCATIONS = "/api/v1/synthetics/private-locations"


def kept_keys(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "state").rglob("*") if one.is_file()]


def made_anew(orgs: Pair, tmp_path: Path, lost: str) -> None:
    """Delete the location whose keys were lost, as was said, and replay again."""
    orgs.eu1.delete(f"{LOCATIONS}/{lost}")
    said = orgs.replay()
    assert said.sent[0] == f"POST {LOCATIONS}"
    (there,) = orgs.eu1.all("synthetics_private_locations")
    (kept,) = kept_keys(tmp_path)
    assert there != lost
    assert str(kept) in said.out
    orgs.settle()


def test_keys_that_were_lost_with_an_answer_are_no_success(orgs: Pair, tmp_path: Path) -> None:
    orgs.us1.post(LOCATIONS, {"name": "Berlin", "description": "", "tags": []})
    fault = Fault(org="eu1", method="POST", path="/private-locations$", after=True, reset=True)
    orgs.sandbox.faults.add(fault)
    said = orgs.replay(code=4)
    assert said.sent == [f"POST {LOCATIONS}"]
    (there,) = orgs.eu1.all("synthetics_private_locations")
    told = orgs.outcomes()["Berlin"]
    assert (told["status"], told["to"]) == ("failed", there)
    assert "the keys of its workers were lost" in told["error"]
    assert f"delete synthetics_private_locations/{there} there, and replay again" in said.out
    assert kept_keys(tmp_path) == []
    orgs.sandbox.faults.clear()
    made_anew(orgs, tmp_path, there)


def test_keys_that_were_lost_with_a_run_are_told_by_the_next(orgs: Pair, tmp_path: Path) -> None:
    orgs.us1.post(LOCATIONS, {"name": "Berlin", "description": "", "tags": []})
    fault = orgs.sandbox.faults.add
    fault(Fault(org="eu1", method="POST", path="/private-locations$", after=True, reset=True))
    fault(Fault(org="eu1", method="GET", path="/locations$", nth=range(2, 9), status=400))
    orgs.replay(code=4)
    orgs.sandbox.faults.clear()
    (there,) = orgs.eu1.all("synthetics_private_locations")
    for _ in range(2):
        said = orgs.replay(code=4)
        assert said.sent == []
        told = orgs.outcomes()["Berlin"]
        assert told["status"] == "ambiguous"
        assert f"made synthetics_private_locations/{there}, and the keys" in told["error"]
    made_anew(orgs, tmp_path, there)


def test_keys_that_cannot_be_kept_are_no_success(orgs: Pair, tmp_path: Path) -> None:
    orgs.us1.post(LOCATIONS, {"name": "Berlin", "description": "", "tags": []})
    folder = tmp_path / "state" / "ddsnap" / "eu1"
    folder.mkdir(parents=True)
    (folder / "synthetics_private_locations").write_text("")
    orgs.replay(code=4)
    (there,) = orgs.eu1.all("synthetics_private_locations")
    told = orgs.outcomes()["Berlin"]
    assert (told["status"], told["to"]) == ("failed", there)
    assert "delete the location and create it again" in told["error"]
    (folder / "synthetics_private_locations").unlink()
    made_anew(orgs, tmp_path, there)


def test_a_refusal_says_what_is_wrong_and_the_rest_is_made(orgs: Pair) -> None:
    orgs.us1.post(f"{TESTS}/api", probe("good"))
    orgs.us1.post(f"{TESTS}/api", probe("bad"))
    orgs.sandbox.faults.add(
        Fault(path="/tests/api$", org="eu1", method="POST", nth=1, status=400,
              body={"errors": ["Parameter 'tick_every' must be one of 30, 60"]})
    )  # fmt: skip
    said = orgs.replay(code=4)
    assert "Parameter 'tick_every' must be one of 30, 60" in said.out
    assert len(orgs.eu1.all("synthetics_tests")) == 1


def variable(
    name: str, *, value: str | None = "v", secure: bool = False, description: str = ""
) -> dict[str, Any]:
    held = {"secure": secure} | ({} if value is None else {"value": value})
    return {"name": name, "description": description, "tags": [], "value": held}


def step(name: str) -> dict[str, Any]:
    request = {"method": "GET", "url": "https://example.com"}
    return {"name": name, "subtype": "http", "request": request, "assertions": []}


def browser(name: str, *steps: Any) -> dict[str, Any]:
    return {
        "type": "browser",
        "name": name,
        "message": "",
        "locations": ["aws:eu-west-1"],
        "options": {"tick_every": 3600, "device_ids": ["chrome.laptop_large"]},
        "config": {"assertions": [], "request": {"method": "GET", "url": "https://e.example"}},
        "steps": list(steps),
    }
