"""The command plan through the real command line, from one sandbox org to another."""

import json
import re

import pytest
from two_orgs import first, two_orgs

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.flows.view import snapshot_view
from ddsnap.sandbox import Fault
from ddsnap.store.repository import Repository


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch):
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        yield desk


def addresses(desk):
    """What the last snapshot of ``us1`` holds."""
    with Repository.open(desk.path) as repo:
        view = snapshot_view(repo, repo.branch("snapshots/us1"), "us1")
        return {(d.address.type, d.address.id) for d in view.documents(CATALOG)}


def test_the_plan_for_an_empty_org_is_complete(desk):
    events = desk.run("--json", "plan", "us1").of("action")
    told = [(event["type"], event["id"]) for event in events]
    assert len(told) == len(set(told))
    assert set(told) == addresses(desk)
    assert {e["type"] for e in events} >= {"monitors", "dashboards", "teams", "roles", "users"}
    for event in events:
        assert event["action"] in ("create", "adopt", "update", "blocked", "unchanged"), event
        if event["action"] == "blocked":
            assert event["reasons"], event
            assert "is gone" in event["reasons"][0] or "not captured" in event["reasons"][0], event


def test_the_plan_tells_people_what_is_created_first_and_counts(desk):
    said = desk.run("plan", "us1", "--to", "eu1")
    assert said.code == 0
    lines = said.out.splitlines()
    assert re.fullmatch(r"replay us1 @ .* UTC \([0-9a-f]{7}\) -> eu1", lines[0])
    assert lines[1] == "transformations: none"
    counts = desk.run("--json", "plan", "us1").of("summary")[0]["counts"]
    assert lines[3].startswith(f"{counts['create']} to create, {counts['adopt']} to adopt")
    heads = [line for line in lines if re.fullmatch(r"[a-z ]+ \(\d+\)", line)]
    assert heads[0] == f"to create ({counts['create']})"
    assert re.search(r"^    \.\.\. and \d+ more \(-v names all\)$", said.out, re.MULTILINE)
    whole = desk.run("-v", "plan", "us1", "--to", "eu1").out.splitlines()
    created = [line for line in whole if line.startswith("    + ")]
    assert len(created) == counts["create"]
    id_, monitor = first(desk.us1, "monitors")
    assert f'    + "{monitor["name"]}" {id_}' in created
    role, there = (
        first(org, "roles", lambda body: body["attributes"]["name"] == "Datadog Admin Role")[0]
        for org in (desk.us1, desk.eu1)
    )
    assert re.search(rf'^    = "Datadog Admin Role" {role} -> {there}', said.out, re.MULTILINE)


def test_composites_name_symbolic_ids(desk):
    id_, _ = first(desk.us1, "monitors", lambda body: body["type"] == "composite")
    said = desk.run("-q", "plan", "us1", "--show", f"monitors/{id_}")
    assert said.code == 0
    body = json.loads(said.out)
    assert re.search(r"\$\{monitors/\d+\} (\|\||&&) !?\$\{monitors/\d+\}", body["query"])
    as_event = desk.run("--json", "plan", "us1", "--show", f"monitors/{id_}").of("intended")
    assert as_event == [{"event": "intended", "type": "monitors", "id": id_, "body": body}]


def test_a_selection_takes_along_what_it_needs(desk):
    id_, _ = first(desk.us1, "monitors", lambda body: body["type"] == "composite")
    with_them = desk.run("--json", "plan", "us1", f"monitors/{id_}").of("action")
    assert len(with_them) > 1
    assert (with_them[-1]["id"], with_them[-1]["action"]) == (id_, "create")
    assert {event["action"] for event in with_them} <= {"create", "adopt"}
    alone = desk.run("--json", "plan", "us1", f"monitors/{id_}", "--no-dependencies").of("action")
    assert [(event["id"], event["action"]) for event in alone] == [(id_, "blocked")]


