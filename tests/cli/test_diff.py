"""The command diff through the real command line, against sandbox orgs over HTTP."""

import re

import pytest
from two_orgs import first, two_orgs

from ddsnap.cli.terminal import Terminal
from ddsnap.core import canonical
from ddsnap.core.changes import apply_patch
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.flows.view import snapshot_view
from ddsnap.sandbox import Fault
from ddsnap.store.repository import Repository


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch):
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        yield desk


def note(text):
    return {"id": 7_000_000_000_000_001, "definition": {"type": "note", "content": text}}


def test_without_a_change_there_is_no_difference(desk):
    said = desk.run("-q", "diff", "us1", "--exit-code")
    assert said.code == 0
    assert re.fullmatch(
        r"us1 @ \d{4}-\d\d-\d\d \d\d:\d\d UTC \([0-9a-f]{7}\) -> live:us1\nno differences\n",
        said.out,
    )


def edit_everything(desk):
    """Make one change of every kind; return what each must read like."""
    us1 = desk.us1
    told = {}
    id_, board = first(us1, "dashboards", lambda body: not body.get("tabs"))
    board["widgets"] = [note("Look here"), *board["widgets"]]
    board["modified_at"] = "2030-01-01T00:00:00+00:00"
    told[f'~ dashboards "{board["title"]}" {id_}'] = "    widgets[0] (note): inserted"
    monitors = iter(us1.resources("monitors").items())
    id_, monitor = next(monitors)
    monitor["tags"] = [*monitor["tags"], "zzz:new"]
    told[f'~ monitors "{monitor["name"]}" {id_}'] = '    tags: + "zzz:new"'
    id_, monitor = first(
        us1, "monitors", lambda body: set(body["options"].get("thresholds") or ()) == {"critical"}
        and "zzz:new" not in body["tags"],
    )  # fmt: skip
    old = monitor["options"]["thresholds"]["critical"]
    monitor["options"]["thresholds"] = {"critical": 12345.0}
    told[f'~ monitors "{monitor["name"]}" {id_}'] = (
        f"    options.thresholds.critical: {old} -> 12345.0"
    )
    id_, team = first(us1, "teams")
    old, team["attributes"]["name"] = team["attributes"]["name"], "Renamed"
    told[f'~ teams "Renamed" {id_}'] = f'    attributes.name: "{old}" -> "Renamed"'
    return told


def test_each_change_is_told_field_by_field(desk):
    told = edit_everything(desk)
    lines = desk.run("-q", "diff", "us1").out.splitlines()
    for headline, field in told.items():
        nth = next(n for n, line in enumerate(lines) if line.startswith(headline))
        following = lines[nth + 1 :]
        own = following[: next(n for n, line in enumerate(following) if line[0] != " ")]
        assert len(own) == 1, own
        assert own[0].startswith(field), own
    assert lines[-1] == "4 changed"


def test_deletions_memberships_and_additions(desk):
    us1 = desk.us1
    id_, policy_free = first(
        us1, "monitors", lambda body: body["type"] != "composite"
        and f"monitor:{body['id']}" not in us1.resources("restriction_policies")
    )  # fmt: skip
    del us1.resources("monitors")[id_]
    team, members = next((team, members) for team, members in us1.members.items() if members)
    gone = next(iter(members))
    key = us1.members[team].pop(gone)
    us1.table("team_memberships").pop(key, None)
    out = desk.run("-q", "diff", "us1").out
    assert f'- monitors "{policy_free["name"]}" {id_}\n' in out
    assert re.search(r"^- team_memberships \S+$", out, re.MULTILINE)
    assert out.endswith("\n2 deleted\n")
    backwards = desk.run("-q", "diff", "live:us1", "us1").out
    assert f'+ monitors "{policy_free["name"]}" {id_} ' in backwards
    assert "live:us1 -> us1 @ " in backwards
    assert backwards.endswith("\n2 added\n")


def test_two_snapshots(desk):
    edit_everything(desk)
    desk.capture()
    said = desk.run("diff", "us1~1", "us1", "--stat")
    assert re.match(r"us1~1 @ .* \([0-9a-f]{7}\) -> us1 @ .* \([0-9a-f]{7}\)\n", said.out)
    assert re.search(r"^monitors +2$", said.out, re.MULTILINE)
    assert said.out.endswith("4 changed\n")
    assert said.err == ""
    only = desk.run("diff", "us1~1", "us1", "--type", "teams,dashboards").out
    assert only.endswith("2 changed\n")
    assert " monitors " not in only


