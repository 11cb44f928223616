"""Rules as people write them: what is read, what is refused and where, which of them apply."""

from __future__ import annotations

import textwrap

import pytest

from ddsnap.config.transforms import applying, check_name, load_rules, parse_rule, parse_rules
from ddsnap.errors import ConfigError, ExitCode, UsageError

FULL = b"""\
description: Point queries at the other environment
apply: {from: [us1], to: [eu1, ap1]}
match:
  types: [monitors]
  where: $[?@.name != "heartbeat"]
patch:
  - {op: add, path: /tags/-, value: "moved:true"}
  - {op: test, path: /type, value: null}
rewrite:
  - {at: $..query, pattern: 'env:us1-(\\w+)', with: 'env:eu1-\\1'}
add_tags: [a, b]
drop: unresolvable_principals
"""


def test_a_rule_is_read_as_it_is_written():
    rule = parse_rule("transforms/move.yaml", FULL)
    assert (rule.name, rule.text) == ("move", FULL.decode())
    assert rule.description == "Point queries at the other environment"
    assert (rule.from_orgs, rule.to_orgs) == (("us1",), ("eu1", "ap1"))
    assert rule.types == ("monitors",)
    assert rule.where.text == '$[?@.name != "heartbeat"]'
    assert rule.patch == (
        {"op": "add", "path": "/tags/-", "value": "moved:true"},
        {"op": "test", "path": "/type", "value": None},
    )
    assert [(r.at.text, r.pattern.pattern, r.replacement) for r in rule.rewrite] == [
        ("$..query", r"env:us1-(\w+)", r"env:eu1-\1")
    ]
    assert rule.add_tags == ("a", "b")
    assert (rule.drop_principals, rule.drop_permissions) == (True, False)
    rule = parse_rule("transforms/few.yaml", b"drop: unknown_permissions")
    assert (rule.drop_principals, rule.drop_permissions) == (False, True)


def test_rules_are_read_in_order_of_name_and_other_files_are_left_alone(tmp_path):
    assert load_rules(tmp_path / "transforms") == ()
    for name in ("10-b.yaml", "2-a.yaml", "a.yaml", "README.md", ".b.yaml.new", ".c.yaml"):
        (tmp_path / name).write_text("add_tags: [x]\n")
    assert [rule.name for rule in load_rules(tmp_path)] == ["10-b", "2-a", "a"]


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"a\.yaml cannot be read: Is a directory"):
        load_rules(tmp_path)


@pytest.mark.parametrize("name", ["All.yaml", "-x.yaml", "a_b.yaml", "all.yaml", "x.yml"])
def test_names_that_no_rule_may_have(name):
    with pytest.raises(ConfigError) as caught:
        parse_rules({f"transforms/{name}": b"add_tags: [x]"})
    assert caught.value.message.startswith(f"transforms/{name}")
    assert caught.value.hint
    with pytest.raises(UsageError):
        check_name(name)


