"""The command transform, on a backup of a sandbox org."""

from __future__ import annotations

import re
import subprocess

import pytest
from two_orgs import first, two_orgs

from ddsnap.config.ready_made import ready_names


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch):
    with two_orgs(tmp_path, capsys, monkeypatch, size=120) as desk:
        yield desk


def write(desk, name, text):
    folder = desk.path / "transforms"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)


PAUSE = """\
description: Pause tests
match: {types: [synthetics_tests]}
patch: [{op: add, path: /status, value: paused}]
"""


def test_a_new_rule_is_a_template_and_is_never_overwritten(desk):
    said = desk.run("transform", "new", "calm", "--from", "pause-tests")
    assert said.code == 0
    path = desk.path / "transforms" / "calm.yaml"
    assert str(path) in said.out
    assert path.read_text().startswith("#")
    again = desk.run("transform", "new", "calm")
    assert again.code == 6
    assert "calm.yaml exists" in again.err
    assert "pause" in path.read_text()
    listed = desk.run("--json", "transform", "list").of("rule")
    assert [(rule["name"], rule["types"], rule["does"]) for rule in listed] == [
        ("calm", ["synthetics_tests"], "1 operation")
    ]


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["all"], "'all' cannot name a transformation", "a-z"),
        (["../x"], "'../x' cannot name a transformation", "a-z"),
        (["x", "--from", "nope"], "no template is called 'nope'", "pause-tests"),
    ],
)
def test_a_new_rule_needs_a_name_and_a_template_that_is_there(desk, words, said, hint):
    done = desk.run("transform", "new", *words)
    assert done.code == 2
    assert said in done.err
    assert hint in done.err
    assert not (desk.path / "transforms").exists()


def test_every_template_can_be_written_and_shown(desk):
    said = desk.run("transform", "show", "--ready", "environment-in-queries").out
    assert r"rewrite '\benv:us1(?![\w.-])' as 'env:eu1' in the texts at $..['query', 'q'," in said
    for name in ready_names():
        assert desk.run("transform", "new", f"my-{name}", "--from", name).code == 0
        shown = desk.run("transform", "show", f"my-{name}")
        assert shown.code == 0
        assert (desk.path / "transforms" / f"my-{name}.yaml").read_text().rstrip() in shown.out
        assert f"only with --transform my-{name}" in shown.out
    assert desk.run("transform", "show", "--ready", "rename").code == 0
    ready = desk.run("--json", "transform", "list", "--ready").of("rule")
    assert [rule["name"] for rule in ready] == list(ready_names())


def test_the_list_and_the_rule_in_words(desk):
    write(desk, "b", "apply: {from: [us1], to: [eu2]}\nadd_tags: [x, y]\n")
    write(desk, "a", PAUSE)
    said = desk.run("transform", "list")
    assert said.code == 0
    assert re.search(
        r"^a +any +any +synthetics_tests +1 operation +Pause tests$", said.out, re.MULTILINE
    )
    assert re.search(r"^b +us1 +eu2 +all +adds x, y$", said.out, re.MULTILINE)
    assert "transforms/b.yaml: " in said.err
    assert "names no org 'eu2'" in said.err
    shown = desk.run("transform", "show", "a").out
    assert 'to synthetics_tests\nadd /status = "paused"\n' in shown
    other = desk.run("transform", "show", "aa")
    assert other.code == 2
    assert "did you mean 'a'" in other.err
    (event,) = desk.run("transform", "show", "a", "--json").of("rule")
    assert event["text"] == PAUSE


def test_no_rules_are_no_mistake(desk):
    assert "there are no transformations" in desk.run("transform", "list").err
    said = desk.run("transform", "check", "us1")
    assert said.code == 0
    assert "no transformation applies" in said.err


def test_a_check_shows_each_patch_and_counts(desk):
    id_, test = first(desk.us1, "synthetics_tests")
    test.update(status="live", modified_at="2030-01-01T00:00:00+00:00")
    desk.capture()
    write(desk, "pause", PAUSE)
    said = desk.run("transform", "check", "us1")
    assert said.code == 0
    block = f'synthetics_tests "{test["name"]}" {id_}\n  pause\n    status: "live" -> "paused"\n'
    assert block in said.out
    count = len(desk.us1.resources("synthetics_tests"))
    assert re.search(rf"^pause +{count}$", said.out, re.MULTILINE)
    events = desk.run("transform", "check", "us1", "pause", "--json")
    (event,) = (event for event in events.of("patch") if event["id"] == id_)
    assert event["patch"] == [{"op": "add", "path": "/status", "value": "paused"}]
    assert (event["rule"], event["title"]) == ("pause", test["name"])
    checked = [(event["name"], event["resources"]) for event in events.of("checked")]
    assert checked == [("pause", count)]


