from __future__ import annotations

import copy

from ddsnap.catalog import shared
from ddsnap.core.match import (
    fingerprint,
    identifying,
    is_built_in,
    named_by_id,
    natural_key,
    portable,
    portable_digest,
)
from ddsnap.core.references import find_references
from ddsnap.core.resource_type import Catalog, IdPart, Ref, ResourceType

MONITORS = ResourceType(
    name="monitors",
    area="alerting",
    path="/m",
    identity=("org_id",),
    provenance=("creator", "modified"),
    derived=("multi",),
    unordered=("tags", "restricted_roles", "bindings", "bindings[*].principals"),
    synonyms={"type": {"query alert": "metric alert"}},
    refs=(Ref("query", text=shared.COMPOSITE, when=("type", ("composite",))),),
)
ROLES = ResourceType(
    name="roles",
    area="access",
    path="/r",
    natural_key=("attributes.name",),
    built_in=(("attributes.managed", True), ("attributes.name", "Admin")),
)
USERS = ResourceType(
    name="users",
    area="access",
    path="/u",
    natural_key=("handle",),
    key_if=(("robot", True, ("email", "name")),),
)
MEMBERS = ResourceType(
    name="members",
    area="access",
    path="/t",
    identity=("id",),
    parts=(IdPart("team", "team.id", "teams"), IdPart("user", "user.id", "users")),
    natural_key=("team.id", "user.id"),
)
INDEXES = ResourceType(name="indexes", area="logs", path="/i", id="name", natural_key=("name",))
POLICIES = ResourceType(
    name="policies",
    area="access",
    path="/p",
    natural_key=("id",),
    refs=(Ref("id", prefixed={"dashboard": "dashboards"}),),
)
CATALOG = Catalog((MONITORS, ROLES, MEMBERS, INDEXES, POLICIES), known_refs=shared.KNOWN_REFS)


def filled(body, ids=None, type_=MONITORS):
    references = find_references(body, type_, CATALOG)
    names = ids or {}
    return fingerprint(type_, body, references).filled(lambda ref: names.get(ref.value, ref.value))


def test_portable_leaves_what_people_decided():
    body = {
        "$ddsnap": {"id": "x"},
        "id": 1,
        "org_id": 2,
        "creator": {"a": 1},
        "multi": True,
        "type": "query alert",
        "name": "n",
        "secret": {"$ddsnap": {"secret": True}},
    }
    before = copy.deepcopy(body)
    expected = {"type": "metric alert", "name": "n", "secret": {"$ddsnap": {"secret": True}}}
    assert portable(MONITORS, body) == expected
    assert body == before


def test_ids_that_people_chose_and_parts_of_ids_stay():
    assert portable(INDEXES, {"name": "main", "x": 1}) == {"name": "main", "x": 1}
    assert portable(POLICIES, {"id": "dashboard:a"}) == {"id": "dashboard:a"}
    body = {"id": "TM-1", "team": {"id": "t"}, "user": {"id": "u"}}
    assert portable(MEMBERS, body) == {"team": {"id": "t"}, "user": {"id": "u"}}
    assert identifying(MEMBERS, body) == {"team": {"id": "t"}, "user": {"id": "u"}}
    assert [named_by_id(type_) for type_ in CATALOG.types] == [False, False, True, True, True]


def test_digests_compare_numbers_by_value():
    assert portable_digest(ROLES, {"id": "a", "n": 5}) == portable_digest(
        ROLES, {"id": "b", "n": 5.0}
    )
    assert portable_digest(ROLES, {"n": True}) != portable_digest(ROLES, {"n": 1})


def test_natural_keys():
    assert natural_key(MONITORS, {"name": "x"}) is None
    assert natural_key(ROLES, {"attributes": {}}) is None
    admin = natural_key(ROLES, {"attributes": {"name": "a"}})
    assert admin == natural_key(ROLES, {"id": "1", "attributes": {"name": "a", "x": 1}})
    assert admin != natural_key(ROLES, {"attributes": {"name": "A"}})


def test_references_inside_a_natural_key_are_translated():
    body = {"team": {"id": "t"}, "user": {"id": "u"}}
    references = find_references(body, MEMBERS, CATALOG)
    ids = {"t": "T", "u": "U"}
    there = natural_key(MEMBERS, {"team": {"id": "T"}, "user": {"id": "U"}})
    assert natural_key(MEMBERS, body, lambda ref: ids[ref.value], references) == there
    assert natural_key(MEMBERS, body, lambda ref: None, references) is None