MISTAKES = [
    ("", "1:1: the rule does nothing", "patch, rewrite"),
    ("match: {types: [monitors]}\n", "1:1: the rule does nothing", ""),
    ("patch: []\n", "1:1: the rule does nothing", ""),
    ("- a\n", "1:1: the file must be a mapping", ""),
    ("add_tag: [x]\n", "1:1: unknown key 'add_tag' (did you mean 'add_tags'?)", "known:"),
    ("drop: a\ndrop: b\n", "2:1: duplicate name 'drop' (first on line 1)", ""),
    ("drop: all\n", "drop must be unresolvable_principals or unknown_permissions, not 'all'", ""),
    ("match: {types: [users]}\ndrop: unknown_permissions\n",
     "2:1: users have no permissions", "name roles under match.types"),
    ("apply: {form: [us1]}\n", "1:9: unknown key 'apply.form' (did you mean 'from'?)", ""),
    ("apply: {from: us1}\n", "1:15: apply.from must be a list, not a text", "write [us1]"),
    ("apply: {from: []}\n", "1:15: apply.from is empty", "leave it out"),
    ("match: {types: []}\n", "1:16: match.types is empty", "leave it out"),
    ("match: {types: [monitrs]}\n", "unknown type 'monitrs' (did you mean 'monitors'?)", ""),
    ("match: {where: $.name}\n", "1:16: match.where: a list has no members (at character 2)", ""),
    ("match: {where: '$[?@.a ='}\n", "1:16: match.where: ", "RFC 9535"),
    ("patch: {op: add}\n", "1:8: patch must be a list of operations, not a mapping", ""),
    ("patch:\n  - {path: /a}\n", "2:5: patch[0] has no op", "add, remove"),
    ("patch:\n  - {op: ad, path: /a}\n", "2:10: patch[0].op must be add or remove", ""),
    ("patch:\n  - {op: add, path: /a}\n", "2:5: patch[0] has no value", "RFC 6902"),
    ("patch:\n  - {op: move, path: /a}\n", "2:5: patch[0] has no from", ""),
    ("patch:\n  - {op: remove}\n", "2:5: patch[0] has no path", ""),
    ("patch:\n  - {op: remove, path: /a, vlue: 1}\n", "2:28: unknown key 'patch[0].vlue'", ""),
    ("patch:\n  - {op: remove, path: a}\n", "2:24: patch[0].path: the pointer 'a' does", "6901"),
    ("patch:\n  - {op: remove, path: 5}\n", "2:24: patch[0].path must be a JSON pointer", ""),
    ("patch:\n  - {op: add, path: /a, value: .nan}\n", "2:32: patch[0].value: ", ""),
    ("patch:\n  - {op: add, path: /a, value: {b: [{$ddsnap: 1}]}}\n", "holds $ddsnap", ""),
    ("rewrite: {}\n", "1:10: rewrite must be a list, not a mapping", ""),
    ("rewrite:\n  - {at: $.a, with: b}\n", "2:5: rewrite[0] has no pattern", ""),
    ("rewrite:\n  - {at: a, pattern: a, with: b}\n", "2:10: rewrite[0].at: ", "$..query"),
    ("rewrite:\n  - {at: $.a, pattern: 'x(', with: b}\n", "2:24: rewrite[0].pattern: bad regex:",
     "Python's re"),
    ("rewrite:\n  - {at: $.a, pattern: x, with: '\\1'}\n", "2:33: rewrite[0].with: invalid group",
     r"\1"),
    ("rewrite:\n  - {at: $.a, pattern: x, with: '\\g<n>'}\n", "2:33: rewrite[0].with: unknown",
     ""),
    ("rewrite:\n  - {at: $.a, pattern: x, with: 5}\n", "2:33: rewrite[0].with must be a text", ""),
    ("match: {types: [roles]}\nadd_tags: [x]\n", "2:1: roles have no tags", "match.types"),
    ("add_tags: x\n", "1:11: add_tags must be a list, not a text", "write [x]"),
    ("add_tags: [x, x]\n", "1:15: duplicate name 'x' in add_tags", ""),
    ("drop: [\n", "2:1: not YAML: ", ""),
    ("drop: &a *a\n", "not YAML", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "message", "hint"), MISTAKES)
def test_a_mistake_is_shown_where_it_stands(source, message, hint):
    with pytest.raises(ConfigError) as caught:
        parse_rule("transforms/x.yaml", source.encode())
    if message[0].isdigit():
        message = f"transforms/x.yaml:{message}"
    assert caught.value.message.startswith("transforms/x.yaml:")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.code is ExitCode.USAGE


FIXED = [
    ("monitors", "{op: replace, path: /id, value: 1}", "an id"),
    ("monitors", "{op: remove, path: /creator/handle}", "not for people"),
    ("monitors", "{op: move, path: /name, from: /created}", "not for people"),
    ("monitors", "{op: add, path: /$ddsnap/id, value: 1}", "ddsnap's own member"),
    ("synthetics_tests", "{op: remove, path: /config/steps/3/id}", "not for people"),
    ("synthetics_tests", "{op: add, path: /config/steps/-/id, value: a}", "not for people"),
    ("synthetics_tests", "{op: replace, path: /config/request/basicAuth/password, value: letmein}",
     "holds a secret"),
    ("logs_indexes", "{op: replace, path: /name, value: main}", "an id"),
    ("team_memberships", "{op: remove, path: /relationships/team/data/id}", "an id"),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "operation", "why"), FIXED)
