"""A replay that finds all as the last one left it plans nothing anew, and says the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import first, two_orgs

from ddsnap.flows import prepare
from ddsnap.flows.as_before import Basis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from two_orgs import Said, TwoOrgs

    from ddsnap.core.plan import Plan

REPLAY = ("replay", "us1", "--to", "eu1", "--yes", "--allow-self-lockout")
NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that were made, rather than taken over."""
    made: list[Plan] = []
    plan_replay = prepare.plan_replay

    def noted(*args: Any, **more: Any) -> Plan:
        made.append(plan_replay(*args, **more))
        return made[-1]

    monkeypatch.setattr(prepare, "plan_replay", noted)
    return made


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    """Both orgs after replays of which the last had nothing to do."""
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        for _ in range(3):
            desk.run("-q", *REPLAY)
        yield desk


def outcomes(desk: TwoOrgs) -> list[Any]:
    told = desk.git("show", "journal/eu1:outcomes.ndjson")
    return [json.loads(line) for line in told.splitlines()]


def without_run(said: Said) -> list[str]:
    return [line for line in said.out.splitlines() if "journal/eu1" not in line]


def test_nothing_is_planned_anew_and_the_same_is_said(desk: TwoOrgs, planned: list[Plan]) -> None:
    before, maps = outcomes(desk), desk.git("rev-parse", "journal/eu1:map")
    again = desk.run(*REPLAY)
    assert not planned
    assert (outcomes(desk), desk.git("rev-parse", "journal/eu1:map")) == (before, maps)
    desk.git("update-ref", "refs/heads/journal/eu1", "journal/eu1~3^{commit}")
    anew = desk.run(*REPLAY)
    assert len(planned) == 1
    assert without_run(again) == without_run(anew)
    assert again.code == anew.code
    assert outcomes(desk) == before
    assert desk.run("verify").code == 0


def test_programs_are_told_the_same(desk: TwoOrgs, planned: list[Plan]) -> None:
    again = desk.run("--json", *REPLAY)
    assert not planned
    desk.git("update-ref", "refs/heads/journal/eu1", "journal/eu1~3^{commit}")
    anew = desk.run("--json", *REPLAY)
    assert len(planned) == 1
    for name in ("plan", "action", "outcome", "summary"):
        assert again.of(name) == anew.of(name), name
    assert again.of("action")


def test_a_capture_in_between_is_no_news(desk: TwoOrgs, planned: list[Plan]) -> None:
    desk.capture("eu1")
    before = desk.run("-q", *REPLAY)
    assert (planned, before.code) == ([], desk.run("-q", *REPLAY).code)


def edit_source(desk: TwoOrgs) -> tuple[str, ...]:
    first(desk.us1, "monitors")[1]["name"] = "Quite another name"
    desk.capture()
    return ()


def edit_destination(desk: TwoOrgs) -> tuple[str, ...]:
    first(desk.eu1, "monitors")[1]["name"] = "Quite another name"
    return ()


def lose(desk: TwoOrgs) -> tuple[str, ...]:
    desk.eu1.resources("dashboards").pop(first(desk.eu1, "dashboards")[0])
    return ()


def ask_otherwise(_: TwoOrgs) -> tuple[str, ...]:
    return ("--live",)


def add_rule(desk: TwoOrgs) -> tuple[str, ...]:
    folder = desk.path / "transforms"
    folder.mkdir(exist_ok=True)
    rule = "match: {types: [monitors]}\npatch: [{op: add, path: /message, value: Moved.}]\n"
    (folder / "moved.yaml").write_text(rule)
    return ("--transform", "moved")


def forget_the_map(desk: TwoOrgs) -> tuple[str, ...]:
    empty = desk.git("hash-object", "-t", "tree", "-w", "/dev/null").strip()
    me = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    commit = desk.git(*me, "commit-tree", empty, "-p", "journal/eu1", "-m", "nothing").strip()
    desk.git("update-ref", "refs/heads/journal/eu1", commit)
    return ()


@pytest.mark.parametrize(
    "change", [edit_source, edit_destination, lose, ask_otherwise, add_rule, forget_the_map]
)
def test_whatever_moves_is_planned(
    desk: TwoOrgs, planned: list[Plan], change: Callable[[TwoOrgs], tuple[str, ...]]
) -> None:
    more = change(desk)
    said = desk.run("-q", *REPLAY, *more)
    assert len(planned) == 1, said.err


def test_it_holds_until_something_ends(planned: list[Plan]) -> None:
    basis = Basis("d", NOW)
    told = {"digest": "d", "at": NOW.isoformat(), "until": (NOW + timedelta(1)).isoformat()}
    assert basis.holds(told)
    assert not replace(basis, digest="e").holds(told)
    assert not replace(basis, now=NOW + timedelta(1)).holds(told)
    assert not replace(basis, now=NOW - timedelta(1)).holds(told)
    assert replace(basis, now=NOW + timedelta(99)).holds({**told, "until": ""})
    assert not basis.holds({})
