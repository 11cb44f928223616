"""Who the keys belong to: their validity, the user behind them, and the org."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Answer, Body, not_found
from ddsnap.sandbox.furnish import EPOCH
from ddsnap.sandbox.resources.users import included_roles
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from ddsnap.sandbox.org import SandboxOrg


def validate(call: Call) -> Answer:
    """Say that the API key is valid; a bad one never gets here."""
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
    Route("GET", "/api/v2/current_user", current_user),
    Route("GET", "/api/v1/org", list_orgs),
    Route("GET", "/api/v1/org/{public_id}", get_org),
)