def test_what_is_blocked_stands_under_the_root_of_its_trouble(desk):
    composite, body = first(desk.us1, "monitors", lambda body: body["type"] == "composite")
    one = re.search(r"\d+", body["query"])[0]
    name = desk.us1.resources("monitors")[one]["name"]
    said = desk.run("plan", "us1", f"monitors/{composite}", "--no-dependencies")
    needs = f'monitors/{one} "{name}"'
    assert f"  {needs}: is not selected (1)\n" in said.out
    assert f'    ! monitors "{body["name"]}" {composite} <- needs {needs}\n' in said.out


def test_a_chain_leads_over_what_is_blocked_itself_to_a_type_that_is_not_captured(desk):
    # A dashboard needs a composite, which needs a monitor, which is restricted to a role.
    composite, body = first(desk.us1, "monitors", lambda body: body["type"] == "composite")
    one = re.search(r"\d+", body["query"])[0]
    role, _ = first(desk.us1, "roles", lambda b: not b["attributes"].get("managed"))
    desk.us1.resources("monitors")[one]["restricted_roles"] = [role]
    desk.us1.resources("monitors")[one]["modified"] = "2030-01-01T00:00:00+00:00"
    board, shown = first(desk.us1, "dashboards", lambda body: not body.get("tabs"))
    alert = {"type": "alert_graph", "alert_id": composite, "viz_type": "timeseries"}
    shown["widgets"] = [{"id": 8_000_000_000_000_001, "definition": alert}]
    shown["modified_at"] = "2030-01-01T00:00:00+00:00"
    desk.configure("us1", "eu1", more="capture: {exclude: [roles]}")
    desk.capture()
    said = desk.run("-q", "plan", "us1", "-v")
    assert re.search(rf"^  roles/{role}: roles are not captured \(\d+\)$", said.out, re.MULTILINE)
    chain = (
        f'! dashboards "{shown["title"]}" {board} <- needs monitors/{composite} "{body["name"]}"'
        f" <- needs monitors/{one} "
    )
    line = next(line for line in said.out.splitlines() if chain in line)
    assert line.endswith(f" <- needs roles/{role}")


def test_back_into_the_same_org_it_is_a_restore(desk):
    def simple(body):
        return set(body["options"].get("thresholds") or ()) == {"critical"}

    id_, monitor = first(desk.us1, "monitors", simple)
    old = monitor["options"]["thresholds"]["critical"]
    monitor["options"]["thresholds"] = {"critical": 4321.0}
    said = desk.run("plan", "us1", "--to", "us1")
    assert re.match(r"restore us1 @ .* -> us1 \(the same org: ids are kept\)\n", said.out)
    assert "\n1 to update, " in said.out
    assert f'    ~ "{monitor["name"]}" {id_}: 1 change\n' in said.out
    whole = desk.run("plan", "us1", "--to", "us1", "-v").out
    assert f"        options.thresholds.critical: 4321.0 -> {old}\n" in whole
    assert desk.run("--json", "plan", "us1", "--to", "us1").of("plan")[0]["restore"] is True


def test_names_that_the_destination_does_not_know_are_listed_once(desk):
    short = desk.run("plan", "us1").out
    told = r"^  \d+ slack_channels stay as they are: .* not captured, .* them: .*, in \d+ places$"
    assert len(re.findall(told, short, re.MULTILINE)) == 1
    out = desk.run("-v", "plan", "us1").out
    section = out.partition("names that ddsnap binds to nothing there")[2]
    told = re.findall(r'^  slack_channels "(\S+)" stays as it is: .*; in ', section, re.MULTILINE)
    assert told
    assert len(told) == len(set(told))


def test_who_asks_for_few_words_is_told_how_much_it_is(desk):
    said = desk.run("-q", "plan", "us1", "--to", "eu1")
    assert said.code == 0
    assert re.match(r"\d+ to create, \d+ to adopt", said.out.splitlines()[-1])
    assert len(said.out.splitlines()) == 4


def test_a_saved_plan_is_canonical_and_never_replaces_anything_else(desk, tmp_path):
    out = tmp_path / "plan.json"
    for _ in range(2):  # an earlier plan may be replaced
        assert desk.run("-q", "plan", "us1", "--out", str(out)).code == 0
    data = out.read_bytes()
    saved = canonical.decode(data)
    assert canonical.encode(saved) == data
    assert saved["actions"]
    assert saved["counts"] == desk.run("--json", "plan", "us1").of("summary")[0]["counts"]
    for other in (b"{}", b"notes", b"[1]", b""):
        out.write_bytes(other)
        said = desk.run("plan", "us1", "--out", str(out))
        assert said.code == 6
        assert "is no plan" in said.err
        assert out.read_bytes() == other
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".plan")] == []


