"""What a capture promises of any org: it only reads, reads everything, and stores what is there."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.fields import field_path
from ddsnap.core.normalize import is_secret
from ddsnap.core.paths import document_path
from ddsnap.core.select import Selection, parse_filter
from ddsnap.core.values import Address
from ddsnap.sandbox import Fault
from ddsnap.sandbox.seed import people, synthetics
from ddsnap.sandbox.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orgs import Backup

    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.sandbox.service import Incoming, Outcome


def changes(result: CaptureResult) -> list[tuple[str, str]]:
    assert not result.partial, [one.state for one in result.types.values()]
    return [(one.kind, str(one.address)) for one in result.changes]


def rows(backup: Backup, type_name: str) -> list[dict[str, Any]]:
    return list(backup.org.resources(type_name).values())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """Each request from now on: its path and its query."""
    seen: list[tuple[str, dict[str, str]]] = []
    perform = Service.perform

    def watched(service: Service, incoming: Incoming) -> Outcome:
        seen.append((incoming.path, dict(parse_qsl(incoming.query))))
        return perform(service, incoming)

    monkeypatch.setattr(Service, "perform", watched)
    return seen


# --- only reading


def test_a_capture_sends_reads_alone_and_to_known_routes(backup: Backup) -> None:
    backup.capture()
    backup.org.edit(random.Random(1), 10)
    backup.capture(full=True)
    assert backup.sandbox.requests
    assert {method for _, method, _, _ in backup.sandbox.requests} == {"GET"}
    assert backup.sandbox.writes == []
    routes = {route for _, _, route, _ in backup.sandbox.requests}
    assert "-" not in routes  # nothing is sent anywhere else: no telemetry
    assert "/api/v2/downtime" in routes
    assert not any(route.startswith("/api/v1/downtime") for route in routes)


# --- reading everything


def many(backup: Backup, type_name: str, count: int) -> None:
    """Add copies of a type's first resource, each with an id and a name of its own."""
    rng, model = random.Random(count), rows(backup, type_name)[0]
    made = []
    for number in range(count):
        one = copy.deepcopy(model)
        one["id"] = {
            "monitors": 1_000 + number,
            "dashboards": f"aaa-{number // 1000:03}-{number % 1000:03}",
        }.get(type_name, f"{rng.getrandbits(128):032x}")
        names = one.get("attributes", one)
        for field in ("name", "title", "handle", "email"):
            if isinstance(names.get(field), str):
                names[field] = f"{names[field]} {number}"
        made.append(one)
    backup.org.load(type_name, made)


@pytest.mark.parametrize("clamp", [0, 90])
def test_listings_longer_than_any_page_are_read_whole(
    backup: Backup, asked: list[tuple[str, dict[str, str]]], clamp: int
) -> None:
    counts = {"monitors": 2300, "dashboards": 250, "users": 250, "roles": 101, "teams": 101}
    for name, count in counts.items():
        many(backup, name, count)
    team = next(iter(backup.org.resources("teams")))
    members = [
        {
            "id": f"m-{user}",
            "type": "team_memberships",
            "attributes": {"role": None},
            "relationships": {
                "team": {"data": {"id": team, "type": "team"}},
                "user": {"data": {"id": user, "type": "users"}},
            },
        }
        for user in list(backup.org.resources("users"))[-101:]
    ]
    backup.org.load("team_memberships", members)
    if clamp:
        backup.sandbox.faults.add(Fault(r"/api/", clamp=clamp))
    result = backup.capture()
    assert not result.partial
    for name in (*counts, "team_memberships"):
        held = len(backup.org.resources(name))
        assert len(backup.paths(f"{name}/")) == held > counts.get(name, 100), name
    listed = [query for path, query in asked if path == "/api/v1/monitor"]
    assert all(0 < int(query["page_size"]) <= 1000 and "id_offset" in query for query in listed)
    capped = ("/api/v2/users", "/api/v2/roles", "/api/v2/team")
    sizes = [int(query["page[size]"]) for path, query in asked if path in capped]
    assert sizes
    assert max(sizes) <= 100