def test_what_datadog_names_by_itself_has_a_key_of_its_own():
    ann = {"id": "1", "handle": "ann@x", "email": "a@x"}
    robot = {"id": "2", "handle": "0-0-0", "email": "a@x", "name": "n", "robot": True}
    assert natural_key(USERS, ann) == natural_key(USERS, {**ann, "email": "b@x", "name": "n"})
    assert natural_key(USERS, robot) == natural_key(USERS, {**robot, "handle": "1-1-1"})
    assert natural_key(USERS, robot) != natural_key(USERS, {**robot, "name": "m"})
    assert natural_key(USERS, robot) != natural_key(USERS, {**robot, "robot": False})
    assert natural_key(USERS, identifying(USERS, robot)) == natural_key(USERS, robot)
    assert "handle" in identifying(USERS, robot)
    assert "handle" in portable(USERS, ann)
    assert "handle" not in portable(USERS, robot)


def test_built_in_is_any_of_the_marks():
    assert is_built_in(ROLES, {"attributes": {"managed": True}})
    assert is_built_in(ROLES, {"attributes": {"name": "Admin"}})
    assert not is_built_in(ROLES, {"attributes": {"managed": 1, "name": "admin"}})
    assert not is_built_in(MONITORS, {})


def test_documents_are_equal_when_their_references_are():
    here = {"id": 1, "type": "composite", "query": "1 && 22", "x": {"slo_id": "s"}}
    there = {"id": 9, "type": "composite", "query": "22 && 3", "x": {"slo_id": "z"}}
    assert filled(here, {"1": "22", "22": "3", "s": "z"}) == filled(there)
    assert filled(here, {"1": "3", "22": "22", "s": "z"}) != filled(there)
    assert filled(here) != filled(there)
    assert filled({"type": "composite", "query": "1 || 22", "x": {"slo_id": "s"}}) != filled(here)


def test_what_cannot_be_resolved_equals_nothing():
    body = {"slo_id": "s"}
    references = find_references(body, MONITORS, CATALOG)
    assert fingerprint(MONITORS, body, references).filled(lambda ref: None) is None


def test_the_order_of_sets_means_nothing_after_ids_have_changed():
    here = {"restricted_roles": ["a", "b"], "tags": ["team:x", "env:y"]}
    there = {"restricted_roles": ["A", "B"], "tags": ["env:y", "team:x"]}
    assert filled(here, {"a": "B", "b": "A"}) == filled(there)
    assert filled(here, {"a": "B", "b": "C"}) != filled(there)


def test_a_principal_belongs_to_its_own_binding():
    def bindings(editor, viewer):
        return {
            "bindings": [
                {"relation": "editor", "principals": [f"role:{editor}", "team:t"]},
                {"relation": "viewer", "principals": [f"role:{viewer}", "team:t"]},
            ]
        }

    assert filled(bindings("a", "b"), {"a": "x", "b": "y"}) == filled(bindings("x", "y"))
    assert filled(bindings("a", "b"), {"a": "y", "b": "x"}) != filled(bindings("x", "y"))
    turned = {"bindings": bindings("x", "y")["bindings"][::-1]}
    assert filled(bindings("a", "b"), {"a": "x", "b": "y"}) == filled(turned)


def test_a_reference_in_a_bound_field_is_left_out():
    assert filled({"creator": {"slo_id": "a"}, "multi": "/dashboard/abc-def-ghi"}) == filled({})


def test_what_belongs_to_datadog_has_a_key_of_its_own_whatever_its_case() -> None:
    pipelines = ResourceType(
        name="pipelines",
        area="logs",
        path="/p",
        built_in=(("is_read_only", True),),
        built_in_key=("name",),
    )

    def key(**body):
        return natural_key(pipelines, identifying(pipelines, {"id": "1", "tags": [], **body}))

    assert key(name="Nginx", is_read_only=True) == key(name="nginx", is_read_only=True)
    assert key(name="Nginx", is_read_only=True) != key(name="Redis", is_read_only=True)
    assert key(name="Nginx", is_read_only=False) is None


def test_links_of_which_none_is_anybodys_decision_say_nothing():
    team = ResourceType(name="teams", area="a", path="/t", derived=("relationships.team_links",))
    plain = {"attributes": {"name": "x"}}
    linked = {**plain, "relationships": {"team_links": {"data": []}}}
    assert portable(team, linked) == portable(team, {**plain, "relationships": {}}) == plain
