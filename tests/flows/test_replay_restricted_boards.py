"""A dashboard that has a policy and restricted roles: the policy alone is taken to another org."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from pairs import Pair

ROLES = "restricted_roles"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def both(orgs: Pair) -> str:
    """A dashboard with both, whose role is at the destination as well."""
    role = orgs.us1.role("R")
    orgs.eu1.role("R")
    board = orgs.us1.dashboard("Board", **{ROLES: [role]})
    restrict(orgs, board)
    return board


def restrict(orgs: Pair, board: str) -> None:
    """Give it a policy, which no listing tells of."""
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"])


def capture_all(orgs: Pair) -> None:
    assert orgs.run("-q", "capture", "us1", "--full").code == 0


def there(orgs: Pair) -> Any:
    return orgs.eu1.one("dashboards", "Board")


def retitle(orgs: Pair, board: str, description: str) -> None:
    body = {**orgs.us1.all("dashboards")[board], "description": description}
    orgs.us1.put(f"/api/v1/dashboard/{board}", body)


def test_only_the_policy_is_written(orgs: Pair) -> None:
    board = both(orgs)
    said = orgs.replay()
    (made,) = said.on("/api/v1/dashboard")
    assert made.body.get(ROLES) in (None, [])
    assert orgs.eu1.policy(f"dashboard:{there(orgs)['id']}") == {
        "editor": [f"user:{orgs.eu1.org.owner}"]
    }
    orgs.settle()
    retitle(orgs, board, "changed")
    (changed,) = orgs.replay().writes
    assert changed.body.get(ROLES) in (None, [])
    orgs.settle()
    assert orgs.run("verify").code == 0


def test_it_is_found_again_without_a_map(orgs: Pair) -> None:
    board = both(orgs)
    orgs.replay()
    orgs.git("update-ref", "-d", "refs/heads/journal/eu1")
    orgs.settle()
    assert orgs.ids("dashboards") == {board: there(orgs)["id"]}


def test_restricted_roles_without_a_policy_are_written(orgs: Pair) -> None:
    role = orgs.us1.role("R")
    orgs.us1.dashboard("Board", **{ROLES: [role]})
    orgs.replay()
    assert there(orgs)[ROLES] == [orgs.ids("roles")[role]]
    orgs.settle()


def test_what_the_destination_restricts_stays_restricted(orgs: Pair) -> None:
    """Whatever becomes of the policy."""
    role = orgs.us1.role("R")
    board = orgs.us1.dashboard("Board", **{ROLES: [role]})
    orgs.replay()
    kept = there(orgs)[ROLES]
    restrict(orgs, board)
    retitle(orgs, board, "changed")
    capture_all(orgs)
    fault = Fault(path="/restriction_policy/", method="POST", org="eu1", status=500)
    known = orgs.sandbox.faults.add(fault)
    orgs.replay(code=4)
    assert (there(orgs)["description"], there(orgs)[ROLES]) == ("changed", kept)
    orgs.sandbox.faults.remove(known)
    orgs.replay()
    assert there(orgs)[ROLES] == kept
    orgs.settle()


def test_roles_are_written_where_the_policy_cannot_be(orgs: Pair) -> None:
    """It names somebody whom nobody knows; the dashboard is there, and is not opened."""
    role = orgs.us1.role("R")
    board = orgs.us1.dashboard("Board")
    orgs.replay()
    gone = "00000000-0000-4000-8000-000000000001"
    restrict(orgs, board)
    policy = orgs.us1.all("restriction_policies")[f"dashboard:{board}"]
    policy["attributes"]["bindings"][0]["principals"] = [f"role:{gone}"]
    body = {**orgs.us1.all("dashboards")[board], ROLES: [role]}
    orgs.us1.put(f"/api/v1/dashboard/{board}", body)
    capture_all(orgs)
    orgs.replay(code=4)
    assert there(orgs)[ROLES] == [orgs.ids("roles")[role]]


def test_a_restore_brings_back_both(orgs: Pair) -> None:
    board = both(orgs)
    orgs.capture()
    kept = orgs.us1.all("dashboards")[board][ROLES]
    body = {**orgs.us1.all("dashboards")[board], ROLES: []}
    orgs.us1.put(f"/api/v1/dashboard/{board}", body)
    said = orgs.run("restore", "us1", f"dashboards/{board}", "--yes")
    assert said.code == 0, said
    assert orgs.us1.all("dashboards")[board][ROLES] == kept
