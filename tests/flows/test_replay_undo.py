"""Undoing a replay: what it did is taken back, as far as nobody has touched it since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pairs import api, note, pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def undo(orgs: Pair, run: str = "", *more: str, code: int = 0) -> Said:
    run = run or orgs.run_record()["run"]
    said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes", *more)
    assert said.code == code, f"{said.code}\n{said.out}\n{said.err}"
    assert orgs.run("verify").code == 0, orgs.run("verify").out
    return said


def made(orgs: Pair) -> list[str]:
    """What the map says that ddsnap has created of us1's."""
    listed = orgs.git("ls-tree", "-r", "--name-only", "journal/eu1", "map/us1").split()
    files = [json.loads(orgs.git("show", f"journal/eu1:{name}"))["ids"] for name in listed]
    return [id_ for ids in files for id_, one in ids.items() if one["origin"] == "created"]


def chain(orgs: Pair) -> tuple[str, str, str]:
    """A monitor in an objective on a dashboard."""
    monitor = orgs.us1.monitor("load")
    slo = orgs.us1.slo("SLO", type="monitor", monitor_ids=[int(monitor)], query=None)
    board = orgs.us1.dashboard("Board", {"type": "slo", "slo_id": slo, "view_type": "detail"})
    return monitor, slo, board


def test_what_was_made_is_deleted_dependents_first_and_forgotten(orgs: Pair) -> None:
    monitor, slo, board = chain(orgs)
    orgs.replay()
    ids = [
        orgs.ids(name)[one]
        for name, one in (
            ("dashboards", board),
            ("service_level_objectives", slo),
            ("monitors", monitor),
        )
    ]
    run = orgs.run_record()["run"]
    said = undo(orgs)
    assert said.sent == [f"DELETE /api/v1/dashboard/{ids[0]}", f"DELETE /api/v1/slo/{ids[1]}",
                         f"DELETE /api/v1/monitor/{ids[2]}"]  # fmt: skip
    assert f"take back run {run[:12]} in eu1" in said.out
    assert "transformations" not in said.out
    assert (orgs.run_record()["undoes"], orgs.run_record()["kind"]) == (run, "restore")
    told_as_undo(orgs, run)
    assert made(orgs) == []
    assert orgs.replay().sent[0].startswith("POST")  # as if it had never been


@pytest.mark.parametrize("changed", [True, False])
def test_what_somebody_has_restricted_otherwise_since_stays(orgs: Pair, changed: bool) -> None:
    """Its policy would go with it, and nobody would hear of that."""
    board = orgs.us1.dashboard("Board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"])
    orgs.replay()
    there = orgs.ids("dashboards")[board]
    if changed:
        orgs.eu1.restrict(f"dashboard:{there}", viewer=[f"org:{orgs.eu1.org.uuid}"])
    said = undo(orgs, code=4 if changed else 0)
    assert (there in orgs.eu1.all("dashboards")) is changed
    told = f"somebody has changed restriction_policies/dashboard:{there} since, so it stays"
    assert (told in said.out) is changed


def told_as_undo(orgs: Pair, run: str) -> None:
    """Whoever reads of it later learns what was taken back."""
    subject = orgs.git("log", "-1", "--format=%s", "journal/eu1").strip()
    assert subject == f"run undo {run[:12]} in eu1: 3 deleted"
    for words in (("log", "eu1"), ("log", "--runs", "eu1")):
        assert f"undo of {run[:12]}: 3 deleted" in orgs.run(*words).out
    (event,) = [e for e in orgs.run("--json", "log", "eu1").events("run") if e["kind"] == "undo"]
    assert (event["undoes"], event["source"]) == (run, "eu1")
    assert "last undo" in orgs.run("status", "eu1").out


def test_what_was_updated_is_as_it_was_and_what_was_adopted_stays(orgs: Pair) -> None:
    role = orgs.us1.role("ops", "logs_read_data")
    orgs.us1.monitor("load")
    theirs = orgs.eu1.role("ops", "logs_write_archives")
    permissions = orgs.eu1.all("roles")[theirs]["relationships"]["permissions"]["data"]
    before = json.dumps(permissions)
    said = orgs.replay()
    assert said.on(f"/api/v2/roles/{theirs}", "PATCH")
    assert orgs.ids("roles")[role] == theirs
    said = undo(orgs)
    assert theirs in orgs.eu1.all("roles")
    after = orgs.eu1.all("roles")[theirs]["relationships"]["permissions"]["data"]
    assert json.dumps(after) == before
    assert orgs.eu1.all("monitors") == {}


