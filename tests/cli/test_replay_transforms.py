"""Transformations end to end: from a rule's file to what the destination holds and the journal."""

from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import first, two_orgs

from ddsnap.config.ready_made import ready_names
from ddsnap.core.changes import apply_patch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from two_orgs import Said, TwoOrgs

CANARY = "canary-4f1d8b0c-never-to-be-seen"


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        yield desk


def rule(desk: TwoOrgs, name: str, text: str) -> str:
    """Write the file of a rule and return its text."""
    (desk.path / "transforms").mkdir(exist_ok=True)
    (desk.path / "transforms" / f"{name}.yaml").write_text(text)
    return text


def patching(id_: str, *operations: str) -> str:
    listed = "".join(f"- {operation}\n" for operation in operations)
    return f"match:\n  types: [monitors]\n  where: '$[?@.id == {id_}]'\npatch:\n{listed}"


def prepared(desk: TwoOrgs, **fields: Any) -> str:
    """Give one simple monitor of us1 these fields, capture it, and return its id."""
    id_, body = first(desk.us1, "monitors", lambda body: body["type"] == "query alert")
    body["options"].pop("renotify_interval", None)
    body |= {"priority": 3, "message": "One text.", "tags": ["a:b"], "restricted_roles": None}
    body |= {**fields, "modified": "2030-01-01T00:00:00+00:00"}
    desk.capture()
    return id_


def replayed(desk: TwoOrgs, id_: str, *words: str) -> dict[str, Any]:
    """Replay one monitor live, and return what the destination has of it."""
    said = desk.run("--json", "replay", "us1", f"monitors/{id_}", "--to", "eu1", "--yes", "--live",
                    "--no-dependencies", *words)  # fmt: skip
    assert said.code == 0, said.err
    return desk.eu1.resources("monitors")[to_of(said, id_)]


def to_of(said: Said, id_: str) -> str:
    return next(event["to"] for event in said.of("outcome") if event["id"] == id_)


def writes(desk: TwoOrgs) -> int:
    return len(desk.sandbox.writes)


TABLE = {
    "add": (["{op: add, path: /tags/-, value: 'c:d'}"], {"tags": ["a:b", "c:d"]}),
    "remove": (["{op: remove, path: /priority}"], {"priority": None}),
    "replace": (["{op: replace, path: /message, value: Two.}"], {"message": "Two."}),
    "test": (
        ["{op: test, path: /priority, value: 3}", "{op: replace, path: /priority, value: 4}"],
        {"priority": 4},
    ),
    "move": (
        ["{op: move, from: /priority, path: /options/renotify_interval}"],
        {"priority": None, "options.renotify_interval": 3},
    ),
    "copy": (
        ["{op: copy, from: /message, path: /options/escalation_message}"],
        {"message": "One text.", "options.escalation_message": "One text."},
    ),
}


@pytest.mark.parametrize("operation", TABLE)
def test_each_operation_of_a_patch(desk: TwoOrgs, operation: str) -> None:
    operations, expected = TABLE[operation]
    id_ = prepared(desk)
    text = rule(desk, operation, patching(id_, *operations))
    there = replayed(desk, id_)
    for path, value in expected.items():
        outer, _, inner = path.partition(".")
        assert (there[outer].get(inner) if inner else there.get(outer)) == value
    assert desk.git("show", f"journal/eu1:rules/{operation}.yaml") == text
    stored = json.loads(desk.git("show", f"snapshots/us1:monitors/{id_}.json"))
    patch = json.loads(desk.git("show", f"journal/eu1:patches/monitors/{id_}.json"))
    made = apply_patch(stored, patch)
    for path, value in expected.items():
        outer, _, inner = path.partition(".")
        assert (made[outer].get(inner) if inner else made.get(outer)) == value
    assert desk.run("-q", "verify").code == 0


def test_a_rewrite_changes_texts_wherever_they_match(desk: TwoOrgs) -> None:
    id_ = prepared(desk, message="See env:us1-web and env:us1-db, not env:eu1-web.")
    rule(
        desk,
        "env",
        "match: {types: [monitors]}\n"
        "rewrite:\n- {at: $.message, pattern: 'env:us1-(\\w+)', with: 'env:eu1-\\1'}\n",
    )
    assert replayed(desk, id_)["message"] == "See env:eu1-web and env:eu1-db, not env:eu1-web."