def test_a_plan_writes_nothing(desk):
    with Repository.open(desk.path) as repo:
        names = [f"{kind}/{org}" for kind in ("snapshots", "journal") for org in ("us1", "eu1")]
        before = {name: repo.branch(name) for name in names}
        writes = len(desk.sandbox.writes)
        desk.run("plan", "us1")
        assert {name: repo.branch(name) for name in names} == before
    assert len(desk.sandbox.writes) == writes


def test_what_could_not_be_read_at_the_destination_makes_it_partial(desk):
    desk.sandbox.faults.add(Fault(path="/api/v1/monitor", status=500, org="eu1"))
    said = desk.run("-q", "plan", "us1", "--retries", "0")
    assert said.code == 4
    assert "warning: monitors not read as a whole at eu1" in said.err
    assert "monitors" in [
        event["type"] for event in desk.run("--json", "plan", "us1", "--retries", "0").of("unread")
    ]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ([], 2, "Missing argument 'REV'"),
        (["us9"], 2, "names neither an org with a snapshot nor a git revision"),
        (["main"], 1, "main is no snapshot"),
        (["us1", "--to", "us9"], 2, "no org is called 'us9'"),
        (["us1", "monitrs"], 2, "did you mean 'monitors'?"),
        (["us1", "monitrs/12"], 2, "did you mean 'monitors'?"),
        (["us1", "monitors/none"], 2, "us1 holds no monitors/none"),
        (["us1", "--type", "logs_indexes,x"], 2, "no type is called 'x'"),
        (["us1", "--show", "monitors/none"], 2, "us1 holds no monitors/none"),
    ],
)
def test_mistakes(desk, argv, code, said):
    answer = desk.run("-q", "plan", *argv)
    assert answer.code == code
    assert said in answer.err
    assert answer.out == ""
    assert answer.err.count("\n") <= 3


def test_without_another_org_the_destination_must_be_named(desk):
    desk.configure("us1")
    said = desk.run("plan", "us1")
    assert said.code == 2
    assert "names no other orgs" in said.err
    desk.configure("us1", "eu1", "ap1")
    assert "say which: --to ORG (eu1, ap1)" in desk.run("plan", "us1").err


def test_keys_of_another_org_are_refused(desk, monkeypatch):
    desk.capture("eu1")
    said = desk.run(
        "plan", "us1", "--to-api-key", desk.us1.api_key, "--to-app-key", desk.us1.app_key
    )  # fmt: skip
    assert said.code == 6
    assert "the keys of eu1 belong to us1, the org that the snapshot came from" in said.err


def test_a_plan_and_a_replay_plan_the_same(desk):
    (desk.path / "transforms").mkdir()
    (desk.path / "transforms" / "moved.yaml").write_text(
        "match: {types: [monitors]}\npatch:\n- {op: add, path: /tags/-, value: 'moved:true'}\n"
    )
    options = ["us1", "monitors", "logs_indexes", "--live", "--create-similar"]
    planned = desk.run("--json", "plan", *options)
    refused = desk.run("--json", "replay", *options)
    assert (planned.code, refused.code) == (0, 6)
    for name in ("plan", "action", "summary"):
        assert refused.of(name) == planned.of(name) != []
    assert planned.of("plan")[0]["transforms"] == ["moved"]
    id_, _ = first(desk.us1, "monitors")
    shown = desk.run("-q", "plan", "us1", "--show", f"monitors/{id_}")
    assert "moved:true" in json.loads(shown.out)["tags"]


def test_the_plan_after_a_replay_knows_its_map(desk):
    assert desk.run("replay", "us1", "--to", "eu1", "--yes", "--allow-self-lockout").code == 0
    again = desk.run("--json", "plan", "us1").of("summary")[0]["counts"]
    assert set(again) == {"unchanged"}
