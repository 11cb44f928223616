"""Replays of a seeded org through the command line: what is there after, by how many writes."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from contract import assert_sent
from replays import World, check, directory_of, needing, referring, world
from test_hostile import IDS, index

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.intended import settle
from ddsnap.core.match import portable
from ddsnap.core.values import Address
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from replays import Bodies, Said

TORTURE = bool(os.environ.get("DDSNAP_TORTURE"))
SIZE = 2000 if TORTURE else 300
LOCKOUT = "--allow-self-lockout"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[World]:
    """A seeded org, captured, beside a fresh one."""
    with world(tmp_path, us1={"seed": 7, "size": 110}, eu1={}) as made:
        made.capture()
        made.supply()
        yield made


@pytest.fixture
def replayed(pair: World) -> World:
    """The same, replayed once."""
    pair.replay(LOCKOUT)
    return pair


def creations(made: World, done: Said) -> set[Address]:
    """What the last run made, by what it sent: each by one request that makes something."""
    sent = [(a, one) for a, told in made.outcomes().items() for one in told["requests"]]
    assert sorted(
        (one["method"], unquote(one["path"]), one["status"]) for _, one in sent
    ) == sorted((write.method, write.path, write.status) for write in done.writes)
    counted = Counter(a for a, one in sent if one["purpose"] == "create" and one["status"] < 300)
    assert set(counted.values()) <= {1}
    return set(counted)


# --- an org as a whole


@pytest.mark.torture
def test_a_whole_org_is_there_once_and_then_no_write_is_sent(tmp_path: Path) -> None:
    with world(tmp_path, us1={"seed": 7, "size": SIZE}, eu1={}) as made:
        made.capture()
        made.supply()
        done = made.replay(LOCKOUT, code=None)
        outcomes = made.outcomes()
        assert all(write.status < 300 for write in done.writes)
        told = Counter(one["status"] for one in outcomes.values())
        blocked = {a: one["error"] for a, one in outcomes.items() if one["status"] == "blocked"}
        # Datadog makes the pipelines of its integrations itself, and their policies wait for them.
        owned = {a for a, one in outcomes.items() if one["status"] == "deferred"}
        assert {one.type for one in owned} <= {"logs_pipelines"}
        assert all(any(one.id in a.id for one in owned) for a in blocked)
        assert set(told) <= {"done", "unchanged", "blocked", "deferred"}
        assert done.code == (4 if blocked else 0)
        created = {a for a, one in outcomes.items() if one["action"] == "create" and one["to"]}
        assert creations(made, done) == created
        compared = check(made)
        missing = set(compared.source) - set(compared.replayed()) - set(_over(compared.source))
        assert missing == {*blocked, *owned}
        assert len(compared.replayed()) >= 0.95 * len(compared.source)
        print(f"{len(compared.replayed())} of {len(compared.source)}, {len(done.writes)} requests")
        # Datadog would not take the seed's mobile tests, which name no application.
        made.sandbox.writes[:] = [w for w in made.sandbox.writes if "/tests/mobile" not in w.path]
        assert_sent(made.sandbox)
        made.again(LOCKOUT, code=done.code)
        afresh = made.clone(tmp_path / "elsewhere" / "clone")
        afresh.again(LOCKOUT, code=done.code)
        _changes(made, random.Random(3), 40)
        assert made.run("verify").code == 0


def _changes(made: World, rng: random.Random, count: int) -> None:
    """Change the source, and assert that each change is written by one request."""
    before = made.bodies(made.source)
    made.here.edit(rng, count)
    made.capture()
    after = made.bodies(made.source)
    changed = differing(before, after) - set(_over(after))
    done = made.replay(LOCKOUT, code=None)
    written = {a: one["requests"] for a, one in made.outcomes().items() if one["requests"]}
    assert set(written) == changed
    several = {a for a, requests in written.items() if len(requests) > 1}
    assert all(CATALOG[a.type].sections for a in several)
    assert len(done.writes) == len(changed) + sum(len(written[a]) - 1 for a in several)
    print(f"{count} edits changed {len(changed)}: {len(done.writes)} requests")
    made.again(LOCKOUT, code=done.code)


def differing(before: Bodies, after: Bodies) -> set[Address]:
    """What another org can be told of that changed."""
    found = set()
    for address, body in after.items():
        type_ = CATALOG[address.type]
        new, old = portable(type_, body), before.get(address)
        if old is not None:
            for path in type_.create_only:
                settle(path, new, portable(type_, old))
            for path in type_.keeps_others:  # what is there stays there
                both = [*(value_at(old, path) or ()), *(value_at(new, path) or ())]
                known = {canonical.encode(member): member for member in both}
                field_path(path).put(new, [known[key] for key in sorted(known)])
        if old is None or not canonical.same(_listed(new), _listed(portable(type_, old))):
            found.add(address)
    return found


def _listed(body: dict[str, Any]) -> dict[str, Any]:
    """A list without members says as much as none."""
    return {name: value for name, value in body.items() if value != []}


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(1, 21 if TORTURE else 4))
def test_what_the_server_makes_of_it_is_written_once(tmp_path: Path, seed: int) -> None:
    with world(tmp_path, us1={"seed": seed, "size": 100}, eu1={}) as made:
        made.capture()
        made.supply()
        made.sandbox.faults.mangle_writes(seed, org="eu1")
        done = made.replay(LOCKOUT, code=None)
        assert sum(bool(one["settled"]) for one in made.outcomes().values()) > 10
        made.again(LOCKOUT, code=done.code)
        check(made)
        made.here.edit(random.Random(seed), 10)
        made.capture()
        made.replay(LOCKOUT, code=done.code)
        made.again(LOCKOUT, code=done.code)


# --- what somebody did at the destination


def first(made: World, name: str, wanted: Any = lambda _: True) -> tuple[str, dict[str, Any]]:
    """An id and the live body of a resource at the destination."""
    return next((i, body) for i, body in made.there.resources(name).items() if wanted(body))


def test_what_was_deleted_by_hand_is_made_again_and_its_dependents_follow(replayed: World) -> None:
    known = referring(replayed.bodies("us1"))
    used = max((a for a in known if a.type == "monitors"), key=lambda a: len(known[a]))
    lost, dependents = replayed.id_map()[used].id, known[used]
    policies = {a for a in dependents if a.type == "restriction_policies"}
    assert len(dependents) > 1
    del replayed.there.resources("monitors")[lost]
    replayed.there.resources("restriction_policies").pop(f"monitor:{lost}", None)
    done = replayed.replay(LOCKOUT)
    assert len(done.writes) == 1 + len(dependents)
    outcomes = replayed.outcomes()
    assert outcomes[used]["action"] == "create"
    assert {a for a, one in outcomes.items() if one["requests"]} == {used} | dependents
    assert {outcomes[a]["action"] for a in dependents - policies} == {"update"}
    assert replayed.id_map()[used].id != lost
    compared = check(replayed)
    for path, data in replayed.files("snapshots/eu1").items():
        assert f'"{lost}"'.encode() not in data, path
    assert used in compared.replayed()
    replayed.again(LOCKOUT)


def test_an_edit_by_hand_is_shown_and_repaired(replayed: World) -> None:
    id_, board = first(replayed, "dashboards", lambda body: body["title"])
    title = board["title"]
    board["title"] = "Somebody was here"
    board["modified_at"] = "2026-12-01T00:00:00+00:00"
    planned = replayed.run("plan", "us1", "--to", "eu1", "--live", "--json")
    actions = [json.loads(line) for line in planned.out.splitlines()]
    writes = [one for one in actions if one["event"] == "action" and one["patch"]]
    assert [(one["to"], one["patch"]) for one in writes] == [
        (id_, [{"op": "replace", "path": "/title", "value": title}])
    ]
    done = replayed.replay(LOCKOUT)
    assert [(w.method, w.path) for w in done.writes] == [("PUT", f"/api/v1/dashboard/{id_}")]
    assert replayed.there.resources("dashboards")[id_]["title"] == title
    replayed.again(LOCKOUT)


def test_what_only_the_destination_has_stays_where_it_is(pair: World) -> None:
    there = pair.there
    indexes = [{**row, "name": name} for name, row in _indexes(pair, "of-eu1-a", "of-eu1-b")]
    there.load("logs_indexes", indexes)
    order = there.resources("logs_indexes_order")["order"]
    order["index_names"] = ["of-eu1-a", "main", "of-eu1-b"]
    mine = {
        "id": 987654321,
        "name": "Of eu1",
        "type": "metric alert",
        "query": "avg(last_5m):avg:system.load.1{*} > 4",
        "message": "",
        "tags": [],
        "options": {"thresholds": {"critical": 4.0}},
    }
    board = {"id": "own-own-own", "title": "Of eu1", "layout_type": "ordered", "widgets": []}
    times = {"modified_at": "2026-01-01T00:00:00+00:00", "created_at": "2026-01-01T00:00:00+00:00"}
    there.load("monitors", [mine])
    there.load("dashboards", [{**board, **times, "url": "/dashboard/own-own-own"}])
    kept = {
        "monitors": dict(there.resources("monitors")["987654321"]),
        "dashboards": dict(there.resources("dashboards")["own-own-own"]),
        "logs_indexes": dict(there.resources("logs_indexes")["of-eu1-a"]),
    }
    pair.replay(LOCKOUT)
    told = there.resources("logs_indexes_order")["order"]["index_names"]
    ours = pair.here.resources("logs_indexes_order")["order"]["index_names"]
    assert sorted(told) == sorted([*ours, "of-eu1-a", "of-eu1-b"])
    assert [name for name in told if name in ours] == ours
    assert told.index("of-eu1-a") < told.index("main")
    assert told.index("of-eu1-b") == told.index("main") + 1
    list_id, row = first(pair, "dashboard_lists")
    row["dashboards"] = [*row["dashboards"], {"id": "own-own-own", "type": "custom_timeboard"}]
    pair.again(LOCKOUT)
    pair.here.resources("logs_indexes_order")["order"]["index_names"] = [*reversed(ours)]
    pair.capture()
    done = pair.replay(LOCKOUT)
    assert [write.path for write in done.writes] == ["/api/v1/logs/config/index-order"]
    told = there.resources("logs_indexes_order")["order"]["index_names"]
    assert [name for name in told if name in ours] == [*reversed(ours)]
    pair.again(LOCKOUT)
    rows = there.resources("dashboard_lists")[list_id]["dashboards"]
    assert "own-own-own" in [member["id"] for member in rows]
    assert kept == {
        "monitors": there.resources("monitors")["987654321"],
        "dashboards": there.resources("dashboards")["own-own-own"],
        "logs_indexes": there.resources("logs_indexes")["of-eu1-a"],
    }


def _indexes(made: World, *names: str) -> list[tuple[str, dict[str, Any]]]:
    main = made.there.resources("logs_indexes")["main"]
    return [(name, dict(main)) for name in names]


# --- what fails


def test_one_refusal_blocks_nothing_but_its_dependents(pair: World) -> None:
    bodies = pair.bodies("us1")
    slos = [a for a in bodies if a.type == "service_level_objectives"]
    used = max(slos, key=lambda a: len(needing(bodies, a)))
    dependents = needing(bodies, used) - set(_over(bodies))
    assert len(dependents) > 2
    name = bodies[used]["name"]
    fault = pair.sandbox.faults.add(
        Fault(path=r"^/api/v1/slo$", method="POST", mangle=_spoil(name), org="eu1")
    )
    done = pair.replay(LOCKOUT, code=4)
    outcomes = pair.outcomes()
    assert outcomes[used]["status"] == "failed"
    assert [w.status for w in done.writes if w.status >= 300] == [400]
    blocked = {a for a, one in outcomes.items() if one["status"] == "blocked"}
    assert blocked == dependents
    assert all(str(used) in outcomes[a]["error"] or outcomes[a]["error"] for a in blocked)
    others = Counter(o["status"] for a, o in outcomes.items() if a not in blocked | {used})
    assert set(others) == {"done", "unchanged"}
    pair.sandbox.faults.remove(fault)
    again = pair.replay(LOCKOUT)
    outcomes = pair.outcomes()
    written = {a for a, one in outcomes.items() if one["requests"]}
    assert {used} | dependents <= written
    assert {a for a, one in outcomes.items() if one["action"] == "create"} == {used} | dependents
    assert creations(pair, again) == {used} | dependents
    check(pair)
    pair.again(LOCKOUT)


def _over(bodies: Bodies) -> list[Address]:
    """What ended in the past, and is left out therefore."""
    entries = directory_of(bodies).entries
    now = datetime.now(timezone.utc)
    return [address for address, entry in entries.items() if entry.ends and entry.ends <= now]


def _spoil(name: str) -> Any:
    """Take the one of that name away before the server sees whether it is whole."""

    def spoil(body: Any) -> Any:
        return {} if isinstance(body, dict) and body.get("name") == name else body

    return spoil


def test_two_of_one_name_do_not_become_one(pair: World) -> None:
    """Datadog would not take the second; neither is written over the other."""
    roles = pair.here.resources("roles")
    id_, role = next((i, r) for i, r in roles.items() if not r["attributes"].get("managed"))
    twin = json.loads(json.dumps(role))
    twin["id"] = pair.here.new_uuid()
    twin["relationships"]["permissions"]["data"] = []
    pair.here.load("roles", [twin])
    pair.capture()
    pair.replay(LOCKOUT, code=4)
    outcomes, ids = pair.outcomes(), pair.id_map()
    one, other = Address("roles", id_), Address("roles", twin["id"])
    assert sorted((outcomes[one]["status"], outcomes[other]["status"])) == ["ambiguous", "done"]
    left, made = (one, other) if outcomes[one]["status"] == "ambiguous" else (other, one)
    assert str(made) in outcomes[left]["error"]
    assert left not in ids
    pair.again(LOCKOUT, code=4)


def test_what_the_plan_did_not_see_is_left_to_the_next_and_never_called_ours(pair: World) -> None:
    roles = pair.here.resources("roles").values()
    name = next(r["attributes"]["name"] for r in roles if not r["attributes"].get("managed"))
    twin = json.loads(json.dumps(next(iter(pair.there.resources("roles").values()))))
    twin["id"] = pair.there.new_uuid()
    twin["attributes"] |= {"name": name, "managed": False}
    pair.there.load("roles", [twin])
    unseen = Fault(path="^/api/v2/roles$", method="GET", org="eu1", skip=twin["id"], times=1)
    pair.sandbox.faults.add(unseen)
    before = json.loads(json.dumps(pair.there.resources("roles")[twin["id"]]))
    done = pair.replay(LOCKOUT, code=4)
    assert [write.status for write in done.writes if write.status >= 300] == [409]
    assert pair.there.resources("roles")[twin["id"]] == before
    pair.replay(LOCKOUT)
    (mapped,) = (m for a, m in pair.id_map().items() if m.id == twin["id"])
    assert mapped.origin == "adopted"
    check(pair)
    pair.again(LOCKOUT)


def test_a_failing_look_at_the_permissions_leaves_roles_alone(replayed: World) -> None:
    id_, _ = first(replayed, "roles", lambda r: not r["attributes"].get("managed"))
    granted = replayed.there.resources("roles")[id_]["relationships"]["permissions"]["data"]
    taken = granted.pop()
    replayed.sandbox.faults.add(Fault(path="/api/v2/permissions", status=403, org="eu1"))
    done = replayed.replay(LOCKOUT, code=None)
    assert done.code in (1, 4)
    assert [write.path for write in done.writes if "/roles" in write.path] == []
    assert taken not in granted
    replayed.sandbox.faults.clear()
    done = replayed.replay(LOCKOUT)
    assert [write.path for write in done.writes] == [f"/api/v2/roles/{id_}"]


# --- policies that shut out who replays


def test_without_consent_nobody_is_shut_out_and_nothing_is_open(pair: World) -> None:
    done = pair.replay(code=4)
    outcomes, ids = pair.outcomes(), pair.id_map()
    refused = {a: one for a, one in outcomes.items() if one["status"] == "failed"}
    assert refused
    assert {a.type for a in refused} == {"restriction_policies"}
    me = f"user:{pair.there.owner}"
    policies = pair.there.resources("restriction_policies")
    for address, one in refused.items():
        assert "restricted to you alone" in one["error"]
        kind, _, protected = address.id.partition(":")
        name = {"monitor": "monitors", "dashboard": "dashboards"}.get(kind)
        if name is not None:
            there = f"{kind}:{ids[Address(name, protected)].id}"
            (binding,) = policies[there]["attributes"]["bindings"]
            assert (binding["relation"], binding["principals"]) == ("editor", [me])
    assert str(next(iter(refused))) in done.out
    allowed = pair.replay(LOCKOUT)
    assert {write.path.split("/")[3] for write in allowed.writes} == {"restriction_policy"}
    assert len(allowed.writes) == len(refused)
    assert {pair.outcomes()[a]["action"] for a in refused} == {"update"}
    check(pair)
    pair.again(LOCKOUT)


def test_with_consent_the_policies_are_as_they_were(pair: World) -> None:
    pair.replay(LOCKOUT)
    compared = check(pair)
    policies = [a for a in compared.source if a.type == "restriction_policies"]
    assert policies
    assert set(policies) <= compared.replayed().keys()


# --- hostile ids


def board(id_: str, nth: int, more: str = "") -> dict[str, Any]:
    return {
        "id": id_,
        "title": f"Hostile {nth}",
        "description": more,
        "layout_type": "ordered",
        "widgets": [],
        "url": "/dashboard/x",
        "created_at": "2026-01-01T00:00:00+00:00",
        "modified_at": "2026-01-01T00:00:00+00:00",
    }


def test_ids_of_any_characters_are_replayed(tmp_path: Path) -> None:
    """At the source, in the map and in the journal; at the destination, as far as a path can."""
    ids = [id_ for id_ in IDS if id_ not in (".", "..")]  # no path can name these
    with world(tmp_path, us1={}, eu1={}) as made:
        made.here.load("dashboards", [board(id_, nth) for nth, id_ in enumerate(ids)])
        made.capture()
        done = made.replay()
        boards = {a for a in creations(made, done) if a.type == "dashboards"}
        assert boards == {Address("dashboards", id_) for id_ in ids}
        check(made)
        made.again()
        made.clone(tmp_path / "clone").again()
        assert made.run("verify").code == 0
    with world(tmp_path / "back", us1={}, eu1={}) as made:
        made.here.load("dashboards", [board(str(nth), nth, "new") for nth in range(len(ids))])
        made.there.load("dashboards", [board(id_, nth, "old") for nth, id_ in enumerate(ids)])
        made.capture()
        adopting = [f"dashboards/{nth}={id_}" for nth, id_ in enumerate(ids)]
        done = made.replay(*(word for one in adopting for word in ("--adopt", one)))
        assert sorted(write.path for write in done.on("/dashboard/")) == sorted(
            f"/api/v1/dashboard/{id_}" for id_ in ids
        )
        check(made)
        assert {row["description"] for row in made.there.resources("dashboards").values()} == {
            "new"
        }
        made.again()


def test_names_that_the_server_refuses_cost_nothing_but_themselves(tmp_path: Path) -> None:
    with world(tmp_path, us1={}, eu1={}) as made:
        made.here.load("logs_indexes", [index(name) for name in (*IDS, "good")])
        made.capture()
        made.replay(code=4)
        outcomes = made.outcomes()
        left = {a.id for a, one in outcomes.items() if one["status"] == "failed"}
        assert left == set(IDS) - {"con", "foo"}
        assert {"good", "con", "foo"} <= made.there.resources("logs_indexes").keys()
