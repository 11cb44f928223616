"""A record that breaks every page it is on: the rest of its type is captured, and it is named."""

import pytest

from ddsnap.flows.capture import exit_code
from ddsnap.sandbox import Fault

PATHS = {"dashboards": "/api/v1/dashboard$", "roles": "/api/v2/roles$", "users": "/api/v2/users$"}


def poison(backup, type_name, id_):
    """Let every page of the type fail that holds this resource; return its place."""
    with backup.run() as run:
        type_ = run.catalog[type_name]
        place = [item["id"] for item in run.gateway.list(type_)].index(id_)
    backup.sandbox.faults.add(Fault(path=PATHS[type_name], covers=place, status=500))
    return place


def some_id(backup, type_name, number):
    return [*backup.org.resources(type_name)][number]


def check_named(result, type_name, place):
    outcome = result.types[type_name]
    assert exit_code(result) == 4
    assert outcome.state.state == "partial"
    (problem,) = outcome.problems
    assert (problem.nameless, problem.address.id) == (True, f"offset {place}")
    assert "every page that holds it fails: HTTP 500" in problem.reason


@pytest.mark.parametrize("type_name", PATHS)
def test_a_known_one_is_read_at_its_own_address(backup, type_name):
    backup.capture()
    before = backup.paths(f"{type_name}/")
    id_ = some_id(backup, type_name, 1)
    place = poison(backup, type_name, id_)
    result = backup.capture(full=True)
    check_named(result, type_name, place)
    assert backup.paths(f"{type_name}/") == before
    assert backup.state(type_name) == "partial"
    backup.sandbox.faults.clear()
    assert exit_code(backup.capture()) == 0
    assert backup.state(type_name) == "complete"


def test_what_else_changed_is_recorded_all_the_same(backup):
    backup.capture()
    boards = backup.org.table("dashboards")
    gone, edited, bad = [*boards][:3]
    del boards[gone]
    boards[bad]["title"] = "Bad, and edited"
    boards[edited]["title"] = "Edited"
    place = poison(backup, "dashboards", bad)
    result = backup.capture(full=True)
    check_named(result, "dashboards", place)
    kinds = {change.address.id: change.kind for change in result.types["dashboards"].changes}
    assert kinds == {gone: "deleted", edited: "changed", bad: "changed"}
    assert backup.document(f"dashboards/{bad}.json")["title"] == "Bad, and edited"


@pytest.mark.parametrize("type_name", PATHS)
def test_a_new_one_is_all_that_is_missing(backup, type_name):
    id_ = some_id(backup, type_name, 2)
    place = poison(backup, type_name, id_)
    check_named(backup.capture(), type_name, place)
    count = len(backup.org.resources(type_name))
    assert len(backup.paths(f"{type_name}/")) == count - 1


def test_a_known_one_that_cannot_be_read_at_all_is_kept(backup):
    backup.capture()
    id_ = some_id(backup, "dashboards", 0)
    before = backup.file(f"dashboards/{id_}.json")
    poison(backup, "dashboards", id_)
    backup.sandbox.faults.add(Fault(path=f"/api/v1/dashboard/{id_}$", status=500))
    result = backup.capture(full=True)
    assert [problem.address.id for problem in result.types["dashboards"].problems] == [
        "offset 0",
        id_,
    ]
    assert backup.file(f"dashboards/{id_}.json") == before
    assert not result.changes