def test_rules_are_applied_by_name_or_as_the_configuration_lists_them(desk: TwoOrgs) -> None:
    id_ = prepared(desk)
    rule(desk, "a", patching(id_, "{op: replace, path: /message, value: First.}"))
    rule(
        desk,
        "b",
        "match: {types: [monitors]}\nrewrite:\n"
        "- {at: $.message, pattern: '^First', with: 'Then'}\n"
        "- {at: $.message, pattern: '^One text', with: 'Before'}\n",
    )
    assert replayed(desk, id_)["message"] == "Then."
    desk.configure("us1", "eu1", more="replay: {transforms: [b, a]}")
    assert replayed(desk, id_)["message"] == "First."
    desk.configure("us1", "eu1", more="replay: {transforms: [b]}")
    assert replayed(desk, id_)["message"] == "Before."
    assert desk.git("ls-tree", "--name-only", "journal/eu1:rules").split() == ["b.yaml"]


def test_a_rule_for_other_orgs_is_left_out(desk: TwoOrgs) -> None:
    id_ = prepared(desk)
    text = patching(id_, "{op: replace, path: /message, value: Two.}")
    rule(desk, "from", f"apply: {{from: [ap1]}}\n{text}")
    rule(desk, "to", f"apply: {{to: [us1]}}\n{text}")
    assert replayed(desk, id_)["message"] == "One text."


def test_a_rule_that_matches_nothing_stops_the_whole_and_not_a_part(desk: TwoOrgs) -> None:
    id_ = prepared(desk)
    rule(desk, "none", patching("1", "{op: remove, path: /priority}"))
    count = writes(desk)
    said = desk.run("-q", "replay", "us1", "--to", "eu1", "--yes")
    assert said.code == 2
    assert "the transformation none matches nothing in us1" in said.err
    assert writes(desk) == count
    assert replayed(desk, id_)["priority"] == 3
    said = desk.run("-q", "replay", "us1", "--to", "eu1", "--yes", "--allow-unmatched")
    assert said.code in (0, 4)


def test_a_test_that_fails_stops_before_the_first_write(desk: TwoOrgs) -> None:
    id_ = prepared(desk)
    operations = ("{op: test, path: /priority, value: 5}", "{op: remove, path: /priority}")
    rule(desk, "five", patching(id_, *operations))
    count = writes(desk)
    for command in (("replay", "--yes"), ("replay", "--rehearse"), ("plan",)):
        said = desk.run("-q", command[0], "us1", "--to", "eu1", *command[1:])
        assert said.code == 2
        assert "five" in said.err
        assert f"monitors/{id_}" in said.err
        assert "test" in said.err
        assert said.err.count("\n") <= 3
    assert writes(desk) == count
    assert desk.git("for-each-ref", "refs/heads/journal/eu1") == ""


def test_back_into_its_own_org_no_rule_applies_unless_it_is_named(desk: TwoOrgs) -> None:
    id_ = prepared(desk)
    rule(desk, "two", patching(id_, "{op: replace, path: /message, value: Two.}"))
    for words, expected in (((), "One text."), (("--transform", "two"), "Two.")):
        body = desk.us1.resources("monitors")[id_]
        body |= {"message": "Broken.", "modified": "2031-01-01T00:00:00+00:00"}
        said = desk.run("--json", "replay", "us1", f"monitors/{id_}", "--to", "us1", "--yes",
                        "--no-dependencies", *words)  # fmt: skip
        assert said.code == 0, said.err
        assert said.of("plan")[0]["transforms"] == [*words[1:]]
        assert desk.us1.resources("monitors")[id_]["message"] == expected


def test_ready_made_rules_change_nothing_in_a_restore(desk: TwoOrgs) -> None:
    id_ = prepared(desk)
    for name in ready_names():
        assert desk.run("-q", "transform", "new", name, "--from", name).code == 0
    body = desk.us1.resources("monitors")[id_]
    # Datadog says of a simple query on each write that it is a metric alert.
    whole = {name: value for name, value in body.items() if name not in ("modified", "type")}
    body |= {"message": "Broken.", "modified": "2031-01-01T00:00:00+00:00"}
    assert desk.run("-q", "restore", "us1", f"monitors/{id_}", "--yes").code == 0
    now = desk.us1.resources("monitors")[id_]
    assert {name: now[name] for name in whole} == whole


# --- secrets


