"""What people change about synthetic tests, what these share, and downtimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg


def _pause_test(org: SandboxOrg, rng: random.Random) -> str:
    row = _some(org, rng, "synthetics_tests")  # the time of the last change stays
    row["status"] = "paused" if row["status"] == "live" else "live"
    return f"synthetics_tests/{row['public_id']}: {row['status']}"


def _reword_test(org: SandboxOrg, rng: random.Random) -> str:
    row = _some(org, rng, "synthetics_tests")
    row["message"] = f"{row['message'].partition(' (')[0]} (see page {rng.randint(1, 9999)})"
    row["modified_at"] = iso(org.now())
    return f"synthetics_tests/{row['public_id']}: another message"


def _turn_steps(org: SandboxOrg, rng: random.Random) -> str:
    rows = [row for row in org.table("synthetics_tests").values() if len(row.get("steps", [])) > 1]
    if not rows:
        return ""
    row = rng.choice(rows)
    row["steps"] = [*row["steps"][1:], row["steps"][0]]
    row["modified_at"] = iso(org.now())
    return f"synthetics_tests/{row['public_id']}: its first step is now the last"


def _describe_variable(org: SandboxOrg, rng: random.Random) -> str:
    row = _some(org, rng, "synthetics_global_variables")
    row["description"] = f"Rotated in week {rng.randint(1, 9999)}"
    row["modified_at"] = iso(org.now())
    return f"synthetics_global_variables/{row['id']}: described anew"


def _describe_location(org: SandboxOrg, rng: random.Random) -> str:
    row = _some(org, rng, "synthetics_private_locations")
    row["description"] = f"{rng.randint(2, 9999)} workers"
    row["modifiedAt"] = iso(org.now())
    return f"synthetics_private_locations/{row['id']}: described anew"


def _reword_downtime(org: SandboxOrg, rng: random.Random) -> str:
    rows = [row for row in org.table("downtime_schedules").values()
            if not row["attributes"]["canceled"]]  # fmt: skip
    if not rows:
        return ""
    row = rng.choice(rows)
    row["attributes"]["message"] = f"Maintenance, ticket {rng.randint(1, 99_999)}"
    row["attributes"]["modified"] = iso(org.now())
    return f"downtime_schedules/{row['id']}: another message"


EDITS: tuple[tuple[str, Callable[[SandboxOrg, random.Random], str]], ...] = (
    ("synthetics_tests", _pause_test),
    ("synthetics_tests", _reword_test),
    ("synthetics_tests", _turn_steps),
    ("synthetics_global_variables", _describe_variable),
    ("synthetics_private_locations", _describe_location),
    ("downtime_schedules", _reword_downtime),
)


def _some(org: SandboxOrg, rng: random.Random, type_name: str) -> Body:
    return rng.choice(list(org.table(type_name).values()))