def test_one_resource_by_id_and_by_title(desk):
    id_, team = first(desk.us1, "teams")
    title, team["attributes"]["name"] = team["attributes"]["name"], "Renamed"
    first(desk.us1, "monitors")[1]["name"] = "Renamed"
    desk.capture()
    for name in (f"teams/{id_}", f"teams/{title}", "teams/Renamed"):
        out = desk.run("diff", "us1~1", "us1", "--id", name).out
        assert f'~ teams "Renamed" {id_}' in out
        assert out.endswith("1 changed\n")


def test_touches_are_told_when_asked_for(desk):
    first(desk.us1, "monitors")[1]["modified"] = "2030-01-01T00:00:00+00:00"
    assert desk.run("-q", "diff", "us1", "--exit-code").out.endswith("no differences\n")
    said = desk.run("-q", "diff", "us1", "--touched", "--exit-code")
    assert said.code == 5
    assert re.search(r"^\. monitors .* at 2030-01-01", said.out, re.MULTILINE)
    assert said.out.endswith("1 touched\n")


@pytest.mark.parametrize("form", [["--format", "json-patch"], ["--json", "--format", "json-patch"]])
def test_patches_make_the_newer_documents_byte_for_byte(desk, form):
    edit_everything(desk)
    us1 = desk.us1
    del us1.resources("monitors")[first(us1, "monitors", lambda b: b["type"] == "composite")[0]]
    first(us1, "users")[1]["attributes"]["title"] = "Ünïcode \x7f \x9b 監"
    desk.capture()
    patches = desk.run("diff", "us1~1", "us1", "--touched", *form).objects
    patches = [entry for entry in patches if entry.get("event", "patch") == "patch"]
    assert {entry["kind"] for entry in patches} == {"changed", "deleted"}
    with Repository.open(desk.path) as repo:
        tip = repo.branch("snapshots/us1")
        old, new = (snapshot_view(repo, repo.resolve(rev), rev) for rev in (f"{tip}~1", tip))
        for entry in patches:
            path = document_path(Address(entry["type"], entry["id"]))
            made = apply_patch(canonical.decode(old.read(path)), entry["patch"])
            assert made is None if entry["kind"] == "deleted" else (
                canonical.encode(made) == new.read(path)
            )  # fmt: skip
        backwards = desk.run("diff", "us1", "us1~1", "--format", "json-patch").objects
        added = [entry for entry in backwards if entry["kind"] == "added"]
        assert len(added) == 1
        path = document_path(Address(added[0]["type"], added[0]["id"]))
        assert canonical.encode(apply_patch({}, added[0]["patch"])) == old.read(path)


def test_with_json_standard_output_holds_events_alone(desk):
    edit_everything(desk)
    said = desk.run("--json", "diff", "us1", "--exit-code")
    assert said.code == 5
    assert said.err == ""
    assert said.of("diff")[0]["new"] == "live:us1"
    assert len(said.of("drift")) == 4
    assert said.of("summary")[0]["types"]["monitors"] == {"changed": 2}
    drift = next(d for d in said.of("drift") if d["type"] == "teams")
    assert drift["kind"] == "changed"
    assert drift["changes"][0]["op"] == "replace"
    assert drift["changes"][0]["new"] == "Renamed"


def test_plain_json_is_one_object_for_each_resource(desk):
    edit_everything(desk)
    told = desk.run("-q", "diff", "us1", "--format", "json").objects
    assert sorted(entry["type"] for entry in told) == [
        "dashboards", "monitors", "monitors", "teams",
    ]  # fmt: skip


def test_markdown_folds_each_resource_and_keeps_to_its_size(desk):
    edit_everything(desk)
    team = first(desk.us1, "teams")[1]
    team["attributes"]["description"] = "a\n```\n</details> @everyone <b>"
    whole = desk.run("-q", "diff", "us1", "--format", "markdown").out
    assert "| monitors |  | 2 |  |" in whole
    assert whole.count("<details>") == 4
    assert "````diff" in whole
    assert "left out" not in whole
    for monitor in desk.us1.resources("monitors").values():
        monitor["message"] += "\nOne more line for every monitor of this org, to fill pages."
    for size in (1_000, 2_500, 60_000):
        out = desk.run(
            "-q", "diff", "us1", "--format", "markdown", "--max-bytes", str(size)
        ).out  # fmt: skip
        assert len(out.encode()) <= size
        shown = out.count("<details>")
        left = re.search(r"\*(\d+) of (\d+) resources are left out here", out)
        changed = len(desk.us1.resources("monitors")) + 2
        assert shown + int(left[1] if left else 0) == changed
    assert left is None or size < 60_000
    stat = desk.run("-q", "diff", "us1", "--format", "markdown", "--stat").out
    assert "details" not in stat
    assert "left out" not in stat