def test_a_monitor_made_between_two_pages_is_neither_lost_nor_doubled(backup: Backup) -> None:
    backup.sandbox.faults.add(Fault(r"^/api/v1/monitor$", clamp=7))
    newest = copy.deepcopy(rows(backup, "monitors")[-1])
    with backup.run() as run:
        listing = run.gateway.list(CATALOG["monitors"])
        ids = [next(listing)["id"]]
        backup.org.load("monitors", [{**newest, "id": 999_999_999, "name": "made meanwhile"}])
        del backup.org.resources("monitors")[str(ids[0])]
        ids += [item["id"] for item in listing]
    assert len(ids) == len(set(ids))
    assert {str(id_) for id_ in ids[1:]} == set(backup.org.resources("monitors"))


# --- storing what is there

FAITHFUL = ("monitors", "dashboards", "logs_pipelines", "logs_indexes", "notebooks")


def equal_but_for_order(stored: Any, told: Any) -> bool:
    """Whether all that is stored was told; what is left out or a set may differ."""
    if isinstance(stored, dict) and isinstance(told, dict):
        return all(
            name in told and equal_but_for_order(stored[name], told[name]) for name in stored
        )
    if isinstance(stored, list) and isinstance(told, list):
        plain = all(isinstance(one, str) for one in (*stored, *told))
        if plain:
            return set(stored) == set(told)
        pairs = zip(stored, told, strict=False)
        return len(stored) == len(told) and all(equal_but_for_order(*pair) for pair in pairs)
    return is_secret(stored) or (stored == told and type(stored) is type(told))


@pytest.mark.parametrize("name", FAITHFUL)
def test_documents_hold_what_the_org_holds_and_nothing_more(
    seeded: Callable[[str, int, int], Backup], name: str
) -> None:
    backup = seeded("faithful", 5, 400)
    for row in rows(backup, "monitors"):
        row["name"] = f"MiXed Case {row['id']}"
    backup.capture()
    seen = 0
    for row in rows(backup, name):
        id_ = str(row[CATALOG[name].id])
        if row.get("type") == "synthetics alert":
            continue  # its test owns it
        stored = backup.document(document_path(Address(name, id_)))
        tabs = stored.pop("tabs", None)  # they name widgets by position
        assert equal_but_for_order(stored, row), (id_, tabs)
        for field in ("name", "title", "query", "message", "processors", "exclusion_filters"):
            if field in row:
                assert stored[field] == row[field], (id_, field)
        assert set(stored.get("tags", ())) == set(row.get("tags") or ())
        seen += 1
    assert seen > 1


TEXTS = [
    "line\r\nline\n\ntrailing \t \n",
    "emoji 🚀👩‍🚒 and 監視",
    "composed \u00e9, decomposed e\u0301, \u212b",
    "\u2028 \u2029 \ufeff \u0000 \x7f \u0085",
    "</script> & \\u0041 \\n \"quoted\" 'x' `y` {{z}}",
    "   leading",
]


def test_texts_are_stored_to_the_byte(backup: Backup) -> None:
    chosen = rows(backup, "monitors")[: len(TEXTS)]
    for monitor, text in zip(chosen, TEXTS, strict=True):
        monitor["message"] = text
    backup.capture()
    for monitor, text in zip(chosen, TEXTS, strict=True):
        data = backup.file(f"monitors/{monitor['id']}.json")
        assert backup.document(f"monitors/{monitor['id']}.json")["message"] == text
        assert data.endswith(b"\n}\n")
        assert b"\r" not in data  # escaped, so that no git on any system converts it
    assert not backup.capture().committed


def moved(value: Any, number: int) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + number
    if isinstance(value, str):
        return f"2026-01-0{number}T00:00:00+00:00" if "T" in value else f"moved {number}"
    return {"moved": number} if isinstance(value, dict) else [number] if value else value


def test_everything_that_moves_by_itself_may_move(
    seeded: Callable[[str, int, int], Backup],
) -> None:
    backup = seeded("moving", 5, 300)
    for index in rows(backup, "logs_indexes"):
        index["is_rate_limited"] = False
    backup.capture()
    tree, seen = backup.tree(), set()
    for number in range(1, 4):
        for type_ in CATALOG.types:
            for path in type_.volatile:
                for row in rows(backup, type_.name):
                    for slot in field_path(path).find(row):
                        slot.set(moved(slot.value, number))
                        seen.add((type_.name, path))
        for row in rows(backup, "dashboards"):
            for tab in row.get("tabs") or ():  # they name widgets by number
                tab["widget_ids"] = [id_ + number for id_ in tab["widget_ids"]]
        result = backup.capture(full=True)
        assert changes(result) == []
        assert not result.committed
    assert backup.tree() == tree
    assert {
        ("monitors", "overall_state"),
        ("monitors", "overall_state_modified"),
        ("users", "attributes.last_login_time"),
        ("roles", "attributes.user_count"),
        ("logs_indexes", "is_rate_limited"),
    } <= seen


