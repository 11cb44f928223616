"""On-call schedules and escalation policies."""

from __future__ import annotations

from ddsnap.catalog import pages, quirks
from ddsnap.core.resource_type import Call, Discover, Ref, ResourceType, Shape

ON_CALL_SCHEDULES = ResourceType(
    name="on_call_schedules",
    area="incident response",
    path="/api/v2/on-call/schedules",
    title="attributes.name",
    pages=pages.NUMBERED,
    detail=True,
    item_query={"include": "teams,layers,layers.members,layers.members.user"},
    # Layers are read beside the schedule and written inside it.
    shape=Shape(read=quirks.layers_into_schedule, write=quirks.as_it_is),
    fields=(
        "id type attributes relationships; attributes: name time_zone layers tags;"
        " relationships: teams"
    ),
    identity=("attributes.layers[*].id",),
    derived=("attributes.layers[*].applied_rotation_start",),
    unordered=("relationships.teams.data",),
    create=Call("POST", "/api/v2/on-call/schedules"),
    update=Call("PUT", "/api/v2/on-call/schedules/{id}"),
    delete=Call("DELETE", "/api/v2/on-call/schedules/{id}"),
    id_in_body=True,
    refs=(
        Ref("relationships.teams.data[*].id", to=("teams",)),
        Ref("attributes.layers[*].members[*].user.id", to=("users",)),
    ),
    permissions=("on_call_read", "on_call_write"),
)

ON_CALL_ESCALATION_POLICIES = ResourceType(
    name="on_call_escalation_policies",
    area="incident response",
    path="/api/v2/on-call/escalation-policies",
    title="attributes.name",
    discover=Discover(mentions=True),
    item_query={"include": "teams,steps,steps.targets"},
    shape=Shape(read=quirks.steps_into_policy, write=quirks.as_it_is),
    fields=(
        "id type attributes relationships; attributes: name resolve_page_on_policy_end retries"
        " steps; relationships: teams"
    ),
    identity=("attributes.steps[*].id",),
    unordered=("relationships.teams.data",),
    defaults={"relationships.teams.data": ([],)},
    create=Call("POST", "/api/v2/on-call/escalation-policies"),
    update=Call("PUT", "/api/v2/on-call/escalation-policies/{id}"),
    delete=Call("DELETE", "/api/v2/on-call/escalation-policies/{id}"),
    id_in_body=True,
    refs=(
        Ref("relationships.teams.data[*].id", to=("teams",)),
        Ref("attributes.steps[*].targets[*].id", to=("users",), when=("type", ("users",))),
        Ref("attributes.steps[*].targets[*].id", to=("teams",), when=("type", ("teams",))),
        Ref(
            "attributes.steps[*].targets[*].id",
            to=("on_call_schedules",),
            when=("type", ("schedules",)),
        ),
    ),
    permissions=("on_call_read", "on_call_write"),
)
