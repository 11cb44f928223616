"""Invented roles, users, teams and memberships."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ddsnap.sandbox.furnish import default_permissions, icon, link, user
from ddsnap.sandbox.resources.teams import membership_body, team_body
from ddsnap.sandbox.seed.words import (
    DOMAINS,
    FIRST_NAMES,
    GROUPS,
    LAST_NAMES,
    combinations,
    later,
    moment,
)
from ddsnap.sandbox.state import join
from ddsnap.sandbox.times import iso, iso_z

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg


_RANKS = ("Engineers", "Leads", "Viewers", "On-call")


def add_roles(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add roles with the default permissions and some more."""
    granted = {item["id"] for item in default_permissions(org)}
    special = [id_ for id_ in org.table("permissions") if id_ not in granted]
    owner = org.table("users")[org.owner]["attributes"]["handle"]
    for group, rank in combinations(rng, count, GROUPS, _RANKS):
        extra = granted | set(rng.sample(special, rng.randint(1, 8)))
        role = _role(org.new_uuid(), f"{group} {rank}", owner, rng)
        permissions = [link(id_) for id_ in org.table("permissions") if id_ in extra]
        role["relationships"] = {"permissions": {"data": permissions}}
        org.table("roles")[role["id"]] = role


def add_users(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add users; a few are disabled, a few are service accounts."""
    roles = list(org.table("roles"))
    for first, last in combinations(rng, count, FIRST_NAMES, LAST_NAMES):
        person = _person(org, first, last, rng)
        chosen = rng.sample(roles, min(len(roles), rng.choice((1, 1, 1, 2))))
        person["relationships"]["roles"]["data"] = [link(id_, "roles") for id_ in chosen]
        for id_ in chosen:
            org.table("roles")[id_]["attributes"]["user_count"] += 1
        org.table("users")[person["id"]] = person


def add_teams(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add teams without members."""
    for domain, group in combinations(rng, count, DOMAINS, GROUPS):
        name = f"{domain.title()} {group}"
        sent = {
            "name": name,
            "handle": name.lower().replace(" ", "-"),
            "description": f"Owns everything about {domain}.",
        }
        when = moment(rng)
        team = team_body(org.new_uuid(), sent, iso(when))
        team["attributes"]["modified_at"] = iso(later(when, rng))
        org.table("teams")[team["id"]] = team


def add_memberships(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Put users into teams, nobody twice into one."""
    teams, users = list(org.table("teams")), list(org.table("users"))[1:]
    for position in range(count):
        team = teams[position % len(teams)]
        members = org.members.get(team, {})
        who = rng.randrange(len(users))
        while users[who] in members:
            who = (who + 1) % len(users)
        number = org.private("users", users[who]).setdefault("number", org.new_int())
        role = rng.choice((None, None, "admin"))
        id_ = f"TeamMembership-{team}-{number}"
        row = membership_body(id_, team, users[who], role, org.owner)
        org.table("team_memberships")[id_] = row
        join(org, row)
        org.table("teams")[team]["attributes"]["user_count"] += 1


def _role(id_: str, name: str, owner: str, rng: random.Random) -> Body:
    when = moment(rng)
    return {
        "id": id_,
        "type": "roles",
        "attributes": {
            "created_at": iso_z(when),
            "created_by_handle": owner,
            "modified_at": iso_z(later(when, rng)),
            "modified_by_handle": owner,
            "name": name,
            "team_count": 0,
            "user_count": 0,
        },
    }


def _person(org: SandboxOrg, first: str, last: str, rng: random.Random) -> Body:
    when = moment(rng)
    email = _plain(f"{first}.{last}@acme.example")
    row = user(org, org.new_uuid(), email, iso(when))
    own = row["attributes"]
    own.update(name=f"{first} {last}", verified=True, status="Active", icon=icon(email))
    own["modified_at"] = iso(later(when, rng))
    own["title"] = rng.choice(
        (None, "Engineer", "Engineering Manager", "Site Reliability Engineer")
    )
    kind = rng.random()
    if kind < 0.03:
        own.update(disabled=True, status="Disabled")
    elif kind < 0.07:
        own.update(handle=row["id"], service_account=True, name=f"{first} {last} (bot)")
    return row


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.lower().replace(" ", "-"))
    return letters.encode("ascii", "ignore").decode()