def test_whoever_is_disabled_is_changed_and_not_gone(
    seeded: Callable[[str, int, int], Backup],
) -> None:
    backup = seeded("people", 5, 30)
    people.add_users(backup.org, random.Random(2), 60)
    backup.capture()
    users = rows(backup, "users")
    robots = {row["id"] for row in users if row["attributes"]["service_account"]}
    assert robots
    for row in users:
        stored = backup.document(f"users/{row['id']}.json")["attributes"]
        assert stored["service_account"] is (row["id"] in robots)
    # The keys of a disabled user are good for nothing: it must be somebody else than their owner.
    owner = "admin@people.example"
    person = next(
        row
        for row in users
        if not row["attributes"]["disabled"] and row["attributes"]["handle"] != owner
    )
    person["attributes"].update(disabled=True, status="Disabled")
    assert changes(backup.capture()) == [("changed", f"users/{person['id']}")]
    assert backup.document(f"users/{person['id']}.json")["attributes"]["disabled"] is True


def test_a_team_is_its_whole_description(backup: Backup) -> None:
    team = rows(backup, "teams")[0]
    team["attributes"]["avatar"] = None
    backup.capture()
    team["attributes"].update(user_count=77, link_count=78)
    del team["attributes"]["avatar"]
    assert changes(backup.capture()) == []
    for field, value in {"summary": "new", "description": "new", "avatar": "🚀"}.items():
        team["attributes"][field] = value
        team["attributes"]["modified_at"] = backup.org.now().isoformat()
        assert changes(backup.capture()) == [("changed", f"teams/{team['id']}")], field


# --- orders


def test_the_orders_of_exclusions_and_indexes_are_configuration(backup: Backup) -> None:
    names = ("one", "two", "three")
    exclusions = [{"name": n, "filter": {"query": n, "sample_rate": 1.0}} for n in names]
    basics = {"filter": {"query": "*"}, "num_retention_days": 15}
    backup.org.load("logs_indexes", [
        {**basics, "name": name, "exclusion_filters": copy.deepcopy(exclusions)} for name in names
    ])  # fmt: skip
    backup.capture()
    backup.org.resources("logs_indexes")["one"]["exclusion_filters"].reverse()
    assert changes(backup.capture()) == [("changed", "logs_indexes/one")]
    backup.org.resources("logs_indexes_order")["order"]["index_names"].reverse()
    assert changes(backup.capture()) == [("changed", "logs_indexes_order/order")]


def test_the_order_names_only_indexes_that_exist(backup: Backup) -> None:
    backup.capture()
    order = backup.org.resources("logs_indexes_order")["order"]
    order["index_names"].insert(0, "deleted-but-not-aged-out")
    assert changes(backup.capture()) == []
    (path,) = backup.paths("logs_indexes_order/")
    assert set(backup.document(path)["index_names"]) == set(backup.org.resources("logs_indexes"))


# --- synthetics by their families


@pytest.fixture
def tested(seeded: Callable[[str, int, int], Backup]) -> Iterator[Backup]:
    backup = seeded("tested", 5, 60)
    synthetics.add_tests(backup.org, random.Random(3), 20)
    yield backup
    assert backup.sandbox.crashes == []


def test_a_throttled_read_is_repeated_where_it_was(tested: Backup) -> None:
    browser = next(row for row in rows(tested, "synthetics_tests") if row["type"] == "browser")
    address = f"/api/v1/synthetics/tests/browser/{browser['public_id']}$"
    fault = tested.sandbox.faults.add(Fault(address, status=429, times=1))
    assert not tested.capture(retries=2).partial
    assert tested.sandbox.faults.struck(fault) == 1
    stored = tested.document(f"synthetics_tests/{browser['public_id']}.json")
    assert [step["name"] for step in stored["steps"]] == [step["name"] for step in browser["steps"]]
    tried = {key[2] for key in tested.sandbox.requests if "synthetics/tests/" in key[2]}
    assert "/api/v1/synthetics/tests/{public_id}" not in tried
    api = sum(row["type"] == "api" for row in rows(tested, "synthetics_tests"))
    counted = tested.sandbox.requests.items()
    assert api == sum(n for key, n in counted if key[2].endswith("/tests/api/{public_id}"))


