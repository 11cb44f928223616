"""What people do to an org in a day: retitle, tag, raise a threshold, delete, regrant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox import edit_boards, edit_logs, edit_probes
from ddsnap.sandbox.resources.dashboards import slug
from ddsnap.sandbox.resources.monitor_rules import members
from ddsnap.sandbox.times import iso, iso_z

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg


def edit(org: SandboxOrg, rng: random.Random, count: int) -> list[str]:
    """Make ``count`` changes, each drawn among those that this org allows."""
    done: list[str] = []
    while len(done) < count:
        possible = [change for type_name, change in _EDITS if org.table(type_name)]
        line = next(filter(None, (c(org, rng) for c in rng.sample(possible, len(possible)))), None)
        if line is None:
            break
        done.append(line)
    return done


def _retitle_monitor(org: SandboxOrg, rng: random.Random) -> str:
    row = _draw(org, rng, "monitors")
    row["name"] = _renamed(row["name"], rng)
    row["modified"] = iso(org.now())
    return f"monitors/{row['id']}: renamed to {row['name']}"


def _move_threshold(org: SandboxOrg, rng: random.Random) -> str:
    rows = [row for row in org.table("monitors").values() if _limit(row) is not None]
    if not rows:
        return ""
    row = rng.choice(rows)
    old, new = _limit(row), float(rng.randint(2, 999))
    head = row["query"].rpartition(" ")[0]
    row["query"] = f"{head} {new:g}"
    row["options"] = {**row["options"], "thresholds": {"critical": new}}
    row["modified"] = iso(org.now())
    return f"monitors/{row['id']}: threshold {old:g} -> {new:g}"


def _tag_monitor(org: SandboxOrg, rng: random.Random) -> str:
    row = _draw(org, rng, "monitors")
    tag = f"reviewed:{rng.randint(2020, 2030)}-{rng.randint(1, 999)}"
    row["tags"] = [*row["tags"], tag]
    row["modified"] = iso(org.now())
    return f"monitors/{row['id']}: tagged {tag}"


def _delete_monitor(org: SandboxOrg, rng: random.Random) -> str:
    rows = org.table("monitors").values()
    used = {id_ for row in rows for id_ in members(row)}
    for slo in org.table("service_level_objectives").values():
        used.update(slo.get("monitor_ids", ()))
    free = [row for row in rows if row["id"] not in used]
    if not free:
        return ""
    row = rng.choice(free)
    del org.table("monitors")[str(row["id"])]
    org.table("restriction_policies").pop(f"monitor:{row['id']}", None)
    return f"monitors/{row['id']}: deleted {row['name']}"


def _retitle_dashboard(org: SandboxOrg, rng: random.Random) -> str:
    row = _draw(org, rng, "dashboards")
    row["title"] = _renamed(row["title"], rng)
    row["url"] = f"/dashboard/{row['id']}/{slug(row['title'])}"
    row["modified_at"] = iso(org.now())
    return f"dashboards/{row['id']}: renamed to {row['title']}"


def _insert_widget(org: SandboxOrg, rng: random.Random) -> str:
    row = _draw(org, rng, "dashboards")
    text = f"Remember to look at this on {rng.choice(('Mondays', 'Fridays'))} ({rng.random():.6f})."
    widget = {"id": org.new_widget(), "definition": {"type": "note", "content": text}}
    row["widgets"] = list(row["widgets"])
    row["widgets"].insert(rng.randint(0, len(row["widgets"])), widget)
    if row.get("tabs"):
        first = row["tabs"][0]
        first["widget_ids"] = [*first["widget_ids"], widget["id"]]
    row["modified_at"] = iso(org.now())
    return f"dashboards/{row['id']}: a note inserted"


def _regrant(org: SandboxOrg, rng: random.Random) -> str:
    rows = [row for row in org.table("roles").values() if not row["attributes"].get("managed")]
    rows = [row for row in rows if row["relationships"]["permissions"]["data"]]
    if not rows:
        return ""
    row = rng.choice(rows)
    links = row["relationships"]["permissions"]
    gone = rng.choice(links["data"])
    links["data"] = [item for item in links["data"] if item != gone]
    row["attributes"]["modified_at"] = iso_z(org.now())
    name = (
        org.table("permissions").get(gone["id"], {}).get("attributes", {}).get("name", gone["id"])
    )
    return f"roles/{row['id']}: permission {name} removed"


def _describe_team(org: SandboxOrg, rng: random.Random) -> str:
    row = _draw(org, rng, "teams")
    text = f"Reorganized; ask in channel {rng.randint(1, 9999)}."
    row["attributes"].update(description=text, summary=text, modified_at=iso(org.now()))
    return f"teams/{row['id']}: described anew"


def _promote_user(org: SandboxOrg, rng: random.Random) -> str:
    row = _draw(org, rng, "users")
    row["attributes"]["title"] = f"Engineer {rng.randint(2, 9999)}"
    row["attributes"]["modified_at"] = iso(org.now())
    return f"users/{row['id']}: title is now {row['attributes']['title']}"


def _resize_index(org: SandboxOrg, rng: random.Random) -> str:
    row = _draw(org, rng, "logs_indexes")
    row["daily_limit"] = rng.randint(1, 9999) * 100_000
    return f"logs_indexes/{row['name']}: daily limit {row['daily_limit']}"


_EDITS: tuple[tuple[str, Callable[[SandboxOrg, random.Random], str]], ...] = (
    ("monitors", _retitle_monitor),
    ("monitors", _move_threshold),
    ("monitors", _tag_monitor),
    ("monitors", _delete_monitor),
    ("dashboards", _retitle_dashboard),
    ("dashboards", _insert_widget),
    ("roles", _regrant),
    ("teams", _describe_team),
    ("users", _promote_user),
    ("logs_indexes", _resize_index),
    *edit_logs.EDITS,
    *edit_probes.EDITS,
    *edit_boards.EDITS,
)


def _draw(org: SandboxOrg, rng: random.Random, type_name: str) -> Body:
    table = org.table(type_name)
    return table[rng.choice(list(table))]


def _renamed(title: str, rng: random.Random) -> str:
    head, bar, _ = title.rpartition(" | rev ")
    return f"{head if bar else title} | rev {rng.randint(1, 99_999)}"


def _limit(row: Body) -> float | None:
    # Only where moving the limit is a matter of one number: no warning, no recovery.
    thresholds = row["options"].get("thresholds") or {}
    if row["type"] in ("composite", "service check") or set(thresholds) != {"critical"}:
        return None
    return float(thresholds["critical"]) if _ends_in_number(row["query"]) else None


def _ends_in_number(query: str) -> bool:
    last = query.rpartition(" ")[2].lstrip("-")
    return last.replace(".", "", 1).isdigit()
