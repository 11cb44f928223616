"""Where markers stood before rules moved what holds them: known for sure, or not told."""

from __future__ import annotations

from typing import Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.config.transforms import parse_rule
from ddsnap.core.normalize import normalize
from ddsnap.core.secrets import conceal
from ddsnap.core.tracing import carried, stood_at
from ddsnap.core.transform import transform

TESTS, MONITORS = CATALOG["synthetics_tests"], CATALOG["monitors"]


def step(name: str, **more: Any) -> dict[str, Any]:
    auth = {"type": "web", "username": "u", "password": "of it"}
    return {"name": name, "request": {"url": f"https://{name}", "basicAuth": auth, **more}}


def password(nth: int) -> str:
    return f"/config/steps/{nth}/request/basicAuth/password"


def traced(rule: str, *steps: dict[str, Any]) -> dict[str, str]:
    raw: dict[str, Any] = {"public_id": "abc", "name": "T", "type": "api", "subtype": "multi"}
    stored = normalize(TESTS, {**raw, "config": {"steps": list(steps)}}).document
    text = f"match: {{types: [synthetics_tests]}}\n{rule}"
    rules = [parse_rule("rule.yaml", text.encode())]
    made, _ = transform(stored, rules, CATALOG)
    return stood_at(stored, made, rules, CATALOG)


ONE, TWO, THREE = step("one"), step("two"), step("three")


def patched(*operations: str) -> str:
    return f"patch: [{', '.join(operations)}]"


def test_without_rules_each_is_where_it_is() -> None:
    stored = normalize(TESTS, {"public_id": "abc", "config": {"steps": [ONE]}}).document
    assert stood_at(stored, stored, (), CATALOG) == {password(0): password(0)}


def test_what_goes_with_its_step_is_found_again() -> None:
    bare = {"name": "bare", "request": {"url": "https://bare"}}
    gone = patched("{op: remove, path: /config/steps/0}")
    assert traced(gone, bare, ONE, TWO) == {password(0): password(1), password(1): password(2)}
    turned = patched("{op: move, from: /config/steps/2, path: /config/steps/0}")
    assert traced(turned, ONE, TWO, THREE) == {
        password(0): password(2),
        password(1): password(0),
        password(2): password(1),
    }


def test_a_step_that_stays_in_its_place_may_be_changed_in_any_way() -> None:
    renamed = (
        "rewrite: [{at: '$.config.steps[*].name', pattern: one, with: two},"
        " {at: $..url, pattern: '//', with: '//eu.'}]"
    )
    assert traced(renamed, ONE, THREE) == {password(0): password(0), password(1): password(1)}


def test_a_step_that_moves_and_is_another_one_then_is_not_known() -> None:
    rule = patched(
        "{op: move, from: /config/steps/1, path: /config/steps/0}",
        "{op: replace, path: /config/steps/0/name, value: other}",
        "{op: replace, path: /config/steps/0/request/url, value: 'https://other'}",
    )
    assert traced(rule, ONE, TWO) == {password(1): password(0)}


@pytest.mark.parametrize("back", [True, False])
def test_what_a_rule_takes_out_of_its_step_is_not_known(back: bool) -> None:
    auth = "/config/steps/{}/request/basicAuth"
    away = f"{{op: move, from: {auth.format(0)}, path: {auth.format(1)}}}"
    kept = [
        f"{{op: move, from: {auth.format(1)}, path: /config/kept}}",
        away,
        f"{{op: move, from: /config/kept, path: {auth.format(0)}}}",
    ]
    bare = {"name": "two", "request": {"url": "https://two"}}
    if back:
        assert traced(patched(*kept), ONE, TWO) == {}
    else:
        assert traced(patched(away), ONE, bare) == {}


def test_secrets_of_a_set_are_carried_wherever_they_sort() -> None:
    stored = {"id": 1, "type": "metric alert", "tags": ["b:1", "hush-hush"]}
    origin = normalize(MONITORS, dict(stored)).document.body
    conceal(origin, ["/tags/1"])
    body = {**origin, "tags": ["a:0", *origin["tags"]]}  # type: ignore[misc]
    assert carried(MONITORS, body, origin) == {"/tags/2": "/tags/1"}
    assert carried(MONITORS, origin, origin) == {"/tags/1": "/tags/1"}