def test_a_check_of_many_resources_tells_the_first_of_them_and_counts_the_others(desk):
    types = "monitors, synthetics_tests, service_level_objectives, notebooks"
    write(desk, "every", f"match: {{types: [{types}]}}\nadd_tags: ['a:b']\n")
    said = desk.run("transform", "check", "us1", "every")
    total = int(re.search(r"^every +(\d+)$", said.out, re.MULTILINE)[1])
    assert total > 20
    assert f"... and {total - 20} more resources that would change (-v names all)" in said.out
    assert len(re.findall(r"^  every$", said.out, re.MULTILINE)) == 20
    whole = desk.run("-v", "transform", "check", "us1", "every")
    assert len(re.findall(r"^  every$", whole.out, re.MULTILINE)) == total
    assert len(desk.run("--json", "transform", "check", "us1", "every").of("patch")) == total


def test_what_would_stop_a_replay_is_named_and_ends_with_2(desk):
    id_, test = first(desk.us1, "synthetics_tests")
    strict = "match: {types: [synthetics_tests]}\npatch: [{op: test, path: /status, value: on}]\n"
    write(desk, "a-strict", strict)
    write(desk, "b-pause", PAUSE)
    write(desk, "c-nothing", "rewrite: [{at: $..query, pattern: 'nowhere:at', with: x}]\n")
    said = desk.run("transform", "check", "us1")
    assert said.code == 2
    failure = f"rule 'a-strict' fails for synthetics_tests/{id_} \"{test['name']}\": operation 1 "
    assert f"{failure}(test /status): what is there is not what it tests for" in said.out
    assert "rule 'c-nothing' changes nothing in us1 @" in said.err
    assert "rule 'b-pause' changes nothing" not in said.err
    count = len(desk.us1.resources("synthetics_tests"))
    assert f"rules fail for {count} resources" in said.err
    events = desk.run("--json", "transform", "check", "us1")
    assert len(events.of("failure")) == count
    assert {event["rule"] for event in events.of("patch")} == {"b-pause"}
    assert desk.run("transform", "check", "us1", "b-pause").code == 0


def test_a_check_for_an_org_tries_what_a_replay_there_applies(desk):
    write(desk, "there", f"apply: {{to: [eu1]}}\n{PAUSE}")
    write(desk, "back", f"apply: {{to: [us1]}}\n{PAUSE}")
    checked = desk.run("--json", "transform", "check", "us1", "--to", "eu1").of("checked")
    assert [event["name"] for event in checked] == ["there"]
    both = desk.run("--json", "transform", "check", "us1", "back", "--to", "eu1").of("checked")
    assert [event["name"] for event in both] == ["there", "back"]
    same = desk.run("transform", "check", "us1", "--to", "us1")
    assert same.code == 0
    assert "no transformation applies from us1 to us1" in same.err
    assert desk.run("transform", "check", "us1", "--to", "eu2").code == 2
    desk.configure("us1", "eu1", more="replay: {transforms: [there, gone]}")
    gone = desk.run("transform", "check", "us1", "--to", "eu1")
    assert gone.code == 2
    assert "replay.transforms names 'gone'" in gone.err


def test_a_principal_that_is_gone_is_dropped(desk):
    role, _ = first(desk.us1, "roles", lambda body: not body["attributes"].get("managed"))
    id_, monitor = first(desk.us1, "monitors", lambda body: body["type"] == "metric alert")
    nobody = "00000000-0000-4000-8000-000000000000"
    monitor["restricted_roles"] = [role, nobody]
    monitor["modified"] = "2030-01-01T00:00:00+00:00"
    desk.capture()
    desk.run("transform", "new", "drop", "--from", "drop-principals")
    for more in ([], ["--to", "eu1"]):
        events = desk.run("--json", "transform", "check", "us1", *more)
        assert events.code == 0, events.err
        (event,) = (event for event in events.of("patch") if event["id"] == id_)
        ((operation,),) = (event["patch"],)
        assert operation["op"] == "remove"
        assert operation["path"].startswith("/restricted_roles/")


def test_a_mistake_in_a_file_is_pointed_at(desk):
    write(desk, "x", "match: {types: [monitrs]}\nadd_tags: [x]\n")
    for words in (["list"], ["check", "us1"], ["show", "x"]):
        said = desk.run("transform", *words)
        assert said.code == 2
        assert "transforms/x.yaml:1:17: unknown type 'monitrs'" in said.err


def test_rules_are_read_from_main_where_a_snapshot_is_checked_out(desk):
    def git(*words):
        run = ["git", "-C", str(desk.path), "-c", "user.name=a", "-c", "user.email=a@b", *words]
        subprocess.run(run, check=True, capture_output=True)

    write(desk, "pause", PAUSE)
    (desk.path / "transforms" / "README.md").write_text("Ours\n")
    git("add", "-A")
    git("commit", "-qm", "Pause")
    git("checkout", "-q", "snapshots/us1")
    assert not (desk.path / "transforms").exists()
    listed = desk.run("--json", "transform", "list").of("rule")
    assert [rule["name"] for rule in listed] == ["pause"]
    said = desk.run("transform", "new", "other")
    assert said.code == 2
    assert "git switch main" in said.err


def test_help_of_each_part_has_an_example(desk):
    for name in ("list", "show", "check", "new"):
        said = desk.run("transform", name, "--help")
        assert said.code == 0
        assert re.search(rf"^  ddsnap transform {name}\b", said.out, re.MULTILINE)
    for words in (["lst"], []):
        said = desk.run("transform", *words)
        assert said.code == 2
        assert "ddsnap transform --help" in said.err
