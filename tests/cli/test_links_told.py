"""Links that lead back to the source's site: the plan tells them, and a rule changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import note, pair

from ddsnap.cli import runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

SITES = {"us1": "datadoghq.com", "eu1": "datadoghq.eu"}
HERE, THERE = "https://app.datadoghq.com", "https://app.datadoghq.eu"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


@pytest.fixture
def apart(orgs: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Both orgs, each as if it were on a site of its own."""
    monkeypatch.setattr(runs, "_site", lambda _app, _config, org: SITES[org.name])
    return orgs


def fill(orgs: Pair) -> str:
    board = orgs.us1.dashboard("Board", note(f"all: {HERE}/dashboard/lists?q=x"))
    orgs.us1.dashboard("Other", note("see /dashboard/lists and https://docs.datadoghq.com/x"))
    text = f"{HERE}/dashboard/lists?q=x, {HERE}/dashboard/{board}"
    orgs.us1.monitor("load", message=text)
    return board


def test_a_plan_tells_what_leads_back_to_the_sources_site(apart: Pair) -> None:
    board = fill(apart)
    apart.capture()
    said = apart.run("plan", "us1", "--to", "eu1")
    told = said.out.partition("links that lead to ")[2].splitlines()
    assert told[0].startswith("app.datadoghq.com and not to app.datadoghq.eu (2):")
    assert "--from app-host" in told[0]
    assert told[1].startswith(f'  {HERE}/dashboard/{board} in monitors "load" ')
    assert told[2].startswith(f"  {HERE}/dashboard/lists?q=x in ")
    assert told[2].endswith(" and 1 more")
    events = apart.run("--json", "plan", "us1", "--to", "eu1").events("link")
    assert [(one["url"], one["host"], len(one["in"])) for one in events] == [
        (f"{HERE}/dashboard/{board}", "app.datadoghq.eu", 1),
        (f"{HERE}/dashboard/lists?q=x", "app.datadoghq.eu", 2),
    ]


def test_the_rule_that_is_named_changes_them(apart: Pair) -> None:
    board = fill(apart)
    assert apart.run("transform", "new", "links", "--from", "app-host").code == 0
    said = apart.replay()
    assert "links that lead to" not in said.out
    there = f"{THERE}/dashboard/lists?q=x, {THERE}/dashboard/{apart.ids('dashboards')[board]}"
    assert apart.eu1.one("monitors", "load")["message"] == there
    (shown,) = apart.eu1.one("dashboards", "Other")["widgets"]
    assert "https://docs.datadoghq.com/x" in shown["definition"]["content"]
    apart.settle()


def test_nothing_is_told_where_both_are_on_one_site(orgs: Pair) -> None:
    fill(orgs)
    assert "links that lead to" not in orgs.replay().out


def test_a_restore_leads_back_where_it_shall(apart: Pair) -> None:
    fill(apart)
    apart.capture()
    apart.us1.all("monitors").clear()
    said = apart.run("restore", "us1", "monitors", "--yes")
    assert said.code == 0
    assert "links that lead to" not in said.out
