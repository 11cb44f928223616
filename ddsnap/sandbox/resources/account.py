"""Who the keys belong to: their validity, the user behind them, and the org."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Answer, Body, not_found, reject_titled
from ddsnap.sandbox.furnish import EPOCH
from ddsnap.sandbox.resources.users import included_roles
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from ddsnap.sandbox.org import SandboxOrg


def validate(call: Call) -> Answer:
    """Say that the keys that were asked for are valid; bad ones never get here."""
    del call
    return Answer({"valid": True})


def current_user(call: Call) -> Answer:
    """The user who owns the keys, with roles, permissions and org."""
    user = call.org.table("users")[call.org.owner]
    return Answer({"data": user, "included": [*included_roles(call, [user]), _org_link(call.org)]})


def list_orgs(call: Call) -> Answer:
    """The org of the keys."""
    return Answer({"orgs": [_org(call.org)]})


def get_org(call: Call) -> Answer:
    """The org of the keys, by its public id."""
    if call.params["public_id"] != call.org.public_id:
        raise not_found("Organization")
    return Answer({"org": _org(call.org)})


def get_recovery(call: Call) -> Answer:
    """The state of disaster recovery, in either spelling; 404 where the org takes no part."""
    state = call.org.recovery
    if state is None:
        raise reject_titled(404, "Not Found", "no connection found for this organization")
    return Answer({"data": _connection(call.org, state["status"], state["spelling"])})


def _connection(org: SandboxOrg, status: int, spelling: str) -> Body:
    attributes = {
        "target_org_uuid": "00000000-0000-4000-8000-000000000001",
        "target_org_name": "the other region",
        "target_org_datacenter": "eu1",
        "hamr_status": status,
        "is_primary": False,
        "modified_at": iso(EPOCH),
        "modified_by": org.table("users")[org.owner]["attributes"]["handle"],
    }
    if spelling != "hamr_status":
        # Datadog's guide spells all members this way, its OpenAPI the other.
        attributes = {_capitals(name): value for name, value in attributes.items()}
    return {"id": org.uuid, "type": "hamr_org_connections", "attributes": attributes}


def _capitals(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _org(org: SandboxOrg) -> Body:
    return {
        "public_id": org.public_id,
        "name": org.name,
        "description": None,
        "created": EPOCH.strftime("%Y-%m-%d %H:%M:%S"),
        "billing": {"type": "parent_billing"},
        "subscription": {"type": "pro"},
        "trial": False,
        "settings": {"private_widget_share": False},
    }


def _org_link(org: SandboxOrg) -> Body:
    # Recorded answers give the uuid here; /api/v1/org alone gives the short public id.
    return {
        "type": "orgs",
        "id": org.uuid,
        "attributes": {
            "public_id": org.uuid,
            "name": org.name,
            "description": None,
            "sharing": "all_private",
            "url": None,
            "disabled": False,
            "created_at": iso(EPOCH),
            "modified_at": None,
        },
    }


ROUTES = (
    Route("GET", "/api/v1/validate", validate, app_key=False),
    Route("GET", "/api/v2/validate_keys", validate),
    Route("GET", "/api/v2/current_user", current_user),
    Route("GET", "/api/v2/hamr", get_recovery),
    Route("GET", "/api/v1/org", list_orgs),
    Route("GET", "/api/v1/org/{public_id}", get_org),
)
