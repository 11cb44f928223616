"""What people change about lists, powerpacks, notebooks, objectives and corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources.notebooks import cell_id
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg


def _relist(org: SandboxOrg, rng: random.Random) -> str:
    row = _some(org, rng, "dashboard_lists")
    members = row["dashboards"] or []
    there = {item["id"] for item in members}
    absent = [id_ for id_, b in org.table("dashboards").items()
              if id_ not in there and b["layout_type"] == "ordered"]  # fmt: skip
    if members and (not absent or rng.random() < 0.5):
        gone = rng.choice(members)
        members, line = [item for item in members if item != gone], f"{gone['id']} taken out"
    elif absent:
        new = rng.choice(absent)
        members, line = [*members, {"id": new, "type": "custom_timeboard"}], f"{new} put in"
    else:
        return ""
    row.update(dashboards=members, dashboard_count=len(members), modified=iso(org.now()))
    return f"dashboard_lists/{row['id']}: {line}"


def _turn_powerpack(org: SandboxOrg, rng: random.Random) -> str:
    rows = [row for row in org.table("powerpacks").values() if len(_widgets(row)) > 1]
    if not rows:
        return ""
    row = rng.choice(rows)
    _widgets(row).append(_widgets(row).pop(0))
    return f"powerpacks/{row['id']}: its first widget is now the last"


def _append_cell(org: SandboxOrg, rng: random.Random) -> str:
    row = _some(org, rng, "notebooks")
    definition = {"type": "markdown", "text": f"Looked at again in week {rng.randint(1, 9999)}."}
    cell = {"type": "notebook_cells", "id": cell_id(org.new_widget())}
    row["attributes"]["cells"].append({**cell, "attributes": {"definition": definition}})
    tags = row["attributes"]["tags"] or []
    row["attributes"]["tags"] = [*(tag for tag in tags if tag != "human_edited"), "human_edited"]
    row["attributes"]["modified"] = iso(org.now())
    return f"notebooks/{row['id']}: a cell appended"


def _describe_slo(org: SandboxOrg, rng: random.Random) -> str:
    row = _some(org, rng, "service_level_objectives")
    row["description"] = f"Agreed upon in review {rng.randint(1, 99_999)}."
    row["modified_at"] = int(org.now().timestamp())
    return f"service_level_objectives/{row['id']}: described anew"


def _prolong(org: SandboxOrg, rng: random.Random) -> str:
    rows = [row for row in org.table("slo_corrections").values() if row["attributes"]["end"]]
    if not rows:
        return ""
    row = rng.choice(rows)
    row["attributes"]["end"] += rng.randint(1, 99) * 60
    row["attributes"]["modified_at"] = int(org.now().timestamp())
    return f"slo_corrections/{row['id']}: ends at {row['attributes']['end']}"


EDITS: tuple[tuple[str, Callable[[SandboxOrg, random.Random], str]], ...] = (
    ("dashboard_lists", _relist),
    ("powerpacks", _turn_powerpack),
    ("notebooks", _append_cell),
    ("service_level_objectives", _describe_slo),
    ("slo_corrections", _prolong),
)


def _some(org: SandboxOrg, rng: random.Random, type_name: str) -> Body:
    return rng.choice(list(org.table(type_name).values()))


def _widgets(row: Body) -> list[Body]:
    widgets: list[Body] = row["attributes"]["group_widget"]["definition"]["widgets"]
    return widgets
