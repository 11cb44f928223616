"""The org of all recorded bodies, with a counterpart for each thing that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replays import directory_of

from ddsnap.catalog import CATALOG
from ddsnap.core.values import Address
from ddsnap.sandbox.furnish import add_permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from replays import Bodies

    from ddsnap.core.references import Reference
    from ddsnap.sandbox import SandboxOrg

Body = dict[str, Any]
MANAGED = ("Datadog Admin Role", "Datadog Standard Role", "Datadog Read Only Role")
WHEN = "2026-01-01T00:00:00+00:00"
NOBODY = {"handle": "made@up.example", "name": "Made Up", "email": "made@up.example"}


def settle(here: SandboxOrg, there: SandboxOrg) -> None:
    """Make one org of what was recorded in several, and let the other be Datadog's customer too.

    Of what belongs to Datadog an org has one of a name: a managed role, an integration's pipeline.
    Both orgs know the same permissions, by other ids.
    """
    _once(here.resources("roles"), lambda role: role["attributes"]["name"] in MANAGED)
    _once(here.resources("logs_pipelines"), lambda row: row.get("is_read_only"))
    order = here.resources("logs_pipelines_order")["order"]
    order["pipeline_ids"] = [*here.resources("logs_pipelines")]
    for row in here.resources("logs_pipelines").values():
        if row.get("is_read_only"):
            there.load("logs_pipelines", [{**row, "id": there.new_uuid()}])
    for role in here.resources("roles").values():
        for link in role["relationships"]["permissions"]["data"]:
            _permit(here, there, link["id"])
    for policy in here.resources("restriction_policies").values():
        for binding in policy["attributes"]["bindings"]:
            binding["principals"] = [
                f"org:{here.uuid}" if one.startswith("org:") else one
                for one in binding["principals"]
            ]


def _once(table: dict[str, Body], owned: Callable[[Body], bool]) -> None:
    """Leave one of each name of what belongs to Datadog."""
    names: set[str] = set()
    for id_, row in list(table.items()):
        name = row.get("name") or row["attributes"]["name"]
        if owned(row) and name in names:
            del table[id_]
        elif owned(row):
            names.add(name)


def _permit(here: SandboxOrg, there: SandboxOrg, id_: str) -> None:
    """Let both orgs know a permission by a name."""
    known = here.resources("permissions")
    if id_ not in known:
        own = add_permission(here, f"recorded_{id_}")
        known[id_] = {**known.pop(own), "id": id_}
        add_permission(there, f"recorded_{id_}")


def missing(bodies: Bodies) -> dict[Address, Reference]:
    """What the documents name and the org lacks, of the captured types."""
    here, found = directory_of(bodies), {}
    for entry in here.entries.values():
        for ref in entry.references:
            name = ref.to[0]
            if here.find(ref) is None and not ref.soft and name in CATALOG and not ref.by:
                found[Address(name, ref.value)] = ref
    return found


def complete(org: SandboxOrg, bodies: Bodies) -> list[Address]:
    """Load the plainest target of each reference that leads nowhere; return what was added."""
    added = sorted(missing(bodies))
    for address in added:
        org.load(address.type, [_MAKERS[address.type](org, address.id)])
    _people(org)
    return added


def _people(org: SandboxOrg) -> None:
    """Let somebody hold each role that a monitor is restricted to: Datadog takes no other."""
    roles = {r for row in org.resources("monitors").values() for r in row["restricted_roles"] or ()}
    for role in sorted(roles):
        person = _user(org, f"{role[:-1]}f")
        person["relationships"]["roles"]["data"] = [{"id": role, "type": "roles"}]
        org.load("users", [person])


def _monitor(org: SandboxOrg, id_: str) -> Body:
    return {
        "id": int(id_),
        "org_id": org.number,
        "name": f"Made up {id_}",
        "type": "metric alert",
        "query": "avg(last_5m):avg:system.load.1{*} > 4",
        "message": "",
        "tags": [],
        "priority": None,
        "options": {"thresholds": {"critical": 4.0}, "notify_audit": False, "silenced": {}},
        "restricted_roles": None,
        "multi": False,
        "created": WHEN,
        "modified": WHEN,
        "deleted": None,
        "overall_state": "OK",
        "creator": NOBODY,
    }


def _slo(org: SandboxOrg, id_: str) -> Body:
    return {
        "id": id_,
        "name": f"Made up {id_}",
        "type": "metric",
        "description": "",
        "tags": [],
        "query": {"numerator": "sum:a{*}.as_count()", "denominator": "sum:b{*}.as_count()"},
        "thresholds": [{"timeframe": "7d", "target": 99.0, "target_display": "99."}],
        "timeframe": "7d",
        "target_threshold": 99.0,
        "created_at": 1767225600,
        "modified_at": 1767225600,
        "creator": NOBODY,
    }


def _test(org: SandboxOrg, id_: str) -> Body:
    return {
        "public_id": id_,
        "name": f"Made up {id_}",
        "type": "api",
        "subtype": "http",
        "status": "paused",
        "tags": [],
        "message": "",
        "locations": ["aws:us-east-1"],
        "config": {
            "request": {"method": "GET", "url": "https://up.example"},
            "assertions": [{"type": "statusCode", "operator": "is", "target": 200}],
        },
        "options": {"tick_every": 300},
        "created_at": WHEN,
        "modified_at": WHEN,
        "creator": NOBODY,
        "monitor_id": org.new_int(),
    }


def _variable(org: SandboxOrg, id_: str) -> Body:
    return {
        "id": id_,
        "name": "MADE_" + "".join(c if c.isalnum() else "_" for c in id_.upper()),
        "type": "variable",
        "description": "",
        "tags": [],
        "is_totp": False,
        "is_fido": False,
        "value": {"secure": False, "value": "plain"},
        "created_at": WHEN,
        "modified_at": WHEN,
    }


def _team(org: SandboxOrg, id_: str) -> Body:
    return {"id": id_, "type": "team", "attributes": {"name": f"T {id_}", "handle": id_}}


def _user(org: SandboxOrg, id_: str) -> Body:
    email = f"{id_}@up.example"
    told = {"uuid": id_, "name": None, "handle": email, "email": email, "title": None}
    flags = {"service_account": False, "disabled": False, "status": "Active", "verified": True}
    times = {"created_at": WHEN, "modified_at": WHEN}
    links = {"roles": {"data": []}, "org": {"data": {"id": org.uuid, "type": "orgs"}}}
    attributes = {**told, **flags, **times}
    return {"id": id_, "type": "users", "attributes": attributes, "relationships": links}


def _notebook(org: SandboxOrg, id_: str) -> Body:
    cell = {"definition": {"type": "markdown", "text": "Made up."}}
    told = {
        "name": f"Made up {id_}",
        "cells": [{"id": "abcdefgh", "type": "notebook_cells", "attributes": cell}],
        "time": {"live_span": "1h"},
        "status": "published",
        "metadata": {"type": None, "is_template": False, "take_snapshots": False},
        "created": WHEN,
        "modified": WHEN,
        "author": NOBODY,
    }
    return {"id": int(id_), "type": "notebooks", "attributes": told}


_MAKERS: dict[str, Callable[[SandboxOrg, str], Body]] = {
    "monitors": _monitor,
    "service_level_objectives": _slo,
    "synthetics_tests": _test,
    "synthetics_global_variables": _variable,
    "teams": _team,
    "users": _user,
    "notebooks": _notebook,
}
