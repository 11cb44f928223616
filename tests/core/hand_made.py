"""A small catalog made by hand, documents of it, and plans of those."""

from __future__ import annotations

import copy

from ddsnap.catalog import shared
from ddsnap.core.id_map import Mapped
from ddsnap.core.plan import intended, make_plan
from ddsnap.core.resource_type import (
    Call,
    Catalog,
    Discover,
    IdPart,
    Named,
    Quiet,
    Ref,
    ResourceType,
)
from ddsnap.core.values import Address, Document

WRITES = {
    "create": Call("POST", "/x"),
    "update": Call("PUT", "/x/{id}"),
    "delete": Call("DELETE", "/x/{id}"),
}
ROLES = ResourceType(
    name="roles",
    area="access",
    path="/roles",
    title="name",
    natural_key=("name",),
    built_in=(("name", "Admin"),),
    named=(Named("permissions[*]", lookup="permissions"),),
    held="Admin",
    administers="manage",
    restricts=True,
    **WRITES,
)
USERS = ResourceType(
    name="users",
    area="access",
    path="/users",
    title="handle",
    natural_key=("handle",),
    provenance=("modified",),
    create_only=("handle", "kind"),
    disabled="disabled",
    irreversible="a deletion disables the user",
    refs=(Ref("roles[*]", to=("roles",)),),
    **WRITES,
)
TEAMS = ResourceType(
    name="teams",
    area="access",
    path="/teams",
    title="handle",
    natural_key=("attributes.handle",),
    built_in=(("attributes.managed", True),),
    owned="is kept elsewhere",
    **WRITES,
)
MEMBERS = ResourceType(
    name="team_memberships",
    area="access",
    path="/team/{team}/m",
    parts=(IdPart("team", "team.id", "teams"), IdPart("user", "user.id", "users")),
    natural_key=("team.id", "user.id"),
    parent="teams",
    built_in=(("by", "saml"),),
    owned="comes by itself",
    automatic=True,
    **WRITES,
)
MONITORS = ResourceType(
    name="monitors",
    area="alerting",
    path="/monitors",
    title="name",
    derived=("url",),
    provenance=("creator",),
    unordered=("tags", "restricted_roles"),
    quiet=(Quiet("tags", "migration:true", element=True),),
    refs=(Ref("query", text=shared.COMPOSITE, when=("type", ("composite",))),),
    **WRITES,
)
SLOS = ResourceType(
    name="service_level_objectives", area="slo", path="/slo", title="name", **WRITES
)
TESTS = ResourceType(
    name="synthetics_tests",
    area="synthetics",
    path="/tests",
    id="public_id",
    title="name",
    identity=("public_id", "monitor_id"),
    refs=(Ref("own", to=("synthetics_tests",)),),
    quiet=(Quiet("status", "paused"),),
    **WRITES,
)
DASHBOARDS = ResourceType(
    name="dashboards",
    area="dashboards",
    path="/dash",
    title="title",
    refs=(Ref("notify_list[*]", to=("users",), by="handle", soft=True),),
    **WRITES,
)
INDEXES = ResourceType(
    name="logs_indexes", area="logs", path="/i", id="name", natural_key=("name",), **WRITES
)
ORDER = ResourceType(
    name="logs_indexes_order",
    area="logs",
    path="/io",
    constant_id="order",
    orders="logs_indexes",
    members="index_names[*]",
    update=Call("PUT", "/io"),
)
METRICS = ResourceType(
    name="metrics_metadata",
    area="metrics",
    path="/mm",
    id="metric",
    natural_key=("metric",),
    update=Call("PUT", "/mm/{id}"),
)
READ_ONLY = ResourceType(name="read_only", area="x", path="/ro", title="name")
POLICIES = ResourceType(
    name="restriction_policies",
    area="access",
    path="/rp",
    natural_key=("id",),
    discover=Discover(objects={"dashboards": "dashboard"}),
    nothing_when_empty="bindings",
    unordered=("bindings", "bindings[*].principals"),
    refs=(Ref("id", prefixed={"dashboard": "dashboards"}),),
    **WRITES,
)
DOWNTIMES = ResourceType(
    name="downtime_schedules", area="alerting", path="/dt", title="message", ends="end", **WRITES
)
LISTS = ResourceType(
    name="dashboard_lists",
    area="dashboards",
    path="/lists",
    title="name",
    keeps_others=("dashboards",),
    unordered=("dashboards",),
    refs=(Ref("dashboards[*].id", to=("dashboards",)),),
    **WRITES,
)
TYPES = (
    DOWNTIMES,
    LISTS,
    ROLES,
    USERS,
    TEAMS,
    MEMBERS,
    MONITORS,
    SLOS,
    TESTS,
    DASHBOARDS,
    INDEXES,
    ORDER,
    METRICS,
    READ_ONLY,
    POLICIES,
)
CATALOG = Catalog(TYPES, known_refs=shared.KNOWN_REFS)
STATES = {type_.name: "complete" for type_ in TYPES}


def docs(**bodies):
    """``monitors={"1": {...}}`` as documents; the id is put into the body."""
    result = []
    for name, resources in bodies.items():
        type_ = CATALOG.get(name)
        for id_, given in resources.items():
            body = copy.deepcopy(given)
            if type_ is not None and not type_.parts and not type_.constant_id:
                own = int(id_) if id_.isdigit() and name == "monitors" else id_
                body.setdefault(type_.id, own)
            result.append(Document(Address(name, id_), body))
    return result


def planned(source, destination=(), id_map=None, **options):
    ids = {
        Address.parse(key): value if isinstance(value, Mapped) else Mapped(value, "created")
        for key, value in (id_map or {}).items()
    }
    options.setdefault("states", STATES)
    return make_plan(lambda: iter(source), lambda: iter(destination), ids, CATALOG, **options)


def kinds(plan):
    return {str(action.address): action.kind for action in plan.actions}


def action(plan, address):
    found = plan.action(Address.parse(address))
    assert found is not None
    return found


def wanted(plan, source, address):
    (document,) = [doc for doc in source if str(doc.address) == address]
    return intended(plan, document)
