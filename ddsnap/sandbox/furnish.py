"""A fresh org as Datadog hands it over: permissions, managed roles, one admin, one index."""

from __future__ import annotations

from datetime import datetime, timezone
from hashlib import md5
from typing import TYPE_CHECKING

from ddsnap.sandbox.state import ORDER, enlist

if TYPE_CHECKING:
    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

EPOCH = datetime(2024, 6, 3, 8, 30, 0, 123456, tzinfo=timezone.utc)
_CREATED = "2024-06-03T08:30:00.123456Z"

# Name, group, kind; those of the first group are granted to every role.
_GRANTED = (
    ("dashboards_read", "Dashboards", "read"),
    ("monitors_read", "Monitors", "read"),
    ("notebooks_read", "Notebooks", "read"),
    ("metrics_read", "Metrics", "read"),
    ("apm_read", "APM", "read"),
    ("slos_read", "Service Level Objectives", "read"),
    ("logs_read_workspaces", "Log Management", "read"),
    ("hosts_read", "Infrastructure", "read"),
    ("teams_read", "Teams", "read"),
    ("integrations_read", "Integrations", "read"),
)
_RESTRICTED = (
    ("dashboards_write", "Dashboards", "write"),
    ("dashboards_public_share", "Dashboards", "other"),
    ("monitors_write", "Monitors", "write"),
    ("monitors_downtime", "Monitors", "write"),
    ("monitor_config_policy_write", "Monitors", "write"),
    ("notebooks_write", "Notebooks", "write"),
    ("slos_write", "Service Level Objectives", "write"),
    ("slos_corrections", "Service Level Objectives", "write"),
    ("logs_read_data", "Log Management", "read"),
    ("logs_modify_indexes", "Log Management", "write"),
    ("logs_write_exclusion_filters", "Log Management", "write"),
    ("logs_write_pipelines", "Log Management", "write"),
    ("logs_write_archives", "Log Management", "write"),
    ("logs_generate_metrics", "Log Management", "write"),
    ("metric_tags_write", "Metrics", "write"),
    ("synthetics_write", "Synthetic Monitoring", "write"),
    ("incident_write", "Case and Incident Management", "write"),
    ("events_write", "Events", "write"),
    ("security_monitoring_rules_write", "Cloud Security", "write"),
    ("integrations_manage", "Integrations", "write"),
    ("teams_manage", "Teams", "write"),
    ("user_access_invite", "Access Management", "write"),
    ("user_access_manage", "Access Management", "write"),
    ("org_management", "Access Management", "write"),
    ("api_keys_write", "API and Application Keys", "write"),
    ("audit_logs_read", "Compliance", "read"),
)
_ADMIN_ONLY = {"user_access_manage", "org_management", "api_keys_write", "audit_logs_read"}


def furnish(org: SandboxOrg) -> None:
    """Put in what an org has on its first day."""
    for name, group, kind in _GRANTED + _RESTRICTED:
        permission = _permission(org.new_uuid(), name, group, kind)
        org.table("permissions")[permission["id"]] = permission
    names = [item["attributes"]["name"] for item in org.table("permissions").values()]
    granted = {name for name, _, _ in _GRANTED}
    admin = _managed_role(org, "Datadog Admin Role", set(names), users=1)
    _managed_role(org, "Datadog Standard Role", set(names) - _ADMIN_ONLY)
    _managed_role(org, "Datadog Read Only Role", granted)
    _owner(org, admin)
    org.table("logs_indexes")["main"] = index("main", "*")
    enlist(org, "main")
    org.table("logs_pipelines_order")[ORDER] = {"pipeline_ids": []}


def default_permissions(org: SandboxOrg) -> list[Body]:
    """Return links to the permissions that every role has unless it opts out."""
    table = org.table("permissions").values()
    return [link(item["id"]) for item in table if not item["attributes"]["restricted"]]


def add_permission(org: SandboxOrg, name: str) -> str:
    """Add a permission that this org did not know, and return its id."""
    permission = _permission(org.new_uuid(), name, "Other", "other")
    org.table("permissions")[permission["id"]] = permission
    return str(permission["id"])


def link(id_: str, type_name: str = "permissions") -> Body:
    """Return a JSON:API link."""
    return {"id": id_, "type": type_name}


def icon(email: str) -> str:
    """Return the address of a user's picture."""
    return (
        f"https://secure.gravatar.com/avatar/{md5(email.lower().encode()).hexdigest()}?s=48&d=retro"
    )


def index(name: str, query: str) -> Body:
    """Return a log index with nothing but defaults."""
    return {
        "name": name,
        "filter": {"query": query},
        "num_retention_days": 15,
        "daily_limit": None,
        "is_rate_limited": False,
        "daily_limit_reset": None,
        "daily_limit_warning_threshold_percentage": None,
        "exclusion_filters": [],
        "tags": [],
        "num_flex_logs_retention_days": 0,
    }


def user(org: SandboxOrg, id_: str, email: str, when: str) -> Body:
    """Return a user as it is read, with neither name nor roles."""
    return {
        "type": "users",
        "id": id_,
        "attributes": {
            "uuid": id_,
            "name": None,
            "handle": email,
            "created_at": when,
            "modified_at": when,
            "email": email,
            "icon": icon(email),
            "title": None,
            "verified": False,
            "service_account": False,
            "disabled": False,
            "allowed_login_methods": [],
            "status": "Pending",
            "mfa_enabled": False,
            "last_login_time": None,
        },
        "relationships": {
            "roles": {"data": []},
            "org": {"data": link(org.uuid, "orgs")},
            "team_roles": {"data": []},
        },
    }


def _permission(id_: str, name: str, group: str, kind: str) -> Body:
    words = name.replace("_", " ")
    return {
        "id": id_,
        "type": "permissions",
        "attributes": {
            "created": _CREATED,
            "description": f"The ability to use: {words}.",
            "display_name": words.title(),
            "display_type": kind,
            "group_name": group,
            "name": name,
            "name_aliases": [],
            "restricted": all(name != granted for granted, _, _ in _GRANTED),
        },
    }


def _managed_role(org: SandboxOrg, name: str, permissions: set[str], users: int = 0) -> str:
    table = org.table("permissions").values()
    role = {
        "id": org.new_uuid(),
        "type": "roles",
        "attributes": {
            "created_at": _CREATED,
            "managed": True,
            "modified_at": _CREATED,
            "name": name,
            "team_count": 0,
            "user_count": users,
        },
        "relationships": {
            "permissions": {
                "data": [link(p["id"]) for p in table if p["attributes"]["name"] in permissions]
            }
        },
    }
    org.table("roles")[str(role["id"])] = role
    return str(role["id"])


def _owner(org: SandboxOrg, admin: str) -> None:
    org.owner = org.new_uuid()
    person = user(org, org.owner, f"admin@{org.name}.example", EPOCH.isoformat())
    person["attributes"].update(name="Org Admin", verified=True, status="Active")
    person["relationships"]["roles"]["data"] = [link(admin, "roles")]
    org.table("users")[org.owner] = person