def test_families_that_an_org_may_not_use_cost_no_other(tested: Backup) -> None:
    refused = r"/api/v1/synthetics/tests/mobile/|/api/v2/synthetics/|/mobile/applications|/suites"
    tested.sandbox.faults.add(Fault(refused, status=403))
    result = tested.capture()
    families: dict[str, set[str]] = {}
    for row in rows(tested, "synthetics_tests"):
        families.setdefault(row["type"], set()).add(f"synthetics_tests/{row['public_id']}.json")
    held = set(tested.paths("synthetics_tests/"))
    assert held == families["api"] | families["browser"]
    outcome = result.types["synthetics_tests"]
    unread = families.get("mobile", set()) | families.get("network", set())
    assert {f"{problem.address}.json" for problem in outcome.problems} == unread != set()
    for name in ("mobile", "network"):
        for path in families.get(name, ()):
            del tested.org.resources("synthetics_tests")[path.split("/")[1].removesuffix(".json")]
    assert not tested.capture().partial  # an org without them asks for nothing of theirs


# --- what does not change the bytes


def test_how_a_capture_is_made_changes_no_byte(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.capture()
    tree = backup.tree()
    backup.org.shuffle(random.Random(1))
    assert not backup.capture(full=True).committed
    # One request after another, where there were up to sixteen at once.
    monkeypatch.setattr("orgs.Session.map", lambda _, function, items: map(function, items))
    assert not backup.capture(full=True, retries=1).committed
    assert backup.tree() == tree
    wanted = rows(backup, "monitors")[0]["name"]
    before = {path: backup.file(path) for path in backup.paths() if "/" in path}
    one = parse_filter(f"Type=monitors;Name=name;Value={wanted};Operator=ExactMatch", CATALOG)
    backup.capture(selection=Selection((one,)))
    after = {path: backup.file(path) for path in backup.paths() if "/" in path}
    assert 0 < len([path for path in after if path.startswith("monitors/")]) < 5
    assert all(before[path] == data for path, data in after.items())


def test_filters_see_what_the_listing_lacks(backup: Backup) -> None:
    """Widgets stand in no listing of dashboards; either of two filters is enough."""
    first, second, third = rows(backup, "dashboards")[:3]
    note = {"id": 8_000_000_000_000_001, "definition": {"type": "note", "content": "FindMe"}}
    for board in (first, second, third):
        board["widgets"] = [note] if board is first else []
        board["title"] = "Exactly this" if board is second else "Another"
    texts = (
        "dashboards:$[?@.widgets[?@.definition.content == 'FindMe']]",
        "Type=dashboards;Name=title;Value=Exactly this;Operator=ExactMatch",
    )
    backup.capture(selection=Selection(tuple(parse_filter(text, CATALOG) for text in texts)))
    assert set(backup.paths("dashboards/")) == {
        f"dashboards/{first['id']}.json",
        f"dashboards/{second['id']}.json",
    }


def test_the_journal_counts_requests_repeats_and_waits_by_route(backup: Backup) -> None:
    backup.sandbox.faults.add(Fault(r"^/api/v2/roles$", status=429, times=1))
    backup.sandbox.faults.add(
        Fault(r"^/api/v2/team$", status=503, headers={"Retry-After": "0"}, times=1)
    )
    assert not backup.capture(retries=3).partial
    counted = json.loads(backup.git("show", "journal/us1:run.json"))["requests"]
    roles, teams = counted["GET /api/v2/roles"], counted["GET /api/v2/team"]
    assert (roles["limited"], roles["retries"], roles["requests"]) == (1, 1, 2)
    assert (teams["limited"], teams["retries"]) == (0, 1)
    assert roles["waited"] > 0 < teams["waited"]
    assert sum(one["requests"] for one in counted.values()) == backup.sandbox.count()