def test_a_secret_that_was_sent_is_nowhere(tmp_path, capsys, monkeypatch) -> None:
    with two_orgs(tmp_path, capsys, monkeypatch, size=120) as desk:
        words = ("us1", "synthetics_global_variables", "--to", "eu1")
        [need] = desk.run("--json", "plan", *words).of("secret_needed")
        monkeypatch.setenv(need["how"].removeprefix("set "), CANARY)
        outputs = [
            desk.run(*options, command, *words, *more)
            for options in (("-v", "-v"), ("--json", "-v"))
            for command, more in (
                ("plan", ()),
                ("replay", ("--rehearse",)),
                ("replay", ("--yes",)),
            )
        ]
        assert [said.code for said in outputs] == [0] * len(outputs)
        sent = [write for write in desk.sandbox.writes if CANARY.encode() in write.raw]
        assert len(sent) == 1
        for said in outputs:
            assert CANARY not in said.out + said.err
        assert CANARY.encode() not in everything(desk)
        assert [path for path in (desk.path / ".git").rglob("*") if holds(path)] == []
        assert desk.run("verify").code == 0


def everything(desk: TwoOrgs) -> bytes:
    """All objects of the repository, one after another."""
    command = ["git", "-C", str(desk.path), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def holds(path: Any) -> bool:
    return path.is_file() and CANARY.encode() in path.read_bytes()


# --- random rules


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_random_rules_did_can_be_verified(desk: TwoOrgs, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(10):
        rule(desk, f"rule-{number}", random_rule(rng))
    said = desk.run("--json", "replay", "us1", "--to", "eu1", "--yes", "--allow-unmatched")
    assert said.code in (0, 4), said.err
    assert said.of("replayed")[0]["counts"]["created"] > 30
    patched = desk.git("ls-tree", "-r", "--name-only", "journal/eu1", "patches/").splitlines()
    assert len(patched) > 30
    assert len(desk.git("ls-tree", "--name-only", "journal/eu1:rules").split()) == 10
    verified = desk.run("verify")
    assert verified.code == 0, verified.out + verified.err
    again = desk.run("--json", "replay", "us1", "--to", "eu1", "--yes", "--allow-unmatched")
    done = [e for e in again.of("outcome") if e["status"] == "done"]
    assert done == []


_TITLES = {"monitors": "name", "dashboards": "title", "service_level_objectives": "name"}


def random_rule(rng: random.Random) -> str:
    """A rule that any resource of its type survives."""
    type_name = rng.choice([*_TITLES])
    title = _TITLES[type_name]
    digit = rng.randrange(10)
    where = rng.choice(["", f"  where: '$[?search(@.{title}, \"[a-m]{digit % 3}\")]'\n",
                        f"  where: '$[?length(@.{title}) > {20 + digit}]'\n"])  # fmt: skip
    texts = {
        "rewrite": f"rewrite:\n- {{at: $.{title}, pattern: '[aeiou]{{1,2}}(\\w)', "
        f"with: '{digit}\\1'}}\n",
        "add": f"patch:\n- {{op: add, path: /{title}, value: 'Title {digit}'}}\n",
        "copy": f"patch:\n- {{op: copy, from: /{title}, path: /description}}\n",
        "tag": f"add_tags: ['team:t{digit}']\n",
    }
    kinds = ["rewrite", "rewrite", *(["copy"] if type_name != "monitors" else ["tag"])]
    return f"match:\n  types: [{type_name}]\n{where}{texts[rng.choice(kinds)]}"


def test_a_rule_that_leads_elsewhere_is_told_and_a_misspelt_org_is_warned_of(desk: TwoOrgs) -> None:
    rule(desk, "astray", "apply: {to: [apl]}\nadd_tags: ['a:b']\n")
    rule(desk, "here", "apply: {to: [eu1]}\nadd_tags: ['a:b']\n")
    rule(desk, "home", "apply: {to: [us1]}\nadd_tags: ['a:b']\n")
    warned = "ddsnap.yaml names no org 'apl'"
    for words in (("plan", "us1"), ("replay", "us1", "--to", "eu1", "--yes")):
        said = desk.run(*words, "monitors")
        assert "transformations: here (2 do not apply here: astray, home)" in said.out
        assert warned in said.err
    (told,) = desk.run("--json", "plan", "us1", "monitors").of("plan")
    assert (told["transforms"], told["idle_transforms"]) == (["here"], ["astray", "home"])
    (desk.path / "transforms" / "here.yaml").unlink()
    (desk.path / "transforms" / "home.yaml").unlink()
    out = desk.run("plan", "us1", "monitors").out
    assert "transformations: none (1 does not apply here: astray)" in out
    within = desk.run("plan", "us1", "monitors", "--to", "us1")
    assert "transformations: none\n" in within.out
    assert warned not in within.err