def test_what_somebody_changed_since_is_named_and_kept(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    orgs.us1.dashboard("Board")
    role = orgs.us1.role("ops", "logs_read_data")
    theirs = orgs.eu1.role("ops")
    orgs.replay()
    (there,) = orgs.eu1.all("monitors")
    orgs.eu1.one("dashboards", "Board")["description"] = "mine now"
    orgs.eu1.one("dashboards", "Board")["modified_at"] = "2098-01-01T00:00:00+00:00"
    orgs.eu1.send(
        "PATCH",
        f"/api/v2/roles/{theirs}",
        {"data": {"id": theirs, "type": "roles", "attributes": {"name": "mine"}}},
    )
    said = undo(orgs, code=4)
    assert said.sent == [f"DELETE /api/v1/monitor/{there}"]
    assert orgs.outcomes()["Board"]["status"] == "blocked"
    assert "changed it since" in orgs.outcomes()["Board"]["error"]
    assert orgs.eu1.one("dashboards", "Board")["description"] == "mine now"
    assert orgs.eu1.all("roles")[theirs]["attributes"]["name"] == "mine"
    assert orgs.ids("dashboards")  # it is still mapped: a replay makes no second one
    assert orgs.ids("roles")[role] == theirs


def test_what_is_gone_by_then_is_no_trouble(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    orgs.us1.dashboard("Board")
    orgs.replay()
    (there,) = orgs.eu1.all("monitors")
    orgs.eu1.delete(f"/api/v1/monitor/{there}")
    said = undo(orgs)
    assert [one.partition(" ")[0] for one in said.sent] == ["DELETE"]
    assert made(orgs) == []


def test_an_undo_is_taken_back_like_any_replay(orgs: Pair) -> None:
    chain(orgs)
    orgs.replay()
    undo(orgs)
    first = orgs.run_record()
    said = undo(orgs, first["run"])
    methods = {one.partition(" ")[0] for one in said.sent}
    assert methods <= {"POST", "PUT", "PATCH"}
    for name, title in (("monitors", "load"), ("dashboards", "Board"),
                        ("service_level_objectives", "SLO")):  # fmt: skip
        there = orgs.eu1.one(name, title)
        assert str(there["id"]) in orgs.ids(name).values()
    assert orgs.eu1.one("service_level_objectives", "SLO")["monitor_ids"] == [
        orgs.eu1.one("monitors", "load")["id"]
    ]
    orgs.settle()


def test_a_run_is_taken_back_once(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    orgs.replay()
    run = orgs.run_record()["run"]
    undo(orgs)
    by = orgs.run_record()["run"]
    said = orgs.run("replay", "--undo", run[:8], "--to", "eu1", "--yes")
    assert (said.code, said.sent) == (2, [])
    assert f"was taken back by run {by[:12]}" in said.err
    undo(orgs, by)
    undo(orgs, run)  # it counts again, but what it made is another one now
    assert len(orgs.eu1.all("monitors")) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--undo", "zzzz"), "there is no run 'zzzz'"),
        (("--undo", "CAPTURE"), "is no replay"),
        (("--undo", "RUN", "us1"), "leave out us1"),
        (("--undo", "RUN", "--resume"), "leave out --resume"),
        (("--undo", "RUN", "--delete"), "leave out --delete"),
        (("--undo", "RUN", "--to", "us1"), "was one against eu1, not against us1"),
    ],
)
def test_what_cannot_be_taken_back_is_said(orgs: Pair, words: tuple[str, ...], told: str) -> None:
    orgs.us1.monitor("load")
    orgs.replay()
    run = orgs.run_record()["run"]
    assert orgs.run("-q", "capture", "eu1").code == 0
    capture = orgs.run_record()["run"]
    words = tuple({"RUN": run, "CAPTURE": capture}.get(word, word) for word in words)
    said = orgs.run("replay", *words, "--yes")
    assert (said.code, said.sent) == (2, []), said
    assert told in said.err
    assert len(said.err.splitlines()) <= 3


def test_what_nothing_brings_back_must_be_named(orgs: Pair) -> None:
    """Who is only disabled can be enabled again, and goes."""
    user, index = orgs.us1.user("ann@e.example"), {"name": "extra", "filter": {"query": "*"}}
    orgs.us1.post("/api/v1/logs/config/indexes", {**index, "num_retention_days": 15})
    board = orgs.us1.dashboard("Board")
    orgs.replay()
    run = orgs.run_record()["run"]
    ann, there = orgs.ids("users")[user], orgs.ids("dashboards")[board]
    said = undo(orgs, run, code=4)
    gone = {f"DELETE /api/v1/dashboard/{there}", f"DELETE /api/v2/users/{ann}"}
    assert set(said.sent) == gone
    told = f"`ddsnap replay --undo {run[:12]} logs_indexes --to eu1` deletes it too"
    assert told in said.err
    assert "can never be used again" in orgs.outcomes()["extra"]["error"]
    said = undo(orgs, run, "logs_indexes")
    assert said.sent == ["DELETE /api/v1/logs/config/indexes/extra"]


def test_off_a_terminal_nothing_is_taken_back_without_a_word(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    orgs.replay()
    run = orgs.run_record()["run"]
    said = orgs.run("replay", "--undo", run)
    assert (said.code, said.sent) == (6, [])
    assert "to delete" in said.out


def test_deletions_are_not_capped_since_the_run_was_named(orgs: Pair) -> None:
    for number in range(25):
        orgs.us1.monitor(f"load {number}", query=f"avg(last_5m):avg:load{number}{{*}} > 1")
    orgs.replay()
    assert len(undo(orgs).sent) == 25
    assert orgs.eu1.all("monitors") == {}


def test_the_mute_goes_with_the_last_monitor_that_it_silences(orgs: Pair) -> None:
    orgs.us1.monitor("one")
    orgs.replay(live=False)
    first = orgs.run_record()["run"]
    orgs.us1.monitor("two", query="avg(last_5m):avg:two{*} > 1")
    orgs.replay(live=False)
    second = orgs.run_record()["run"]
    (mute,) = orgs.eu1.all("downtime_schedules")
    said = undo(orgs, first, code=4)
    assert len(said.on("/monitor", "DELETE")) == 1
    assert said.on("/downtime") == []
    assert "is silenced by it" in said.out
    undo(orgs, second)
    status = orgs.eu1.all("downtime_schedules")[mute]["attributes"].get("status")
    assert status != "canceled"  # that run did not make it


def test_the_mute_is_cancelled_after_the_monitors_are_gone(orgs: Pair) -> None:
    orgs.us1.monitor("one")
    orgs.replay(live=False)
    said = undo(orgs)
    assert [one.split("/")[3] for one in said.sent] == ["monitor", "downtime"]


def test_what_a_replay_deleted_comes_back_and_is_mapped_again(orgs: Pair) -> None:
    monitor, slo, board = chain(orgs)
    orgs.replay()
    for path in (f"dashboard/{board}", f"slo/{slo}", f"monitor/{monitor}"):
        orgs.us1.delete(f"/api/v1/{path}")
    assert len(orgs.replay("--delete").sent) == 3
    assert made(orgs) == []
    undo(orgs)
    assert orgs.ids("monitors") == {monitor: str(orgs.eu1.one("monitors", "load")["id"])}
    there = orgs.eu1.one("dashboards", "Board")
    assert orgs.ids("dashboards") == {board: there["id"]}
    shown = there["widgets"][0]["definition"]["slo_id"]
    assert shown == orgs.eu1.one("service_level_objectives", "SLO")["id"]
    assert len(orgs.replay("--delete").sent) == 3


def test_a_restore_under_a_new_id_is_taken_back_too(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    slo = orgs.us1.slo("SLO", type="monitor", monitor_ids=[int(monitor)], query=None)
    orgs.capture()
    orgs.us1.all("monitors").pop(monitor)
    said = orgs.run("restore", "us1", f"monitors/{monitor}", "--yes")
    assert said.code == 0, said.err
    (new,) = orgs.us1.all("monitors")
    assert orgs.us1.all("service_level_objectives")[slo]["monitor_ids"] == [int(new)]
    run = json.loads(orgs.git("show", "journal/us1:run.json"))["run"]
    said = orgs.run("replay", "--undo", run, "--yes")
    # Datadog takes no objective of a monitor that is not there, so the new one is still needed.
    assert said.code == 4
    assert said.sent == [f"PUT /api/v1/slo/{slo}"]
    assert f"service_level_objectives/{slo} still refers to it" in said.out
    assert [*orgs.us1.all("monitors")] == [new]


def test_a_failure_keeps_what_it_needs_and_the_rest_goes(orgs: Pair) -> None:
    chain(orgs)
    orgs.us1.monitor("other", query="avg(last_5m):avg:other{*} > 1")
    orgs.replay()
    orgs.sandbox.faults.add(Fault(path="/api/v1/dashboard/", method="DELETE", status=403))
    said = undo(orgs, code=4)
    told = {title: one["status"] for title, one in orgs.outcomes().items()}
    assert told == {"Board": "failed", "SLO": "blocked", "load": "blocked", "other": "done"}
    assert len(said.sent) == 2
    assert len(orgs.ids("monitors")) == 1


def test_a_role_goes_though_its_users_went_before(orgs: Pair) -> None:
    """Who is deleted is only disabled: Datadog still lists them, and their roles."""
    orgs.us1.user("ann@e.example", orgs.us1.role("Ops", "dashboards_read"))
    orgs.replay()
    run = orgs.run_record()["run"]
    refused = Fault(org="eu1", method="DELETE", path="/api/v2/roles/", times=1, status=400)
    orgs.sandbox.faults.add(refused)
    undo(orgs, run, code=4)
    assert orgs.outcomes()["Ops"]["status"] == "failed"
    assert len(undo(orgs, run).on("/api/v2/roles/", "DELETE")) == 1


def test_what_was_adopted_of_a_type_that_nobody_captures_stays_mapped(orgs: Pair) -> None:
    orgs.us1.monitor("load", message="tell @webhook-deploys")
    orgs.replay("--adopt", "webhooks/deploys=deploys-eu")
    assert orgs.eu1.one("monitors", "load")["message"] == "tell @webhook-deploys-eu"
    said = undo(orgs)
    assert len(said.on("/monitor", "DELETE")) == 1
    assert orgs.ids("webhooks") == {"deploys": "deploys-eu"}
    assert made(orgs) == []


@pytest.mark.parametrize("edited", [False, True])
def test_what_somebody_added_to_since_is_kept_by_a_run_that_read_nothing_back(
    orgs: Pair, *, edited: bool
) -> None:
    orgs.us1.dashboard("Board", note("x"))
    orgs.us1.monitor("load")
    orgs.us1.role("ops")
    orgs.capture()
    orgs.sandbox.faults.add(Fault(org="eu1", method="POST", path="/api/v2/roles", status=401))
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").code == 1
    orgs.sandbox.faults.clear()
    there = orgs.eu1.one("dashboards", "Board")
    if edited:
        more = {"description": "hours of work", "template_variables": [{"name": "env"}]}
        told = {name: there[name] for name in ("title", "layout_type", "widgets")}
        orgs.eu1.put(f"/api/v1/dashboard/{there['id']}", told | more)
    undo(orgs, code=4 if edited else 0)
    assert orgs.eu1.all("monitors") == {}
    if edited:
        assert "changed it since" in orgs.outcomes()["Board"]["error"]
        assert orgs.eu1.one("dashboards", "Board")["description"] == "hours of work"
    else:
        assert orgs.eu1.all("dashboards") == {}


def test_who_was_disabled_is_enabled_again(orgs: Pair) -> None:
    ada = orgs.us1.user("ada@e.example", orgs.us1.role("ops", "logs_read_data"))
    orgs.replay()

    def disabled() -> bool:
        told = orgs.eu1.one("users", "ada@e.example")["attributes"]["disabled"]
        return bool(told)

    there = orgs.ids("users")[ada]
    undo(orgs)
    assert disabled()
    undo(orgs)
    assert not disabled()
    assert orgs.ids("users")[ada] == there
    orgs.settle()
    orgs.us1.all("users").pop(ada)
    orgs.replay("--delete", "users")
    assert disabled()
    run = orgs.run_record()["run"]
    renamed = api("users", {"name": "Ada"}, id=there)
    orgs.eu1.send("PATCH", f"/api/v2/users/{there}", renamed)
    undo(orgs, run, code=4)
    assert "changed it since" in orgs.outcomes()["ada@e.example"]["error"]
    orgs.eu1.send("PATCH", f"/api/v2/users/{there}", api("users", {"name": ""}, id=there))
    undo(orgs, run)
    assert not disabled()


def test_what_an_undo_has_brought_back_is_not_made_again_when_it_is_repeated(orgs: Pair) -> None:
    attributes = {
        "scope": "env:x",
        "monitor_identifier": {"monitor_tags": ["a:b"]},
        "schedule": {"start": None, "end": "2099-01-01T00:00:00Z"},
        "display_timezone": "UTC",
    }
    posted = orgs.us1.post("/api/v2/downtime", api("downtime", attributes))
    downtime, monitor = posted["data"]["id"], orgs.us1.monitor("load")
    orgs.replay()
    orgs.us1.delete(f"/api/v2/downtime/{downtime}")
    orgs.us1.delete(f"/api/v1/monitor/{monitor}")
    orgs.replay("--delete")
    run = orgs.run_record()["run"]
    orgs.sandbox.faults.add(Fault(org="eu1", method="POST", path="/api/v1/monitor", status=403))
    said = undo(orgs, run, code=4)
    assert sorted(said.sent) == ["POST /api/v1/monitor", "POST /api/v2/downtime"]
    orgs.sandbox.faults.clear()
    said = undo(orgs, run)
    assert said.sent == ["POST /api/v1/monitor"]
    (there,) = (
        id_
        for id_, one in orgs.eu1.all("downtime_schedules").items()
        if not one["attributes"].get("canceled")
    )
    assert orgs.ids("downtime_schedules") == {downtime: there}
    assert orgs.ids("monitors") == {monitor: str(orgs.eu1.one("monitors", "load")["id"])}


def test_a_repeated_undo_blames_nobody_for_what_the_first_one_did(orgs: Pair) -> None:
    orgs.us1.user("ada@e.example")
    board = orgs.us1.dashboard("Board")
    orgs.us1.dashboard("Edited")
    shelf = orgs.us1.post("/api/v1/dashboard/lists/manual", {"name": "Shelf"})["id"]
    member = {"dashboards": [{"type": "custom_timeboard", "id": board}]}
    orgs.us1.post(f"/api/v2/dashboard/lists/manual/{shelf}/dashboards", member)
    orgs.replay()
    run = orgs.run_record()["run"]
    there = orgs.eu1.one("dashboards", "Edited")
    told = {name: there[name] for name in ("title", "layout_type", "widgets")}
    orgs.eu1.put(f"/api/v1/dashboard/{there['id']}", told | {"description": "mine now"})
    path = "/api/v1/dashboard/lists/manual/"
    orgs.sandbox.faults.add(Fault(org="eu1", method="DELETE", path=path, nth=1, status=403))
    undo(orgs, run, "users", code=4)
    assert orgs.eu1.one("users", "ada@e.example")["attributes"]["disabled"] is True
    assert [*orgs.eu1.all("dashboards")] == [there["id"]]  # so the list has lost its member
    said = undo(orgs, run, "users", code=4)
    assert [one.partition(" ")[0] for one in said.sent] == ["DELETE"]
    assert orgs.eu1.all("dashboard_lists") == {}
    for _ in range(2):
        blocked = {name: one["error"] for name, one in orgs.outcomes().items() if one["error"]}
        assert blocked == {"Edited": "somebody has changed it since, so it stays"}
        assert undo(orgs, run, "users", code=4).sent == []


def test_an_order_that_only_what_was_made_has_changed_is_no_ones_work(orgs: Pair) -> None:
    pipelines, order = "/api/v1/logs/config/pipelines", "/api/v1/logs/config/pipeline-order"
    body = {"filter": {"query": "*"}, "processors": [], "is_enabled": True}
    for name in ("a", "b"):
        orgs.us1.post(pipelines, {**body, "name": name})
    orgs.replay()
    orgs.us1.post(pipelines, {**body, "name": "c"})
    turned = orgs.us1.get(order)["pipeline_ids"][::-1]
    orgs.us1.put(order, {"pipeline_ids": turned})
    orgs.capture()
    orgs.sandbox.faults.add(Fault(org="eu1", method="PUT", path=order, status=503))
    unread = Fault(org="eu1", method="GET", path=order, nth=range(3, 40), status=400)
    orgs.sandbox.faults.add(unread)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--retries", "0")
    assert (said.code, len(orgs.eu1.all("logs_pipelines"))) == (4, 3), said
    orgs.sandbox.faults.clear()
    said = undo(orgs)
    assert [one.partition(" ")[0] for one in said.sent] == ["DELETE"]
    assert sorted(one["name"] for one in orgs.eu1.all("logs_pipelines").values()) == ["a", "b"]
