"""Runs that could not find out what they had made: later ones find it, and take nobody else's."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from pairs import api, note, pair

from ddsnap.sandbox import Fault
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said

BOARDS = r"/api/v1/dashboard$"
TITLE = "Team board"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def replay(orgs: Pair, *words: str) -> Said:
    return orgs.run("replay", "us1", *words, "--to", "eu1", "--yes", "--live")


def refused(orgs: Pair, *words: str) -> None:
    """A replay whose keys are refused at its first write, so that it makes nothing."""
    fault = orgs.sandbox.faults.add(Fault(org="eu1", writes=True, status=401))
    assert replay(orgs, *words).code == 1
    orgs.sandbox.faults.remove(fault)


def loses(orgs: Pair, path: str = BOARDS, *, effect: bool) -> None:
    """A replay that loses the answer to a creation, and cannot look what became of it."""
    faults = (
        Fault(org="eu1", method="POST", path=path, nth=1, after=effect, reset=True),
        Fault(org="eu1", method="GET", path=path, nth=range(2, 40), status=400),
    )
    for fault in faults:
        orgs.sandbox.faults.add(fault)
    said = replay(orgs)
    assert said.code == 4, said.err
    assert len(said.on(path.rstrip("$"), "POST")) == 1
    for fault in faults:
        orgs.sandbox.faults.remove(fault)


def texts(orgs: Pair) -> list[str]:
    bodies = orgs.eu1.all("dashboards").values()
    return sorted(body["widgets"][0]["definition"]["content"] for body in bodies)


def board(orgs: Pair, text: str, **more: Any) -> str:
    """Make a board at the destination; what the API tells of its making may be set."""
    id_ = orgs.eu1.dashboard(TITLE, note(text))
    orgs.eu1.all("dashboards")[id_].update(more)
    return id_


# --- what others made


def test_what_somebody_made_after_a_run_that_made_nothing_is_left_alone(orgs: Pair) -> None:
    orgs.us1.dashboard(TITLE, note("from us1"))
    orgs.us1.role("Ops")
    orgs.capture()
    refused(orgs)
    board(orgs, "by hand")
    said = replay(orgs)
    assert said.sent == ["POST /api/v2/roles"]
    assert orgs.outcomes()[TITLE]["status"] == "similar"
    assert texts(orgs) == ["by hand"]


def test_what_equals_it_is_adopted_and_never_deleted(orgs: Pair) -> None:
    source = orgs.us1.dashboard(TITLE, note("same"))
    orgs.us1.role("Ops")
    orgs.capture()
    refused(orgs)
    there = board(orgs, "same")
    assert replay(orgs).code == 0
    told = orgs.outcomes()[TITLE]
    assert (told["action"], told["origin"], told["to"]) == ("adopt", "adopted", there)
    orgs.us1.delete(f"/api/v1/dashboard/{source}")
    orgs.capture()
    assert replay(orgs, "--delete").on("", "DELETE") == []
    assert texts(orgs) == ["same"]


def test_a_run_about_other_types_explains_nothing(orgs: Pair) -> None:
    orgs.us1.monitor("first")
    orgs.replay()
    board(orgs, "by hand")
    orgs.us1.dashboard(TITLE, note("from us1"))
    orgs.us1.role("Ops")
    orgs.capture()
    refused(orgs, "roles")
    assert replay(orgs).sent == ["POST /api/v2/roles"]
    assert texts(orgs) == ["by hand"]


LATER = (datetime.now(timezone.utc) + timedelta(days=30)).isoformat()


@pytest.mark.parametrize(
    "made", [{"author_handle": "other@e.example"}, {"created_at": LATER}], ids=["who", "when"]
)
@pytest.mark.parametrize("text", ["from us1", "by hand"])
def test_what_a_lost_creation_cannot_have_made_is_not_its_work(
    orgs: Pair, made: dict[str, str], text: str
) -> None:
    orgs.us1.dashboard(TITLE, note("from us1"))
    orgs.capture()
    loses(orgs, effect=False)
    there = board(orgs, text, **made)
    said = replay(orgs)
    assert said.sent == []
    told = orgs.outcomes()[TITLE]
    if text == "by hand":
        assert told["status"] == "similar"
    else:
        assert (told["action"], told["origin"], told["to"]) == ("adopt", "adopted", there)
    assert texts(orgs) == [text]


def test_of_the_same_title_alone_it_is_neither_written_over_nor_made_beside(orgs: Pair) -> None:
    source = orgs.us1.dashboard(TITLE, note("from us1"))
    orgs.capture()
    loses(orgs, effect=False)
    there = board(orgs, "by hand")
    said = replay(orgs, "--create-similar")
    assert (said.code, said.sent) == (4, [])
    told = orgs.outcomes()[TITLE]
    assert told["status"] == "ambiguous"
    way = f"--adopt dashboards/{source}={there}"
    assert f"dashboards/{there}, which is called the same: {way} takes it" in told["error"]
    said = replay(orgs, *way.split())
    assert said.sent == [f"PUT /api/v1/dashboard/{there}"]
    told = orgs.outcomes()[TITLE]
    assert (told["action"], told["origin"]) == ("adopt", "adopted")
    assert replay(orgs).sent == []


def test_once_it_is_gone_the_creation_is_made_again(orgs: Pair) -> None:
    orgs.us1.dashboard(TITLE, note("from us1"))
    orgs.capture()
    loses(orgs, effect=False)
    there = board(orgs, "by hand")
    assert replay(orgs, "--create-similar").sent == []
    orgs.eu1.delete(f"/api/v1/dashboard/{there}")
    assert replay(orgs).sent == ["POST /api/v1/dashboard"]
    assert texts(orgs) == ["from us1"]


# --- what it made itself


def test_what_it_made_is_found_by_what_it_said_and_is_taken_back_with_it(orgs: Pair) -> None:
    source = orgs.us1.dashboard(TITLE, note("from us1"))
    orgs.capture()
    loses(orgs, effect=True)
    (there,) = orgs.eu1.all("dashboards")
    orgs.us1.all("dashboards")[source]["description"] = "changed since"
    orgs.us1.all("dashboards")[source]["modified_at"] = LATER
    orgs.capture()
    planned = orgs.run("--json", "plan", "us1", "--to", "eu1", "--live").events("action")
    said = replay(orgs)
    assert said.sent == [f"PUT /api/v1/dashboard/{there}"]
    told = orgs.outcomes()[TITLE]
    assert (told["action"], told["origin"], told["to"]) == ("adopt", "created", there)
    assert told["reasons"] == ["made by the run that was interrupted"]
    (plan,) = (one for one in planned if one["title"] == TITLE)
    assert (plan["action"], plan["to"]) == ("adopt", there)
    run = orgs.run_record()["run"]
    assert orgs.run("replay", "--undo", run, "--to", "eu1", "--yes").code == 0
    assert orgs.eu1.all("dashboards") == {}


def test_what_was_made_again_is_found_though_the_map_names_the_lost_one(orgs: Pair) -> None:
    source = orgs.us1.dashboard(TITLE, note("from us1"))
    orgs.replay()
    lost = orgs.ids("dashboards")[source]
    orgs.eu1.delete(f"/api/v1/dashboard/{lost}")
    loses(orgs, effect=True)
    (there,) = orgs.eu1.all("dashboards")
    said = replay(orgs)
    assert (said.code, said.sent) == (0, [])
    assert orgs.ids("dashboards") == {source: there}
    assert orgs.outcomes()[TITLE]["origin"] == "created"


def test_a_narrower_run_in_between_forgets_nothing(orgs: Pair) -> None:
    attributes = {
        "scope": "env:x",
        "monitor_identifier": {"monitor_tags": ["a:b"]},
        "schedule": {"start": None, "end": "2099-01-01T00:00:00+00:00"},
    }
    orgs.us1.post("/api/v2/downtime", api("downtime", attributes))
    orgs.us1.dashboard(TITLE)
    orgs.capture()
    loses(orgs, "/api/v2/downtime$", effect=True)
    assert orgs.run_record()["open"][0]["address"].startswith("downtime_schedules/")
    for words in (("dashboards",), ("roles",)):
        said = replay(orgs, *words)
        assert (said.code, said.sent) == (0, [])
        assert len(orgs.run_record()["open"]) == 1
    said = replay(orgs)
    assert (said.code, said.sent) == (0, [])
    assert orgs.run_record()["open"] == []
    assert len(orgs.eu1.all("downtime_schedules")) == 1


# --- answers that are lost on the way, of servers that store something else than they were sent


def lowered(sent: Any) -> Any:
    return {**sent, "title": sent["title"].lower()}


HABITS = {"trim": "trim", "fill": "fill", "reorder": "reorder", "drop": "drop", "lower": lowered}


@pytest.mark.parametrize("habit", HABITS)
def test_what_the_server_stores_otherwise_is_not_sent_again(orgs: Pair, habit: str) -> None:
    orgs.us1.dashboard("Team Board ", note("x"), note("y"), description="text ", tags=["team:a"])
    orgs.capture()
    fault = orgs.sandbox.faults.add
    fault(Fault(org="eu1", method="POST", path=BOARDS, mangle=HABITS[habit]))
    fault(Fault(org="eu1", method="POST", path=BOARDS, nth=1, after=True, reset=True))
    said = replay(orgs)
    assert (said.code, said.sent) == (0, ["POST /api/v1/dashboard"])
    (there,) = orgs.eu1.all("dashboards")
    assert list(orgs.ids("dashboards").values()) == [there]
    assert replay(orgs).sent == []


def test_an_address_that_the_server_lowers_is_that_of_the_same_user(orgs: Pair) -> None:
    orgs.us1.user("ann@e.example")
    (user,) = (u for u in orgs.us1.all("users").values() if "ann" in u["attributes"]["handle"])
    user["attributes"].update(handle="Ann@E.example", email="Ann@E.example")
    orgs.capture()

    def lower(sent: Any) -> Any:
        sent["data"]["attributes"]["email"] = sent["data"]["attributes"]["email"].lower()
        return sent

    users = "/api/v2/users$"
    fault = orgs.sandbox.faults.add
    fault(Fault(org="eu1", method="POST", path=users, mangle=lower))
    fault(Fault(org="eu1", method="POST", path=users, nth=1, after=True, reset=True))
    said = replay(orgs)
    assert said.on("/api/v2/users", "POST") == said.writes[:1]
    handles = [user["attributes"]["handle"] for user in orgs.eu1.all("users").values()]
    assert handles.count("ann@e.example") == 1


@pytest.mark.parametrize("who", ["owner@e.example", "other@e.example"])
def test_a_namesake_that_is_made_at_that_moment(orgs: Pair, who: str) -> None:
    """That of the same user may be what was sent; that of another one is not."""
    orgs.us1.dashboard(TITLE, note("x"), note("y"))
    orgs.capture()

    def meanwhile(sent: Any) -> Any:
        if not orgs.eu1.all("dashboards"):
            board(orgs, "by hand", author_handle=who)
        return {**sent, "widgets": sent["widgets"][::-1]}

    fault = orgs.sandbox.faults.add
    fault(Fault(org="eu1", method="POST", path=BOARDS, nth=1, mangle=meanwhile))
    fault(Fault(org="eu1", method="POST", path=BOARDS, nth=1, after=True, reset=True))
    said = replay(orgs)
    assert len(orgs.eu1.all("dashboards")) == 2
    told = orgs.outcomes()[TITLE]
    if who.startswith("owner"):
        assert (said.code, told["status"], told["to"]) == (4, "ambiguous", "")
        assert replay(orgs).sent == []
    else:
        assert (said.code, told["status"]) == (0, "done")
    assert "by hand" in texts(orgs)


def test_namesakes_of_one_run_are_not_taken_for_one_another(orgs: Pair) -> None:
    for nth in range(6):
        orgs.us1.dashboard(TITLE, note(f"text {nth}"))
    orgs.capture()
    for nth in (1, 3, 6):
        orgs.sandbox.faults.add(Fault(org="eu1", method="POST", path=BOARDS, nth=nth, reset=True))
    said = replay(orgs, "--timeout", "1s")
    assert said.code == 0, said.err
    assert texts(orgs) == [f"text {nth}" for nth in range(6)]
    assert len(set(orgs.ids("dashboards").values())) == 6


def test_only_one_thread_reads_the_repository(orgs: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its objects lie in files that are read by seeking."""
    orgs.us1.dashboard(TITLE)
    orgs.us1.monitor("load")
    orgs.capture()
    readers = set()
    read = Repository.read

    def watched(repo: Repository, sha: bytes, kind: int) -> bytes:
        readers.add(threading.current_thread())
        return read(repo, sha, kind)

    monkeypatch.setattr(Repository, "read", watched)
    for path in (BOARDS, "/api/v1/monitor$"):
        fault = Fault(org="eu1", method="POST", path=path, nth=1, after=True, reset=True)
        orgs.sandbox.faults.add(fault)
    said = replay(orgs)
    assert (said.code, len(said.writes)) == (0, 2)
    assert readers == {threading.current_thread()}


