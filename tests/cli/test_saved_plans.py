"""``plan --out FILE`` and ``replay --plan FILE``: what was looked at is what is written."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import first, two_orgs

from ddsnap.core import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from two_orgs import Said, TwoOrgs

RULE = "match: {types: [monitors]}\npatch:\n- {op: add, path: /tags/-, value: 'moved:true'}\n"


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        # Nothing is restricted: all of it can be made in an empty org.
        desk.configure("us1", "eu1", more="capture: {exclude: [restriction_policies]}")
        for body in desk.us1.resources("monitors").values():
            body["restricted_roles"] = None
            body["modified"] = "2029-01-01T00:00:00+00:00"
        desk.capture()
        yield desk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


def save(desk: TwoOrgs, file: Path, *words: str) -> dict[str, Any]:
    """Save a plan and return it."""
    said = desk.run("-q", "plan", "us1", "--to", "eu1", "--out", str(file), *words)
    assert said.code == 0, said.err
    return canonical.decode(file.read_bytes())


def carry_out(desk: TwoOrgs, file: Path, *words: str) -> Said:
    return desk.run("--json", "replay", "--plan", str(file), "--yes", *words)


def refused(desk: TwoOrgs, said: Said, code: int, words: str) -> None:
    """It says so in few words, and nothing was sent or recorded."""
    assert said.code == code, said.err
    assert words in said.err
    assert said.err.count("\n") <= 3
    assert [write for write in desk.sandbox.writes if write.org == "eu1"] == []
    assert tip(desk, "journal/eu1") == ""


def tip(desk: TwoOrgs, branch: str) -> str:
    command = ["git", "-C", str(desk.path), "for-each-ref", "--format=%(objectname)"]
    ran = subprocess.run([*command, f"refs/heads/{branch}"], check=True, capture_output=True)
    return ran.stdout.decode().strip()


def test_the_head_says_what_it_takes_to_make_the_plan_again(desk: TwoOrgs, file: Path) -> None:
    (desk.path / "transforms").mkdir()
    (desk.path / "transforms" / "tag.yaml").write_text(RULE)
    made = save(desk, file, "monitors", "--live", "--max-deletes", "3")
    head = made["head"]
    assert head["format"] == 1
    assert head["kind"] == "replay"
    assert head["source"] == {
        "org": "us1",
        "public_id": desk.us1.public_id,
        "commit": tip(desk, "snapshots/us1"),
        "revision": "us1",
    }
    assert head["destination"]["public_id"] == desk.eu1.public_id
    assert head["wishes"] == {"words": ["monitors"], "live": True, "max_deletes": "3"}
    assert [rule["name"] for rule in head["transforms"]] == ["tag"]
    assert desk.sandbox.writes == []


def test_a_saved_plan_is_carried_out_by_its_own_options(desk: TwoOrgs, file: Path) -> None:
    (desk.path / "transforms").mkdir()
    (desk.path / "transforms" / "tag.yaml").write_text(RULE)
    made = save(desk, file, "monitors", "--live")
    (desk.path / "transforms" / "later.yaml").write_text(RULE.replace("moved", "later"))
    done = carry_out(desk, file)
    assert done.code == 0, done.err
    assert done.of("plan")[0]["transforms"] == ["tag"]
    assert [e["id"] for e in done.of("outcome")] == [a["id"] for a in made["actions"]]
    for body in desk.eu1.resources("monitors").values():
        assert "moved:true" in body["tags"]
        assert not {"later:true", "migration:true"} & set(body["tags"])


@pytest.mark.parametrize("where", ["no/such/folder/x.json", "", "x" * 300, "file/x.json"])
def test_a_place_that_cannot_be_written_is_a_mistake_told_first(desk: TwoOrgs, where: str) -> None:
    (desk.path / "file").write_text("text")
    requests = dict(desk.sandbox.requests)
    out = str(desk.path / where) if where else where
    said = desk.run("plan", "us1", "--out", out)
    assert (said.code, said.out) == (2, ""), said
    assert "cannot be written" in said.err or "is a directory" in said.err
    assert desk.sandbox.requests == requests
    assert [one.name for one in desk.path.iterdir() if one.name.startswith(".x")] == []


def test_filters_are_kept(desk: TwoOrgs, file: Path) -> None:
    id_, body = first(desk.us1, "service_level_objectives")
    words = ("--name", body["name"][:12], "--id", id_)
    made = save(desk, file, *words, "--no-dependencies")
    assert id_ in [action["id"] for action in made["actions"]]
    done = carry_out(desk, file)
    assert [e["id"] for e in done.of("outcome")] == [a["id"] for a in made["actions"]]
    assert "moved" not in {e["status"] for e in done.of("outcome")}


def test_carried_out_twice_it_writes_nothing_more(desk: TwoOrgs, file: Path) -> None:
    save(desk, file, "monitors", "service_level_objectives")
    assert carry_out(desk, file).code == 0
    count = len(desk.sandbox.writes)
    again = carry_out(desk, file)
    assert again.code == 0, again.err
    assert len(desk.sandbox.writes) == count
    assert {event["status"] for event in again.of("outcome")} == {"unchanged"}
    assert carry_out(desk, file, "--strict").code == 0


def changed(desk: TwoOrgs) -> tuple[str, str]:
    """Replay, then let both orgs go on; return the ids of the two monitors that differ now."""
    assert desk.run("replay", "us1", "monitors", "--to", "eu1", "--yes", "--live").code == 0
    simple = [id_ for id_, body in desk.us1.resources("monitors").items() if plain(body)]
    for id_ in simple[:2]:
        body = desk.us1.resources("monitors")[id_]
        body["message"] += " Changed."
        body["modified"] = "2030-01-01T00:00:00+00:00"
    desk.capture()
    return simple[0], simple[1]


def plain(body: dict[str, Any]) -> bool:
    return body["type"] != "composite" and not body.get("restricted_roles")


def test_what_moved_is_not_written_and_the_rest_is(desk: TwoOrgs, file: Path) -> None:
    one, two = changed(desk)
    made = save(desk, file, "monitors", "--live")
    updates = {a["id"]: a["to"] for a in made["actions"] if a["action"] == "update"}
    assert set(updates) == {one, two}
    moved = desk.eu1.resources("monitors")[updates[one]]
    moved["message"] = "Somebody else's."
    moved["modified"] = "2030-01-02T00:00:00+00:00"
    count = len(desk.sandbox.writes)
    refused = carry_out(desk, file, "--strict")
    assert refused.code == 6
    assert (
        f"1 action is to be left alone: monitors/{one}: it is not as the saved plan has it"
        in refused.err
    )
    assert len(desk.sandbox.writes) == count
    done = carry_out(desk, file)
    assert done.code == 4
    ends = {e["id"]: e["status"] for e in done.of("outcome") if e["status"] != "unchanged"}
    assert ends == {one: "moved", two: "done"}
    assert desk.eu1.resources("monitors")[updates[one]]["message"] == "Somebody else's."
    assert desk.eu1.resources("monitors")[updates[two]]["message"].endswith(" Changed.")


def test_what_depends_on_what_moved_is_not_written(desk: TwoOrgs, file: Path) -> None:
    composite, body = first(desk.us1, "monitors", lambda body: body["type"] == "composite")
    save(desk, file, f"monitors/{composite}", "--live")
    needed = next(id_ for id_ in desk.us1.resources("monitors") if id_ in body["query"])
    same = dict(desk.us1.resources("monitors")[needed])
    desk.eu1.load("monitors", [{**same, "id": 77}])  # somebody else has made it meanwhile
    done = carry_out(desk, file)
    assert done.code == 4
    ends = {e["id"]: (e["status"], e["error"]) for e in done.of("outcome")}
    assert ends[composite] == ("moved", f"monitors/{needed} is not as the saved plan has it")
    made = desk.eu1.resources("monitors").values()
    assert [m for m in made if m["type"] == "composite"] == []


def edited(file: Path, change: Any) -> None:
    made = json.loads(file.read_text())
    change(made)
    file.write_bytes(canonical.encode(made))


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda made: made["head"].update(format=2), 2, "is in plan format 2"),
        (lambda made: made.pop("actions"), 2, "is no plan"),
        (lambda made: made["head"].pop("source"), 2, "its source is no object"),
        (lambda made: made["head"].update(kind="party"), 2, "its kind is"),
        (lambda made: made["head"]["source"].update(commit="ab" * 20), 1, "cannot be read here"),
        (lambda made: made["head"]["source"].update(commit="main"), 2, "its commit is"),
        (lambda made: made["head"]["source"].update(public_id="xyz"), 6, "is of another org"),
        (lambda made: made["head"]["destination"].update(public_id="xyz"), 6, "is for xyz"),
        (lambda made: made["head"]["destination"].update(org="ap1"), 2, "no org is called 'ap1'"),
        (
            lambda made: made["head"]["transforms"].append({"name": "x", "digest": "00"}),
            6,
            "the transformation x is gone",
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_carried_out(
    desk: TwoOrgs, file: Path, change: Any, code: int, words: str
) -> None:
    save(desk, file, "monitors")
    edited(file, change)
    refused(desk, desk.run("replay", "--plan", str(file), "--yes"), code, words)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"head": {}}'])
def test_a_file_that_is_no_plan(desk: TwoOrgs, file: Path, data: bytes) -> None:
    file.write_bytes(data)
    said = desk.run("replay", "--plan", str(file), "--yes")
    refused(desk, said, 2, str(file))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["us1"], "says what is replayed, and how"),
        (["--live"], "says what is replayed, and how"),
        (["--transform", "x"], "says what is replayed, and how"),
        (["--name", "x"], "says what is replayed, and how"),
        (["--max-deletes", "1"], "says what is replayed, and how"),
        (["--to", "us1"], "is for eu1"),
        (["--resume"], "exclude each other"),
    ],
)
def test_what_a_plan_says_is_not_said_again(
    desk: TwoOrgs, file: Path, words: list[str], said: str
) -> None:
    save(desk, file, "monitors")
    refused(desk, desk.run("replay", "--plan", str(file), "--yes", *words), 2, said)


def test_a_rule_that_changed_since_is_not_applied(desk: TwoOrgs, file: Path) -> None:
    (desk.path / "transforms").mkdir()
    (desk.path / "transforms" / "tag.yaml").write_text(RULE)
    save(desk, file, "monitors")
    (desk.path / "transforms" / "tag.yaml").write_text(f"# Changed.\n{RULE}")
    refused(desk, carry_out(desk, file), 6, "the transformation tag has changed since")


def test_the_plan_of_another_org_pair(desk: TwoOrgs, file: Path, monkeypatch) -> None:
    save(desk, file, "monitors")
    other = desk.sandbox.add_org("ap1")
    monkeypatch.setenv("DDSNAP_EU1_API_KEY", other.api_key)
    monkeypatch.setenv("DDSNAP_EU1_APP_KEY", other.app_key)
    said = carry_out(desk, file)
    refused(desk, said, 6, f"but the saved plan is for {desk.eu1.public_id}")


def test_a_live_state_is_no_base_for_a_plan_that_is_kept(desk: TwoOrgs, file: Path) -> None:
    said = desk.run("plan", "live:us1", "--to", "eu1", "--out", str(file))
    refused(desk, said, 2, "a live state is not recorded")
    assert not file.exists()
    assert desk.run("-q", "plan", "live:us1", "--to", "eu1").code == 0


def test_a_plan_can_be_carried_out_in_another_clone(desk: TwoOrgs, file: Path) -> None:
    """The snapshot that it is of comes from the remote."""
    remote, clone = desk.path.parent / "remote.git", desk.path.parent / "clone"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    desk.git("remote", "add", "origin", str(remote))
    desk.git("push", "-q", "--all", "origin")
    subprocess.run(["git", "clone", "-q", str(remote), str(clone)], check=True)
    (clone / "ddsnap.yaml").write_bytes((desk.path / "ddsnap.yaml").read_bytes())
    save(desk, file, "service_level_objectives")
    said = desk.run("-C", str(clone), "replay", "--plan", str(file), "--yes")
    assert said.code == 0, said.err
    assert desk.eu1.resources("service_level_objectives")