def test_what_no_rule_may_change_is_refused_in_the_file(type_name, operation, why):
    source = f"match: {{types: [{type_name}]}}\npatch:\n  - {operation}\n"
    with pytest.raises(ConfigError, match=r"transforms/x\.yaml:3:\d+: patch\[0\]\.") as caught:
        parse_rule("transforms/x.yaml", source.encode())
    assert why in caught.value.message


def test_what_may_not_be_changed_may_be_tested_and_copied():
    source = b"""\
match: {types: [monitors]}
patch:
  - {op: test, path: /id, value: 12}
  - {op: copy, from: /created, path: /message}
"""
    assert len(parse_rule("transforms/x.yaml", source).patch) == 2


SECRET = "ghp_" + "a1B2c3D4" * 5  # of the form alone
RANDOM = "x8Kq2ZpL0vRt7YwN4mBs"


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (f"# the token is {SECRET}\nadd_tags: [x]\n", "1:16"),
        (f"rewrite:\n  - {{at: $.a, pattern: x, with: {SECRET}}}\n", "2:33"),
        (f"patch:\n  - {{op: add, path: /a, value: {{b: [{SECRET}]}}}}\n", "2:37"),
        (f"patch:\n  - {{op: add, path: /a/api_key, value: {RANDOM}}}\n", "2:40"),
        (f"patch:\n  - {{op: add, path: /a, value: {{password: {RANDOM}}}}}\n", "2:32"),
        ("# -----BEGIN PRIVATE KEY-----\n# " + "A1b2" * 20 + "\nadd_tags: [x]\n", "1:3"),
    ],
)
def test_a_secret_in_a_rule_is_refused_and_never_shown(source, place):
    with pytest.raises(ConfigError) as caught:
        parse_rule("transforms/x.yaml", source.encode())
    assert caught.value.message.startswith(f"transforms/x.yaml:{place}: ")
    assert "looks like a secret" in caught.value.message
    assert SECRET not in str(caught.value)
    assert RANDOM not in str(caught.value)
    assert "revoked" in caught.value.hint


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ConfigError, match=r"x\.yaml:1:4: this is not UTF-8 text"):
        parse_rule("x.yaml", b"# a\xff\n")


# --- which of them apply


def rules(**applies):
    texts = {
        f"transforms/{name}.yaml": textwrap.dedent(f"apply: {orgs}\nadd_tags: [x]\n").encode()
        for name, orgs in applies.items()
    }
    return parse_rules(texts)


RULES = rules(a="{from: [us1]}", b="{to: [eu1]}", c="{from: [eu1]}", d="")


def names(*words, **options):
    return [rule.name for rule in applying(RULES, *words, **options)]


@pytest.mark.parametrize(
    ("configured", "source", "destination", "found"),
    [
        (["all"], "us1", "eu1", "abd"),
        (["all"], "us1", "ap1", "ad"),
        (["all"], "eu1", "us1", "cd"),
        (["d", "a"], "us1", "eu1", "da"),
        (["c"], "us1", "eu1", ""),
        ([], "us1", "eu1", ""),
        (["all"], "us1", "us1", ""),
        (["b"], "eu1", "eu1", ""),
    ],
)
def test_rules_apply_between_the_orgs_that_they_name(configured, source, destination, found):
    assert names(configured, source, destination) == list(found)


def test_named_rules_apply_wherever_they_lead_and_come_last():
    assert names(["all"], "us1", "us1", ["d", "c"]) == ["d", "c"]
    assert names(["a"], "us1", "eu1", ["c", "a"]) == ["a", "c"]
    assert names(["all"], "us1", "copy-of-us1", same_org=True) == []
    assert names(["all"], "us1", "copy-of-us1", ["b"], same_org=True) == ["b"]


def test_a_name_that_there_is_no_rule_of_is_a_mistake():
    with pytest.raises(ConfigError, match=r"here\.yaml: replay\.transforms names 'x'") as caught:
        names(["a", "x"], "us1", "us1", file="here.yaml")
    assert caught.value.hint == "known in transforms/: a, b, c, d"
    with pytest.raises(UsageError, match=r"no transformation is called 'bb' .did you mean 'b'"):
        names(["all"], "us1", "eu1", ["bb"])
    with pytest.raises(UsageError) as caught:
        applying((), ["all"], "us1", "eu1", ["x"])
    assert caught.value.hint == "known in transforms/: none yet"