def test_two_orgs_are_named_as_two(desk):
    said = desk.run("-q", "diff", "us1", "live:eu1", "--stat")
    assert "-> live:eu1 (two orgs: resources are told apart by id)\n" in said.out
    assert said.code == 0


def test_what_could_not_be_read_is_unknown_and_partial(desk):
    first(desk.us1, "teams")[1]["attributes"]["name"] = "Renamed"
    desk.sandbox.faults.add(Fault(path="/api/v1/monitor", status=403))
    said = desk.run("-q", "diff", "us1", "--exit-code")
    assert said.code == 4
    assert '~ teams "Renamed"' in said.out
    assert " monitors " not in said.out.split("! ")[0]
    assert re.search(r"^! monitors not read as a whole at live:us1: stale", said.out, re.MULTILINE)
    events = desk.run("--json", "diff", "us1").of("unread")
    assert "monitors" in [event["type"] for event in events]
    table = desk.run("-q", "diff", "us1", "--format", "markdown").out
    assert "- <code>monitors</code> not read as a whole" in table


def test_a_type_that_only_one_side_knows_is_unknown_not_gone(desk):
    desk.configure("us1", "eu1", more="capture: {types: [teams]}")
    said = desk.run("-q", "diff", "us1", "--type", "teams")
    assert said.code == 0
    whole = desk.run("-q", "diff", "us1")
    assert whole.code == 4
    assert "deleted" not in whole.out
    assert "gone or not: monitors could not be read as a whole" in whole.out


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ([], 2, "say which: ddsnap diff ORG (us1, eu1)"),
        (["us9"], 2, "names neither an org with a snapshot nor a git revision"),
        (["eu1"], 2, "names neither"),
        (["us1", "live:us9"], 2, "no org is called 'us9'"),
        (["main"], 1, "main is no snapshot"),
        (["us1", "--type", "monitrs"], 2, "did you mean 'monitors'?"),
        (["us1", "--id", "monitors"], 2, "names no resource"),
        (["us1", "us1", "--id", "monitors/none"], 2, "holds no monitors/none"),
        (["us1", "--format", "yaml"], 2, "'yaml' is not one of"),
        (["live:us1", "live:eu1", "--api-key", "x"], 2, "belong to one org"),
    ],
)
def test_mistakes(desk, argv, code, said):
    answer = desk.run("diff", *argv)
    assert answer.code == code
    assert said in answer.err
    assert answer.out == ""
    assert answer.err.count("\n") <= 3


def test_keys_of_another_org_are_refused(desk, monkeypatch):
    monkeypatch.setenv("DDSNAP_US1_API_KEY", desk.eu1.api_key)
    monkeypatch.setenv("DDSNAP_US1_APP_KEY", desk.eu1.app_key)
    said = desk.run("diff", "us1")
    assert said.code == 6
    assert "belong to org" in said.err


def test_no_argument_is_the_only_org(desk):
    desk.configure("us1")
    first(desk.us1, "teams")[1]["attributes"]["name"] = "Renamed"
    assert desk.run("-q", "diff").out.endswith("1 changed\n")


def test_a_diff_writes_nothing(desk):
    edit_everything(desk)
    with Repository.open(desk.path) as repo:
        before = {name: repo.branch(name) for name in ("snapshots/us1", "journal/us1")}
        writes = len(desk.sandbox.writes)
        desk.run("diff", "us1")
        assert {name: repo.branch(name) for name in before} == before
    assert len(desk.sandbox.writes) == writes


def test_lines_have_colours_for_terminals_that_want_them(desk, monkeypatch):
    edit_everything(desk)
    desk.capture()
    colours = set()
    plain = Terminal.line

    def line(self, text="", **style):
        colours.add(style.get("fg"))
        plain(self, text, **style)

    monkeypatch.setattr(Terminal, "line", line)
    desk.run("diff", "us1~1", "us1")
    assert {"yellow", "green"} <= colours
