"""Rules that drop what the destination does not know, from their files to what is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pairs import pair

from ddsnap.core.changes import apply_patch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

POLICIES = "restriction_policies"
GONE = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def use(orgs: Pair, template: str) -> None:
    said = orgs.run("transform", "new", "drop", "--from", template)
    assert said.code == 0, said.err


def recorded(orgs: Pair, path: str) -> Any:
    """What the patch in the journal makes of the document in the snapshot."""
    stored = json.loads(orgs.git("show", f"snapshots/us1:{path}.json"))
    return apply_patch(stored, json.loads(orgs.git("show", f"journal/eu1:patches/{path}.json")))


# --- principals


def restricted(orgs: Pair, title: str, *principals: str) -> str:
    """A dashboard whose editors are these, be they there or not."""
    board = orgs.us1.dashboard(title)
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"org:{orgs.us1.org.uuid}"])
    policy = orgs.us1.all(POLICIES)[f"dashboard:{board}"]
    policy["attributes"]["bindings"][0]["principals"] = [*principals]
    return board


def test_principals_whom_nobody_knows_are_dropped_but_never_the_last(orgs: Pair) -> None:
    some = restricted(orgs, "Some", f"role:{GONE}", f"user:{orgs.us1.org.owner}")
    restricted(orgs, "None", f"role:{GONE}")
    assert orgs.replay(code=4).on("/dashboard") == []
    use(orgs, "drop-principals")
    said = orgs.replay(code=4)
    there = orgs.ids("dashboards")[some]
    assert said.sent == [
        "POST /api/v1/dashboard",
        f"POST /api/v2/restriction_policy/dashboard:{there}",
    ]
    assert orgs.eu1.policy(f"dashboard:{there}") == {"editor": [f"user:{orgs.eu1.org.owner}"]}
    assert orgs.outcomes()["None"]["status"] == "blocked"
    assert f"roles/{GONE} is gone" in said.out
    (binding,) = recorded(orgs, f"{POLICIES}/dashboard%3A{some}")["attributes"]["bindings"]
    assert binding["principals"] == [f"user:{orgs.eu1.org.owner}"]
    assert "drop: unresolvable_principals" in orgs.git("show", "journal/eu1:rules/drop.yaml")
    orgs.settle(code=4)
    assert orgs.run("verify").code == 0


# --- permissions


def forget(orgs: Pair, *names: str) -> None:
    """Let the destination not know these permissions."""
    known = orgs.eu1.all("permissions")
    for id_, body in [*known.items()]:
        if body["attributes"]["name"] in names:
            del known[id_]


def granted(orgs: Pair, name: str) -> set[str]:
    known = orgs.eu1.all("permissions")
    links = orgs.eu1.one("roles", name)["relationships"]["permissions"]["data"]
    return {known[link["id"]]["attributes"]["name"] for link in links}


def test_permissions_that_are_not_known_are_dropped_but_never_all(orgs: Pair) -> None:
    role = orgs.us1.role("Deployers", "dashboards_read", "dashboards_write", "monitors_write")
    orgs.us1.role("Writers", "dashboards_write")
    forget(orgs, "dashboards_write", "monitors_write")
    assert orgs.replay(code=4).sent == []
    use(orgs, "drop-permissions")
    said = orgs.replay(code=4)
    assert said.sent == ["POST /api/v2/roles"]
    assert granted(orgs, "Deployers") == {"dashboards_read"}
    assert orgs.outcomes()["Writers"]["status"] == "blocked"
    assert "the destination does not know dashboards_write (permissions)" in said.out
    written = recorded(orgs, f"roles/{role}")["relationships"]["permissions"]["data"]
    assert [link["id"] for link in written] == ["dashboards_read"]
    assert "drop: unknown_permissions" in orgs.git("show", "journal/eu1:rules/drop.yaml")
    orgs.settle(code=4)
    assert orgs.run("verify").code == 0


def test_what_the_destination_comes_to_know_is_granted(orgs: Pair) -> None:
    orgs.us1.role("Deployers", "dashboards_read", "dashboards_write")
    kept = dict(orgs.eu1.all("permissions"))
    forget(orgs, "dashboards_write")
    use(orgs, "drop-permissions")
    orgs.replay()
    orgs.settle()
    orgs.settle()
    orgs.eu1.all("permissions").update(kept)
    (write,) = orgs.replay().writes
    assert write.method == "PATCH"
    assert granted(orgs, "Deployers") == {"dashboards_read", "dashboards_write"}


def test_it_says_what_it_means(orgs: Pair) -> None:
    use(orgs, "drop-permissions")
    said = orgs.run("transform", "show", "drop")
    assert "drop permissions that the destination does not know, never all of a role's" in said.out
    assert "drops unknown permissions" in orgs.run("transform", "list").out
    orgs.us1.role("Deployers", "dashboards_read")
    orgs.capture()
    assert orgs.run("transform", "check", "us1", "--to", "eu1").code == 0
