"""Circles of references that run through texts: the text stays, and only the ids in it wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from contract import assert_sent
from pairs import api, note, pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

APP = "https://app.datadoghq.com"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def widget(orgs: Pair, board: str) -> Any:
    """The definition of a dashboard's only widget at the source."""
    return orgs.us1.all("dashboards")[board]["widgets"][0]["definition"]


def notebook(text: str) -> dict[str, Any]:
    definition = {"type": "markdown", "text": text}
    cell = {"type": "notebook_cells", "attributes": {"definition": definition}}
    return api("notebooks", {"name": "N", "time": {"live_span": "1h"}, "cells": [cell]})


def test_texts_wait_for_nothing_but_the_ids_in_them(orgs: Pair) -> None:
    us1 = orgs.us1
    one = us1.dashboard("One")
    other = us1.dashboard("Other", note(f"back to {APP}/dashboard/{one}/one, thanks"))
    widget(orgs, one)["content"] = f"# Title\nto {APP}/dashboard/{other}?a=1 or /dashboard/{one}"
    frame = us1.dashboard("Frame")
    us1.all("dashboards")[frame]["widgets"][0]["definition"] = {
        "type": "iframe",
        "url": f"{APP}/dashboard/{frame}",
    }
    made = us1.post("/api/v1/notebooks", notebook("x"))["data"]["id"]
    us1.put(f"/api/v1/notebooks/{made}", notebook(f"me: /notebook/{made}"))
    loud = us1.monitor("Loud")
    us1.all("monitors")[loud]["message"] = f"@slack-acme-ops {APP}/monitors/{loud} is me"
    said = orgs.replay()
    created = {w.body["title"]: w.body for w in said.on("/api/v1/dashboard", "POST")}
    first = {title: body["widgets"][0]["definition"] for title, body in created.items()}
    assert first["Frame"]["url"] == f"{APP}/dashboard/"
    assert first["One"]["content"] == f"# Title\nto {APP}/dashboard/?a=1 or /dashboard/"
    (monitor,) = said.on("/api/v1/monitor", "POST")
    assert monitor.body["message"] == f"@slack-acme-ops {APP}/monitors/ is me"

    boards, eu1 = orgs.ids("dashboards"), orgs.eu1
    new, back, mine = (boards[one], boards[other], boards[frame])
    (shown,) = eu1.one("dashboards", "One")["widgets"]
    wanted = f"# Title\nto {APP}/dashboard/{back}?a=1 or /dashboard/{new}"
    assert shown["definition"]["content"] == wanted
    (shown,) = eu1.one("dashboards", "Other")["widgets"]
    assert shown["definition"]["content"] == f"back to {APP}/dashboard/{new}/one, thanks"
    (shown,) = eu1.one("dashboards", "Frame")["widgets"]
    assert shown["definition"]["url"] == f"{APP}/dashboard/{mine}"
    (cell,) = eu1.one("notebooks", "N")["attributes"]["cells"]
    there = orgs.ids("notebooks")[str(made)]
    assert cell["attributes"]["definition"]["text"] == f"me: /notebook/{there}"
    there = orgs.ids("monitors")[loud]
    assert eu1.one("monitors", "Loud")["message"] == f"@slack-acme-ops {APP}/monitors/{there} is me"
    orgs.sandbox.writes[:] = said.writes
    assert_sent(orgs.sandbox)
    assert orgs.run("verify").code == 0
    orgs.settle()


def test_a_text_whose_circle_stays_open_is_closed_by_the_next_replay(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    widget(orgs, board)["content"] = f"here: {APP}/dashboard/{board}."
    fault = Fault(path="/api/v1/dashboard/", org="eu1", method="PUT", status=400)
    orgs.sandbox.faults.add(fault)
    orgs.replay(code=4)
    (shown,) = orgs.eu1.one("dashboards", "Board")["widgets"]
    assert shown["definition"]["content"] == f"here: {APP}/dashboard/."
    assert orgs.run("verify").code == 0
    orgs.sandbox.faults.remove(fault)
    orgs.replay()
    (shown,) = orgs.eu1.one("dashboards", "Board")["widgets"]
    there = orgs.ids("dashboards")[board]
    assert shown["definition"]["content"] == f"here: {APP}/dashboard/{there}."
    assert orgs.run("verify").code == 0


def test_a_text_whose_target_is_refused_keeps_what_it_says(orgs: Pair) -> None:
    """Its link stays the source's, as that to anything else that is not there."""
    one = orgs.us1.dashboard("One")
    other = orgs.us1.dashboard("Other", note(f"back to {APP}/dashboard/{one}"))
    widget(orgs, one)["content"] = f"to {APP}/dashboard/{other} and {APP}/dashboard/{one}"
    refused = Fault(path="/api/v1/dashboard$", org="eu1", method="POST", status=400, nth=2)
    orgs.sandbox.faults.add(refused)
    orgs.replay(code=4)
    (there,) = orgs.eu1.all("dashboards")
    (shown,) = orgs.eu1.one("dashboards", "One")["widgets"]
    wanted = f"to {APP}/dashboard/{other} and {APP}/dashboard/{there}"
    assert shown["definition"]["content"] == wanted
    assert orgs.run("verify").code == 0
    orgs.replay()
    assert orgs.run("verify").code == 0