# --- the downtime of a migration


def quietly(orgs: Pair) -> Said:
    orgs.us1.monitor("one")
    orgs.capture()
    path = "/api/v2/downtime$"
    fault = Fault(org="eu1", method="POST", path=path, nth=1, after=True, reset=True)
    orgs.sandbox.faults.add(fault)
    return orgs.run("replay", "us1", "--to", "eu1", "--yes", "--timeout", "1s")


def test_a_mute_that_shows_up_a_moment_later_is_not_made_again(orgs: Pair) -> None:
    fault = Fault(org="eu1", method="GET", path="/api/v2/downtime$", nth=2, empty=True)
    orgs.sandbox.faults.add(fault)
    said = quietly(orgs)
    assert said.code == 0, said.err
    assert said.sent == ["POST /api/v2/downtime", "POST /api/v1/monitor"]
    (there,) = orgs.eu1.all("downtime_schedules")
    mute = orgs.run_record()["mute"]
    assert (mute["id"], mute["made"]) == (there, True)


def test_where_nobody_can_look_for_the_mute_no_monitor_is_made(orgs: Pair) -> None:
    fault = Fault(org="eu1", method="GET", path="/api/v2/downtime$", nth=range(2, 9), status=400)
    orgs.sandbox.faults.add(fault)
    said = quietly(orgs)
    assert (said.code, said.sent) == (4, ["POST /api/v2/downtime"])
    assert "it could not be looked for" in said.out
    orgs.sandbox.faults.clear()
    orgs.replay(live=False)
    assert len(orgs.eu1.all("downtime_schedules")) == 1
    assert len(orgs.eu1.all("monitors")) == 1


@pytest.mark.parametrize("status", [0, 500])
def test_a_mute_that_is_over_for_all_that_was_listed_silences_nothing(
    orgs: Pair, status: int
) -> None:
    orgs.us1.monitor("one")
    orgs.replay(live=False)
    (first,) = orgs.eu1.all("downtime_schedules")
    orgs.eu1.delete(f"/api/v2/downtime/{first}")
    orgs.us1.monitor("two", query="avg(last_5m):avg:other{*} > 1")
    fault = orgs.sandbox.faults.add
    fault(Fault(org="eu1", method="GET", path="/api/v2/downtime$", status=400))
    if status:
        fault(Fault(org="eu1", method="GET", path=f"/downtime/{first}$", status=status))
    said = orgs.replay("--retries", "0", live=False, code=4 if status else 0)
    if status:
        assert said.sent == []
        assert f"downtime_schedules/{first} cannot be read" in said.out
    else:
        assert said.sent == ["POST /api/v2/downtime", "POST /api/v1/monitor"]
        assert orgs.run_record()["mute"]["id"] != first
