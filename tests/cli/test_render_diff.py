"""Rendering is pure: values in, lines out."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.cli.render.diff import drift_lines, json_line, patch_record, record, stat, summary
from ddsnap.cli.render.fields import change_lines, place, shown, text_lines
from ddsnap.cli.render.markdown import Report
from ddsnap.core.canonical import encode
from ddsnap.core.changes import apply_patch, changes
from ddsnap.core.values import Address
from ddsnap.flows.drift import Drift

NASTY = "a\x1b[31m\x9b\u202e\r\n```<b>@all\x7f"
MONITOR = Address("monitors", "12")


def told(old, new, **options):
    lines = (change_lines(change, old, new, **options) for change in changes(old, new))
    return [str(line) for some in lines for line in some]


def drift(old, new, kind="changed", title="CPU", by="", at="", address=MONITOR):
    changed = changes(old, new) if old is not None and new is not None else []
    return Drift(kind, address, title, by, at, tuple(changed), old, new)


def widget(kind, title="", **more):
    named = {"title": title} if title else {}
    return {"definition": {"type": kind, **named, **more}}


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ({"a": {"b": 90}}, {"a": {"b": 95}}, ["a.b: 90 -> 95"]),
        ({"a": None}, {"a": True}, ["a: null -> true"]),
        ({}, {"a.b c": {"x": 1}}, ['["a.b c"]: added {"x": 1}']),
        ({"a": [1]}, {}, ["a: removed [1]"]),
        ({"tags": ["x", "y"]}, {"tags": ["x", "z"]}, ['tags: - "y"', 'tags: + "z"']),
        ({"a": {"$ddsnap": {"secret": True}}}, {"a": 1}, ["a:", "  - (secret)", "  + 1"]),
        (
            {"widgets": [widget("note")]},
            {"widgets": [widget("timeseries", "Latency"), widget("note")]},
            ['widgets[0] (timeseries "Latency"): inserted'],
        ),
        (
            {"widgets": [widget("timeseries", "CPU", q="a", layout={"x": 1, "y": 2})]},
            {"widgets": [widget("timeseries", "CPU", q="b", layout={"x": 1, "y": 2})]},
            ['widgets[0] (timeseries "CPU").definition.q: "a" -> "b"'],
        ),
        (
            {"w": [widget("a", "1"), widget("b", "2"), widget("c", "3")]},
            {"w": [widget("c", "3"), widget("a", "1"), widget("b", "2")]},
            ['w[0] (c "3"): moved here from [2]'],
        ),
        ({"m": "x\ny\nz"}, {"m": "x\nY\nz"}, ["m:", "  - y", "  + Y"]),
        ({"m": "a\nb"}, {"m": "a\r\nb"}, ["m:", "  - a", "  + a\\r"]),
    ],
)
def test_changes_read_as_people_say_them(old, new, lines):
    assert told(old, new) == lines


def test_a_nested_group_is_named_at_each_level():
    document = {"widgets": [widget("note"), widget("group", "Web", widgets=[widget("note")])]}
    pointer = "/widgets/1/definition/widgets/0"
    assert place(pointer, document) == 'widgets[1] (group "Web").definition.widgets[0] (note)'


def test_of_a_long_line_only_the_surroundings_of_the_change_are_shown():
    before, after = "b" * 400, "c" * 400
    lines = told({"q": f"{before}X{after}"}, {"q": f"{before}YY{after}"})
    assert lines == [
        "q:",
        f"  - ...{'b' * 30}X{'c' * 30}...",
        f"  + ...{'b' * 30}YY{'c' * 30}...",
    ]
    assert len(told({"q": before}, {"q": after}, all_of_it=True)[1]) == 404


def test_of_a_long_text_the_changed_lines_are_cut_with_a_count():
    old = "\n".join(f"line {n}" for n in range(100))
    new = old.replace("line", "row")
    lines = [line.text for line in text_lines(old, new, 12)]
    assert len(lines) == 13
    assert lines[-1] == "... and 188 more lines"
    assert len(text_lines(old, new, None)) == 200


def test_values_are_short_and_on_one_line():
    assert shown("x" * 500).endswith("... (382 more)")
    assert "\n" not in shown({"a": NASTY})
    deep: object = 1
    for _ in range(3_000):
        deep = [deep]
    assert shown(deep)


def test_a_headline_says_who_and_when():
    lines = [*drift_lines(drift({"a": 1}, {"a": 2}, by="eve@x", at="2026-11-21"))]
    assert str(lines[0]) == '~ monitors "CPU" 12  by eve@x at 2026-11-21'
    assert str(lines[1]) == "    a: 1 -> 2"


@pytest.mark.parametrize(
    ("kind", "sign"), [("added", "+"), ("deleted", "-"), ("unknown", "?"), ("touched", ".")]
)
def test_every_kind_has_a_sign(kind, sign):
    old, new = (None, {"a": 1}) if kind == "added" else ({"a": 1}, None)
    lines = [str(line) for line in drift_lines(drift(old, new, kind))]
    assert lines[0] == f'{sign} monitors "CPU" 12'
    assert any("could not be read as a whole" in line for line in lines) is (kind == "unknown")


def test_many_changes_are_cut_unless_all_are_wanted():
    old, new = {str(n): 0 for n in range(60)}, {str(n): 1 for n in range(60)}
    assert len([*drift_lines(drift(old, new))]) == 42
    assert len([*drift_lines(drift(old, new), all_of_it=True)]) == 61


def test_counts():
    counts = Report("x", 10_000).counts
    assert summary(counts) == "no differences"
    counts.update({("monitors", "changed"): 2, ("roles", "touched"): 1, ("monitors", "added"): 1})
    assert summary(counts) == "1 added, 2 changed, 1 touched"
    assert stat(counts).splitlines()[1].split() == ["monitors", "1", "2"]


def test_what_an_org_says_cannot_leave_its_line_or_its_block():
    one = drift({"m": "x", "k": {}}, {"m": NASTY, "k": {NASTY: NASTY}}, title=NASTY, by=NASTY)
    lines = [str(line) for line in drift_lines(one)]
    assert all("\n" not in line for line in lines)
    report = Report(NASTY, 60_000)
    report.add(one)
    text = report.text([("monitors", NASTY, NASTY)])
    assert "<b>" not in text.split("````diff")[0]
    assert "\x1b" not in text
    assert text.count("````") == 2
    assert [line for line in text.splitlines() if line.startswith("<details>")] == [
        line for line in text.splitlines() if "<details>" in line
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 400), max_size=40),
    st.integers(1_000, 6_000),
)
def test_markdown_never_exceeds_its_size_and_counts_what_it_leaves_out(sizes, limit):
    report = Report("us1 -> live:us1", limit)
    for nth, size in enumerate(sizes):
        address = Address(f"type{nth % 7}", str(nth))
        report.add(drift({"a": "é" * size}, {"a": "ü" * size + "."}, address=address))
    text = report.text()
    assert len(text.encode()) <= limit
    left = re.search(r"\*(\d+) of (\d+) resources are left out", text)
    assert text.count("<details>") + int(left[1] if left else 0) == len(sizes)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.floats(0, 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSONS, max_size=5)


@settings(max_examples=150, deadline=None)
@given(OBJECTS, OBJECTS)
def test_any_two_documents_render_and_their_patch_is_exact(old, new):
    one = drift(old, new)
    for line in drift_lines(one):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", str(line))
    printed = json_line(patch_record(one))
    assert printed.isascii()
    assert printed.isprintable()
    assert encode(apply_patch(old, json.loads(printed)["patch"])) == encode(new)
    assert json.loads(json_line(record(one)))["kind"] == "changed"


def test_what_patches_say_of_documents_that_only_one_side_has():
    body = {"name": "x"}
    assert apply_patch({}, patch_record(drift(None, body, "added"))["patch"]) == body
    assert apply_patch(body, patch_record(drift(body, None, "deleted"))["patch"]) is None
    assert patch_record(drift(body, None, "unknown"))["patch"] == []
