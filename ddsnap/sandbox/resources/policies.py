"""Restriction policies: who may do what with one object; no listing, and none means open."""

from __future__ import annotations

from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Json, reject
from ddsnap.sandbox.resources.common import attributes_of, data_of
from ddsnap.sandbox.router import Call, Route

_USUAL = ("viewer", "editor")
# Datadog API v2, description of POST /api/v2/restriction_policy/{resource_id}.
_RELATIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "dashboard", "integration-service", "integration-webhook", "notebook", "powerpack",
            "reference-table", "security-rule", "slo", "synthetics-global-variable",
            "synthetics-test", "synthetics-private-location", "monitor", "app-builder-app",
            "connection-group", "rum-application", "cross-org-connection", "spreadsheet",
            "on-call-escalation-policy", "on-call-team-routing-rules",
            "monitor-notification-rule",
        ),
        _USUAL,
    ),
    "workflow": ("viewer", "runner", "editor"),
    "connection": ("viewer", "resolver", "editor"),
    "on-call-schedule": ("viewer", "overrider", "editor"),
    "logs-pipeline": ("viewer", "processors_editor", "editor"),
    "case-management-project": ("viewer", "contributor", "manager"),
}  # fmt: skip
_PRINCIPALS = ("org", "role", "team", "user")
_TABLES = {"role": "roles", "team": "teams", "user": "users"}


def get_policy(call: Call) -> Answer:
    """The policy of an object; an unrestricted one has empty bindings."""
    id_, _ = _object(call)
    return Answer({"data": call.org.table("restriction_policies").get(id_) or _policy(id_, [])})


def set_policy(call: Call) -> Answer:
    """Create or replace the policy of an object."""
    id_, kind = _object(call)
    data = data_of(call, "restriction_policy")
    if data.get("id") != id_:
        raise reject(400, "Invalid request: the id in the body does not match the resource_id")
    bindings = attributes_of(data).get("bindings")
    if not isinstance(bindings, list):
        raise reject(400, "Invalid request body: 'bindings' is a required property")
    checked = [_binding(call, kind, item) for item in bindings]
    relations = [item["relation"] for item in checked]
    if len(relations) != len(set(relations)):
        raise reject(400, "Invalid request: a relation may have one binding only")
    if checked and call.query.get("allow_self_lockout") != "true":
        _refuse_lockout(call, kind, checked)
    policy = _policy(id_, checked)
    call.org.table("restriction_policies")[id_] = policy
    return Answer({"data": policy})


def delete_policy(call: Call) -> Answer:
    """Open the object to everybody."""
    id_, _ = _object(call)
    call.org.table("restriction_policies").pop(id_, None)
    return NO_CONTENT


def _object(call: Call) -> tuple[str, str]:
    id_ = call.params["resource_id"]
    kind, colon, rest = id_.partition(":")
    if not (kind and colon and rest):
        raise reject(400, f"Invalid resource: '{id_}' is not in a valid format")
    if kind not in _RELATIONS:
        text = f"Invalid resource type: {kind} does not support restriction policies"
        raise reject(400, text)
    return id_, kind


def _policy(id_: str, bindings: list[Body]) -> Body:
    return {"type": "restriction_policy", "id": id_, "attributes": {"bindings": bindings}}


def _binding(call: Call, kind: str, item: Json) -> Body:
    relation = item.get("relation") if isinstance(item, dict) else None
    if not isinstance(relation, str) or relation not in _RELATIONS[kind]:
        allowed = ", ".join(_RELATIONS[kind])
        text = (
            f'relation "{relation}" is not supported by "{kind}", supported relations: "{allowed}"'
        )
        raise reject(400, f"Invalid request: [RelationInvalidForResource] {text}")
    principals = item.get("principals")
    if not isinstance(principals, list) or not principals:
        raise reject(400, "Invalid request: a binding needs principals")
    if not all(isinstance(principal, str) for principal in principals):
        raise reject(400, "Invalid request: principals must be strings")
    for principal in principals:
        _check_principal(call, relation, str(principal))
    return {"relation": relation, "principals": sorted(set(principals))}


def _check_principal(call: Call, relation: str, principal: str) -> None:
    kind, _, id_ = principal.partition(":")
    if kind not in _PRINCIPALS:
        raise reject(
            400,
            f'Invalid request: [PrincipalTypeInvalidForRelation] principal "{principal}" is not '
            f'supported by "{relation}" relation, supported types: "{", ".join(_PRINCIPALS)}"',
        )
    if kind == "org":
        if id_ != call.org.uuid:
            raise reject(400, "Invalid request: cross-org principals are not supported")
    elif id_ not in call.org.table(_TABLES[kind]):
        raise reject(400, f'Invalid request: "{principal}" is not a valid principal')


def _refuse_lockout(call: Call, kind: str, bindings: list[Body]) -> None:
    strongest = _RELATIONS[kind][-1]
    held = _held_by_owner(call)
    for binding in bindings:
        if binding["relation"] == strongest and held & set(binding["principals"]):
            return
    text = "the caller would lose access to the resource; set allow_self_lockout to force it"
    raise reject(400, f"Invalid request: [SelfLockout] {text}")


def _held_by_owner(call: Call) -> set[str]:
    org = call.org
    roles = org.table("users")[org.owner]["relationships"]["roles"]["data"]
    teams = [team for team, members in org.members.items() if org.owner in members]
    own = {f"org:{org.uuid}", f"user:{org.owner}"}
    return own | {f"role:{item['id']}" for item in roles} | {f"team:{id_}" for id_ in teams}


_ONE = "/api/v2/restriction_policy/{resource_id}"
ROUTES = (
    Route("GET", _ONE, get_policy),
    Route("POST", _ONE, set_policy),
    Route("DELETE", _ONE, delete_policy),
)
