"""Who may do what, from one org to another: never less by a failure, never more than was meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pairs import api, pair, probe

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said, Side

ADMIN = "Datadog Admin Role"
POLICIES = "restriction_policies"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_datadogs_own_roles_are_mapped_by_name_and_never_written(orgs: Pair) -> None:
    admin = orgs.us1.one("roles", ADMIN)
    orgs.us1.user("boss@e.example", admin["id"])
    admin["relationships"]["permissions"]["data"].pop()
    admin["attributes"]["modified_at"] = "2099-01-01T00:00:00+00:00"
    said = orgs.replay()
    there = orgs.eu1.one("roles", ADMIN)
    assert orgs.ids("roles")[admin["id"]] == there["id"]
    assert roles_of(orgs.eu1, "boss@e.example") == [there["id"]]
    assert said.on("/api/v2/roles") == []


def test_a_permission_that_is_not_there_is_named_and_the_role_not_written(orgs: Pair) -> None:
    orgs.us1.role("Deployers", "dashboards_read", "dashboards_write")
    for id_, body in list(orgs.eu1.all("permissions").items()):
        if body["attributes"]["name"] == "dashboards_write":
            del orgs.eu1.all("permissions")[id_]
    said = orgs.replay(code=4)
    assert said.sent == []
    assert "the destination does not know dashboards_write" in said.out
    assert orgs.outcomes()["Deployers"]["status"] == "blocked"


def test_a_role_is_left_alone_where_permissions_cannot_be_read(orgs: Pair) -> None:
    orgs.us1.role("Deployers", "dashboards_read", "dashboards_write")
    orgs.us1.team("core")
    orgs.replay()
    role = orgs.us1.one("roles", "Deployers")
    role["relationships"]["permissions"]["data"].pop()
    role["attributes"]["modified_at"] = "2099-01-01T00:00:00+00:00"
    orgs.capture()
    before = orgs.eu1.one("roles", "Deployers")["relationships"]
    orgs.sandbox.faults.add(Fault(path="/permissions$", org="eu1", status=403))
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert said.code not in (0, 3)
    assert said.writes == []
    assert orgs.eu1.one("roles", "Deployers")["relationships"] == before


def test_a_role_gets_exactly_the_permissions_of_its_source(orgs: Pair) -> None:
    role = orgs.us1.role("Deployers", "dashboards_read", "monitors_write")
    orgs.replay()
    assert permissions(orgs.eu1, "Deployers") == ["dashboards_read", "monitors_write"]
    known = {b["attributes"]["name"]: i for i, b in orgs.us1.all("permissions").items()}
    link = {"data": {"type": "permissions", "id": known["monitors_write"]}}
    orgs.us1.send("DELETE", f"/api/v2/roles/{role}/permissions", link)
    orgs.replay()
    assert permissions(orgs.eu1, "Deployers") == ["dashboards_read"]
    orgs.settle()


# --- users


def test_a_user_of_another_mail_is_made_by_handle_and_finished_by_the_next_run(orgs: Pair) -> None:
    orgs.us1.user("old@e.example")
    orgs.us1.one("users", "old@e.example")["attributes"]["email"] = "new@e.example"
    fault = orgs.sandbox.faults.add(Fault(path="/users/", method="PATCH", org="eu1", status=500))
    said = orgs.replay(code=4)
    assert said.on("/users", "POST")[0].body["data"]["attributes"]["email"] == "old@e.example"
    orgs.sandbox.faults.remove(fault)
    said = orgs.replay()
    (patch,) = said.writes
    assert (patch.method, patch.body["data"]["attributes"]["email"]) == ("PATCH", "new@e.example")
    there = orgs.eu1.one("users", "old@e.example")["attributes"]
    assert (there["handle"], there["email"]) == ("old@e.example", "new@e.example")
    orgs.settle()


def test_a_service_account_is_made_where_they_are_made(orgs: Pair) -> None:
    orgs.us1.service_account("Bot")
    fault = orgs.sandbox.faults.add(Fault(path="/service_accounts", org="eu1", status=403))
    said = orgs.replay(code=4)
    assert said.sent == ["POST /api/v2/service_accounts"]
    assert "HTTP 403: Forbidden (POST /api/v2/service_accounts); it needs service" in said.out
    orgs.sandbox.faults.remove(fault)
    assert orgs.replay().sent == ["POST /api/v2/service_accounts"]
    orgs.settle()


def test_nobody_is_invited(orgs: Pair) -> None:
    orgs.us1.user("new@e.example")
    off = orgs.us1.user("off@e.example")
    orgs.us1.send("PATCH", f"/api/v2/users/{off}", api("users", {"disabled": True}, id=off))
    orgs.us1.service_account("Bot")
    said = orgs.replay()
    assert {write.path for write in said.on("/", "POST")} == {
        "/api/v2/users", "/api/v2/service_accounts"
    }  # fmt: skip
    assert orgs.eu1.one("users", "new@e.example")["attributes"]["status"] == "Pending"
    (told,) = [line for line in said.out.splitlines() if "pending" in line]
    assert told.startswith("1 user is pending, and nobody was invited: Organization Settings > Us")
    assert told.endswith("or POST /api/v2/user_invitations")
    orgs.us1.user("one@e.example")
    orgs.us1.user("two@e.example")
    assert "2 users are pending" in orgs.replay().out
    assert "pending" not in orgs.replay().out


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/users$", "it needs user_access_invite"),
        ("/roles$", "it needs user_access_manage"),
        ("/dashboard$", "it needs dashboards_write"),
        ("/roles/[^/]*/users$", "it needs one of user_access_invite, user_access_manage, service"),
    ],
)
def test_what_is_refused_names_the_permission_that_it_needs(
    orgs: Pair, path: str, wanted: str
) -> None:
    role = orgs.us1.role("R")
    orgs.eu1.user("u@e.example")
    orgs.us1.user("u@e.example", role)
    orgs.us1.user("new@e.example")
    orgs.us1.dashboard("Board")
    orgs.sandbox.faults.add(Fault(path=path, org="eu1", writes=True, status=403))
    assert wanted in orgs.replay(code=4).out


def test_roles_are_taken_away_and_users_are_disabled_and_enabled(orgs: Pair) -> None:
    one, two = orgs.us1.role("One"), orgs.us1.role("Two")
    user = orgs.us1.user("u@e.example", one, two)
    orgs.replay()
    mine = orgs.ids("roles")
    assert roles_of(orgs.eu1, "u@e.example") == sorted([mine[one], mine[two]])
    gone = {"data": {"type": "users", "id": user}}
    orgs.us1.send("DELETE", f"/api/v2/roles/{two}/users", gone)
    touched(orgs.us1, user)
    assert orgs.replay().sent == [f"DELETE /api/v2/roles/{mine[two]}/users"]
    assert roles_of(orgs.eu1, "u@e.example") == [mine[one]]
    for disabled in (True, False):
        change = api("users", {"disabled": disabled}, id=user)
        orgs.us1.send("PATCH", f"/api/v2/users/{user}", change)
        orgs.replay()
        assert orgs.eu1.one("users", "u@e.example")["attributes"]["disabled"] is disabled
    orgs.settle()


def test_a_user_of_another_case_is_another_user(orgs: Pair) -> None:
    orgs.us1.user("Ann@e.example")
    orgs.eu1.user("ann@e.example")
    orgs.replay()
    handles = {body["attributes"]["handle"] for body in orgs.eu1.all("users").values()}
    assert handles >= {"Ann@e.example", "ann@e.example"}


def test_who_replays_keeps_its_roles_and_the_last_administrator_stays(orgs: Pair) -> None:
    admin = orgs.us1.one("roles", ADMIN)["id"]
    other = orgs.us1.user("u@e.example", admin)
    orgs.replay()
    mine = orgs.us1.all("users")[orgs.us1.org.owner]
    mine["relationships"]["roles"]["data"] = []
    mine["attributes"]["modified_at"] = "2099-01-01T00:00:00+00:00"
    change = api("users", {"disabled": True}, id=other)
    orgs.us1.send("PATCH", f"/api/v2/users/{other}", change)
    orgs.replay(code=4)
    told = orgs.outcomes()
    assert told["owner@e.example"]["error"].endswith("it is the user who replays")
    assert roles_of(orgs.eu1, "owner@e.example") == [orgs.eu1.one("roles", ADMIN)["id"]]
    active = [
        body["attributes"]["handle"]
        for body in orgs.eu1.all("users").values()
        if body["relationships"]["roles"]["data"] and not body["attributes"]["disabled"]
    ]
    assert "owner@e.example" in active


# --- teams


def test_a_team_that_was_renamed_is_updated(orgs: Pair) -> None:
    team = orgs.us1.team("core", description="d")
    orgs.replay()
    there = orgs.eu1.one("teams", "core")["id"]
    renamed = api("team", {"handle": "kernel", "name": "Kernel", "description": "d"})
    orgs.us1.send("PATCH", f"/api/v2/team/{team}", renamed)
    assert orgs.replay().sent == [f"PATCH /api/v2/team/{there}"]
    own = orgs.eu1.all("teams")[there]["attributes"]
    assert (own["handle"], own["name"]) == ("kernel", "Kernel")
    orgs.settle()


# --- policies


def test_a_policy_names_the_destinations_principals_and_comes_at_once(orgs: Pair) -> None:
    us1, eu1 = orgs.us1, orgs.eu1
    role, team, user = us1.role("R"), us1.team("t"), us1.user("u@e.example")
    bot = us1.service_account("Bot")
    board = us1.dashboard("Board")
    viewers = [f"role:{role}", f"team:{team}", f"user:{bot}"]
    us1.restrict(f"dashboard:{board}", viewer=viewers, editor=[f"org:{us1.org.uuid}"])
    us1.user("v@e.example")
    assert user
    said = orgs.replay()
    there = orgs.ids("dashboards")[board]
    wanted = [
        f"role:{orgs.ids('roles')[role]}",
        f"team:{orgs.ids('teams')[team]}",
        f"user:{orgs.ids('users')[bot]}",
    ]
    assert eu1.policy(f"dashboard:{there}") == {
        "viewer": sorted(wanted),
        "editor": [f"org:{eu1.org.uuid}"],
    }
    about = [w.path for w in said.writes if there in w.path or w.path == "/api/v1/dashboard"]
    assert about == ["/api/v1/dashboard", f"/api/v2/restriction_policy/dashboard:{there}"]
    orgs.settle()


def test_principals_are_those_of_the_destination_wherever_they_stand(orgs: Pair) -> None:
    us1, eu1 = orgs.us1, orgs.eu1
    role, team = us1.role("R"), us1.team("t")
    user = us1.user("u@e.example", role)
    everybody = [f"role:{role}", f"team:{team}", f"user:{user}", f"org:{us1.org.uuid}"]
    bound = {"restricted_roles": [role],
             "bindings": [{"relation": "editor", "principals": everybody}]}  # fmt: skip
    us1.post("/api/v1/synthetics/tests/api", probe("ping", options={"tick_every": 60, **bound}))
    plain = {"description": "", "tags": []}
    restricted = {"restricted_roles": [role]}
    variable = {**plain, "name": "VALUE", "value": {"value": "v"}, "attributes": restricted}
    us1.post("/api/v1/synthetics/variables", variable)
    location = {**plain, "name": "PL", "metadata": restricted}
    us1.post("/api/v1/synthetics/private-locations", location)
    us1.dashboard("Board", **restricted)
    us1.monitor("load", **restricted)
    us1.restrict(f"slo:{us1.slo('SLO')}", editor=everybody)
    orgs.replay("--allow-self-lockout")
    there = {
        role: orgs.ids("roles")[role],
        team: orgs.ids("teams")[team],
        user: orgs.ids("users")[user],
        us1.org.uuid: eu1.org.uuid,
    }
    principals = sorted(
        f"{kind}:{there[id_]}" for kind, _, id_ in (one.partition(":") for one in everybody)
    )
    options = eu1.one("synthetics_tests", "ping")["options"]
    assert sorted(options["bindings"][0]["principals"]) == principals
    for holder in (
        options,
        eu1.one("synthetics_global_variables", "VALUE")["attributes"],
        eu1.one("synthetics_private_locations", "PL")["metadata"],
        eu1.one("dashboards", "Board"),
        eu1.one("monitors", "load"),
    ):
        assert holder["restricted_roles"] == [there[role]]
    (slo,) = orgs.ids("service_level_objectives").values()
    assert eu1.policy(f"slo:{slo}") == {"editor": principals}
    kept = json.dumps([eu1.all(name) for name in ("restriction_policies", "synthetics_tests")])
    assert not any(id_ in kept for id_ in there)
    orgs.settle("--allow-self-lockout")


def test_nothing_restricted_is_made_by_keys_that_do_not_tell_whose_they_are(orgs: Pair) -> None:
    """Were its policy refused, it could not be left to them alone."""
    role, board = orgs.us1.role("R"), orgs.us1.dashboard("Board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"role:{role}"])
    orgs.us1.dashboard("Open")
    unknown = Fault(path="^/api/v2/current_user$", org="eu1", status=403)
    orgs.sandbox.faults.add(unknown)
    said = orgs.replay(code=4)
    assert [body["title"] for body in orgs.eu1.all("dashboards").values()] == ["Open"]
    assert said.on("/restriction_policy/") == []
    told = orgs.outcomes()["Board"]
    assert told["status"] == "blocked"
    assert "the keys do not tell whose they are" in told["error"]
    orgs.sandbox.faults.remove(unknown)
    orgs.replay("--allow-self-lockout")
    there = orgs.ids("dashboards")[board]
    assert list(orgs.eu1.policy(f"dashboard:{there}")) == ["editor"]


def test_a_policy_is_refused_rather_than_widened(orgs: Pair) -> None:
    gone = "00000000-0000-4000-8000-000000000001"
    for title, who in (("None", [f"user:{gone}"]), ("Some", [f"org:{orgs.us1.org.uuid}"])):
        board = orgs.us1.dashboard(title)
        orgs.us1.restrict(f"dashboard:{board}", editor=who[:0] or [f"org:{orgs.us1.org.uuid}"])
        policy = orgs.us1.all("restriction_policies")[f"dashboard:{board}"]
        policy["attributes"]["bindings"][0]["principals"] = [*who, f"role:{gone}"]
    said = orgs.replay(code=4)
    assert said.sent == []
    told = [one for title, one in orgs.outcomes().items() if title in ("None", "Some")]
    assert {one["status"] for one in told} == {"blocked"}
    assert all(gone in str(one["reasons"]) or "protects it" in str(one["reasons"]) for one in told)
    assert gone in said.out


def test_a_policy_that_shuts_out_who_replays_needs_a_word(orgs: Pair) -> None:
    role = orgs.us1.role("R")
    board = orgs.us1.dashboard("Board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"role:{role}"])
    orgs.capture()
    planned = orgs.run("plan", "us1", "--to", "eu1").out
    assert f"+ dashboard:{board}; it names neither you nor a role or team of yours" in planned
    assert "refused without --allow-self-lockout" in planned
    allowed = orgs.run("plan", "us1", "--to", "eu1", "--allow-self-lockout").out
    assert "refused without" not in allowed
    said = orgs.replay(code=4)
    assert "give --allow-self-lockout to force it" in said.out
    assert " allow_self_lockout" not in said.out
    there = orgs.eu1.one("dashboards", "Board")["id"]
    assert orgs.eu1.policy(f"dashboard:{there}") == {"editor": [f"user:{orgs.eu1.org.owner}"]}
    orgs.replay("--allow-self-lockout")
    wanted = {"editor": [f"role:{orgs.ids('roles')[role]}"]}
    assert orgs.eu1.policy(f"dashboard:{there}") == wanted
    orgs.settle()


def test_a_policy_that_names_who_replays_in_any_way_is_no_lockout(orgs: Pair) -> None:
    mine = orgs.us1.role("Mine", "dashboards_read", "dashboards_write")
    team = orgs.us1.team("core")
    me = orgs.us1.org.owner
    member = api(
        "team_memberships",
        {"role": None},
        relationships={"user": {"data": {"type": "users", "id": me}}},
    )
    orgs.us1.post(f"/api/v2/team/{team}/memberships", member)
    orgs.us1.all("users")[me]["relationships"]["roles"]["data"].append(
        {"type": "roles", "id": mine}
    )
    who = (f"role:{mine}", f"team:{team}", f"user:{me}", f"org:{orgs.us1.org.uuid}")
    for one in who:
        board = orgs.us1.dashboard(one)
        orgs.us1.restrict(f"dashboard:{board}", editor=[one])
    orgs.capture()
    planned = orgs.run("plan", "us1", "--to", "eu1", "-v").out
    assert planned.count("+ dashboard:") == 4
    assert "it names neither you" not in planned


def test_what_has_a_policy_can_be_written_again_and_again(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    admin = orgs.us1.one("roles", ADMIN)["id"]
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"role:{admin}"])
    orgs.replay()
    there = orgs.ids("dashboards")[board]
    for title in ("Second", "Third"):
        body = {**orgs.us1.all("dashboards")[board], "title": title}
        orgs.us1.put(f"/api/v1/dashboard/{board}", body)
        assert orgs.replay().sent == [f"PUT /api/v1/dashboard/{there}"]
    own = orgs.eu1.one("roles", ADMIN)["id"]
    assert orgs.eu1.policy(f"dashboard:{there}") == {"editor": [f"role:{own}"]}


def test_a_policy_that_is_gone_at_the_source_is_lifted_with_consent(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"org:{orgs.us1.org.uuid}"])
    orgs.replay()
    there = orgs.ids("dashboards")[board]
    orgs.us1.delete(f"/api/v2/restriction_policy/dashboard:{board}")
    assert orgs.run("-q", "capture", "us1", "--full").code == 0
    assert orgs.replay().sent == []
    said = orgs.replay("--delete")
    assert said.sent == [f"DELETE /api/v2/restriction_policy/dashboard:{there}"]
    assert orgs.eu1.policy(f"dashboard:{there}") == {}


@pytest.mark.parametrize("how", ["removed", "loosened"])
def test_a_policy_that_somebody_changed_by_hand_is_seen_at_once(orgs: Pair, how: str) -> None:
    """No listing tells of it, and a capture reads it in its turn."""
    board = orgs.us1.dashboard("Board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"])
    orgs.replay()
    there = f"dashboard:{orgs.ids('dashboards')[board]}"
    wanted = orgs.eu1.policy(there)
    change(orgs.eu1, there, how)
    assert [one["action"] for one in orgs.plan() if one["type"] == POLICIES] == [
        "create" if how == "removed" else "update"
    ]
    assert orgs.replay().sent == [f"POST /api/v2/restriction_policy/{there}"]
    assert orgs.eu1.policy(there) == wanted
    orgs.settle()


@pytest.mark.parametrize("how", ["removed", "loosened"])
@pytest.mark.parametrize("words", [(), (f"{POLICIES}/dashboard:{{board}}",)])
def test_a_policy_is_restored_whatever_was_last_known_of_it(
    orgs: Pair, how: str, words: tuple[str, ...]
) -> None:
    board = orgs.us1.dashboard("Board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"])
    orgs.capture()
    wanted = orgs.us1.policy(f"dashboard:{board}")
    change(orgs.us1, f"dashboard:{board}", how)
    named = [word.format(board=board) for word in words]
    said = orgs.run("replay", "us1", *named, "--to", "us1", "--yes")
    assert said.sent == [f"POST /api/v2/restriction_policy/dashboard:{board}"], said
    assert orgs.us1.policy(f"dashboard:{board}") == wanted


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_made_again_is_restricted_again(orgs: Pair, *, kept: bool) -> None:
    """Whether Datadog keeps the policy of what is gone, or forgets it."""
    monitor = orgs.us1.monitor("load")
    orgs.us1.restrict(f"monitor:{monitor}", editor=[f"user:{orgs.us1.org.owner}"])
    orgs.replay()
    lose(orgs.eu1, orgs.ids("monitors")[monitor], kept=kept)
    there = once_more(orgs.replay(), orgs.eu1)
    assert orgs.ids("monitors")[monitor] == there
    orgs.settle()
    lose(orgs.us1, monitor, kept=kept)
    said = orgs.run("restore", "us1", f"monitors/{monitor}", "--yes")
    assert said.code == 0, said
    once_more(said, orgs.us1)


@pytest.mark.parametrize("undeleted", [True, False])
def test_what_is_undeleted_is_restricted_whatever_becomes_of_it(
    orgs: Pair, *, undeleted: bool
) -> None:
    board = orgs.us1.dashboard("Board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"])
    orgs.capture()
    wanted = orgs.us1.policy(f"dashboard:{board}")
    kept = dict(orgs.us1.all(POLICIES))
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    orgs.us1.all(POLICIES).update(kept)
    if not undeleted:
        orgs.us1.org.bin.clear()
    assert orgs.run("restore", "us1", f"dashboards/{board}", "--yes").code == 0
    there = orgs.us1.one("dashboards", "Board")["id"]
    assert (there == board) is undeleted
    assert orgs.us1.policy(f"dashboard:{there}") == wanted


def change(side: Side, object_: str, how: str) -> None:
    """Let somebody take a policy away, or open it to everybody."""
    if how == "removed":
        side.delete(f"/api/v2/restriction_policy/{object_}")
    else:
        side.restrict(object_, editor=[f"org:{side.org.uuid}"])


def lose(side: Side, monitor: str, *, kept: bool) -> None:
    """Delete a monitor, and what the org knows of who may change it unless that is ``kept``."""
    policies = dict(side.all(POLICIES))
    side.delete(f"/api/v1/monitor/{monitor}")
    side.all(POLICIES).clear()
    side.all(POLICIES).update(policies if kept else {})


def once_more(said: Said, side: Side) -> str:
    """The one monitor, which was just made and restricted to the owner again."""
    there = str(side.one("monitors", "load")["id"])
    assert said.sent == ["POST /api/v1/monitor", f"POST /api/v2/restriction_policy/monitor:{there}"]
    assert side.policy(f"monitor:{there}") == {"editor": [f"user:{side.org.owner}"]}
    return there


def roles_of(side: Side, handle: str) -> list[str]:
    return sorted(
        link["id"] for link in side.one("users", handle)["relationships"]["roles"]["data"]
    )


def permissions(side: Side, name: str) -> list[str]:
    known = side.all("permissions")
    granted = side.one("roles", name)["relationships"]["permissions"]["data"]
    return sorted(known[link["id"]]["attributes"]["name"] for link in granted)


def touched(side: Side, user: str) -> None:
    side.all("users")[user]["attributes"]["modified_at"] = "2098-01-01T00:00:00+00:00"


# --- what was not read at the source


def secret_board(orgs: Pair) -> str:
    """A restricted dashboard that is new since the last capture, beside one that is not."""
    orgs.us1.dashboard("Old")
    orgs.capture()
    board = orgs.us1.dashboard("Secret")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"])
    return board


def stays_away(orgs: Pair) -> None:
    """The restricted one is not created as long as nobody knows that it is."""
    said = orgs.run("replay", "us1", "--to", "eu1", "--live", "--yes")
    assert said.code == 4, said
    assert said.sent == ["POST /api/v1/dashboard"]
    assert [body["title"] for body in orgs.eu1.all("dashboards").values()] == ["Old"]
    assert "whether it is restricted was not read" in said.out


def test_what_may_be_restricted_is_not_created_open(orgs: Pair) -> None:
    board = secret_board(orgs)
    fault = orgs.sandbox.faults.add(Fault(path="/restriction_policy", org="us1", status=503))
    assert orgs.run("capture", "us1", "--retries", "0").code == 4
    orgs.sandbox.faults.remove(fault)
    manifest = json.loads(orgs.git("show", "snapshots/us1:snapshot.json"))
    assert manifest["types"][POLICIES]["unread"] == [f"dashboard:{board}"]
    stays_away(orgs)
    orgs.replay()
    there = orgs.ids("dashboards")[board]
    assert orgs.eu1.policy(f"dashboard:{there}") == {"editor": [f"user:{orgs.eu1.org.owner}"]}
    manifest = json.loads(orgs.git("show", "snapshots/us1:snapshot.json"))
    assert "unread" not in manifest["types"][POLICIES]
    orgs.settle()


def test_a_capture_of_boards_alone_does_not_tell_whether_they_are_restricted(orgs: Pair) -> None:
    secret_board(orgs)
    assert orgs.run("-q", "capture", "us1", "--type", "dashboards").code == 0
    stays_away(orgs)
    said = orgs.run("replay", "us1", "--to", "eu1", "--live", "--yes", "--allow-unprotected")
    assert said.code == 0, said
    assert said.sent == ["POST /api/v1/dashboard"]


def test_a_first_capture_of_boards_alone_protects_none(orgs: Pair) -> None:
    orgs.us1.dashboard("Secret")
    assert orgs.run("-q", "capture", "us1", "--type", "dashboards").code == 0
    assert orgs.run("replay", "us1", "--to", "eu1", "--live", "--yes").sent == []


def test_where_policies_are_not_captured_that_is_told(orgs: Pair) -> None:
    orgs.us1.dashboard("Board")
    config = orgs.path / "ddsnap.yaml"
    config.write_text(config.read_text() + f"capture: {{exclude: [{POLICIES}]}}\n")
    said = orgs.replay()
    assert said.sent == ["POST /api/v1/dashboard"]
    assert f"{POLICIES} are not captured at us1" in said.err
    assert "open to everybody" in said.err
