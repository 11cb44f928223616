from __future__ import annotations

import copy
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.catalog import shared
from ddsnap.core.references import find_references, identifies, rewrite
from ddsnap.core.resource_type import Catalog, IdPart, Ref, ResourceType
from ddsnap.core.values import clone

UUID_A = "11111111-aaaa-4bbb-8ccc-000000000001"
UUID_B = "22222222-aaaa-4bbb-8ccc-000000000002"
SLO_A, SLO_B = "a" * 32, "b" * 32

MONITORS = ResourceType(
    name="monitors",
    area="alerting",
    path="/api/v1/monitor",
    identity=("org_id", "assets[*].monitor_id"),
    refs=(
        Ref("query", text=shared.COMPOSITE, when=("type", ("composite",))),
        Ref("query", text=(*shared.SLO_ALERT, *shared.LOG_INDEXES)),
        Ref("assets[*].resource_key", to=("notebooks",), when=("resource_type", ("notebook",))),
    ),
)
DASHBOARDS = ResourceType(
    name="dashboards",
    area="dashboards",
    path="/api/v1/dashboard",
    derived=("url",),
    refs=(
        Ref("notify_list[*]", to=("users",), by="attributes.handle", soft=True),
        Ref("restricted_roles[*]", to=("roles",)),
        Ref(
            "presets[*].variables[*].values",
            to=("rum_applications",),
            when=shared.OF_RUM,
            like="variables[*]",
        ),
    ),
)
POLICIES = ResourceType(
    name="restriction_policies",
    area="access",
    path="/api/v2/restriction_policy",
    natural_key=("id",),
    refs=(Ref("id", prefixed={prefix: name for name, prefix in shared.RESTRICTABLE.items()}),),
)
MEMBERSHIPS = ResourceType(
    name="team_memberships",
    area="access",
    path="/api/v2/team/{team}/memberships",
    parts=(IdPart("team", "team.id", "teams"), IdPart("user", "user.id", "users")),
)
TESTS = ResourceType(
    name="synthetics_tests",
    area="synthetics",
    path="/api/v1/synthetics/tests",
    refs=(Ref("locations[*]", to=("synthetics_private_locations",), starts="pl:"),),
)
ORDER = ResourceType(
    name="logs_indexes_order",
    area="logs",
    path="/api/v1/logs/config/index-order",
    constant_id="order",
    orders="logs_indexes",
    members="index_names[*]",
)
CATALOG = Catalog(
    (MONITORS, DASHBOARDS, POLICIES, MEMBERSHIPS, TESTS, ORDER), known_refs=shared.KNOWN_REFS
)


def found(body, type_=DASHBOARDS):
    """What a document refers to, as ``(to, value)``."""
    return [(ref.to[0], ref.value) for ref in find_references(body, type_, CATALOG)]


def mapped(body, ids, type_=DASHBOARDS):
    before = copy.deepcopy(body)
    result = rewrite(body, find_references(body, type_, CATALOG), lambda ref: ids.get(ref.value))
    assert body == before, "the input was touched"
    return result


def composite(query):
    return {"type": "composite", "query": query}


@pytest.mark.parametrize(
    ("query", "ids", "expected"),
    [
        ("12 && 123", {"12": "999", "123": "777"}, "999 && 777"),
        ("45 && (145 || !45)", {"45": "7", "145": "45"}, "7 && (45 || !7)"),
        ("1 || 2", {"1": "2", "2": "1"}, "2 || 1"),
        ("!(12)&&1", {"1": "12"}, "!(12)&&12"),
        ("12 && 123", {"12": "900"}, "900 && 123"),
    ],
)
def test_composite_queries_are_rewritten_by_token(query, ids, expected):
    assert mapped(composite(query), ids, MONITORS) == composite(expected)


def test_integers_are_references_in_composite_queries_only():
    assert found({"type": "metric alert", "query": "avg:a{*} > 12"}, MONITORS) == []
    reference = find_references(composite("12"), MONITORS, CATALOG)[0]
    assert reference.to == ("monitors", "synthetics_tests")
    assert (reference.parts, reference.span) == (("query",), (0, 2))


def test_slo_alerts_name_their_slo():
    query = f'error_budget("{SLO_A}").over("7d") > burn_rate("{SLO_B}").over("7d")'
    body = {"type": "slo alert", "query": query}
    assert found(body, MONITORS) == [
        ("service_level_objectives", SLO_A),
        ("service_level_objectives", SLO_B),
    ]
    swapped = mapped(body, {SLO_A: SLO_B, SLO_B: SLO_A}, MONITORS)
    assert swapped["query"].index(SLO_B) < swapped["query"].index(SLO_A)


def test_log_indexes_are_named_inside_index_calls_only():
    body = {"query": 'logs("x:\\"y\\"").index("main","cold").by("host").index("*").last("5m")'}
    references = find_references(body, MONITORS, CATALOG)
    assert [(ref.value, ref.soft) for ref in references] == [("main", True), ("cold", True)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "log_stream", "indexes": ["main", "*"]}, ("logs_indexes", "main")),
        ({"data_source": "logs", "indexes": ["main"]}, ("logs_indexes", "main")),
        ({"log_query": {"index": "main"}}, ("logs_indexes", "main")),
        ({"data_source": "reference_table", "table_name": "t"}, ("reference_tables", "t")),
    ],
)
def test_names_in_queries_are_told_and_block_nothing(body, expected):
    (reference,) = find_references({"requests": [body]}, DASHBOARDS, CATALOG)
    assert (reference.to[0], reference.value) == expected
    assert reference.soft
    assert found({"options": {"augment_query": body}}, MONITORS) == [expected]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "list_stream", "indexes": ["main"]},
        {"data_source": "rum", "indexes": ["main"]},
        {"log_query": {"index": "*", "sort": {"index": "main"}}},
        {"rum_query": {"index": "main"}},
        {"index": "main"},
        {"data_source": "logs", "table_name": "t"},
    ],
)
def test_other_members_of_these_names_are_no_references(body):
    assert found({"requests": [body]}) == []


@pytest.mark.parametrize(
    "widget",
    [
        {"definition": {"alert_id": "12"}},
        {"definition": {"widgets": [{"definition": {"alert_id": "12"}}]}},
        {"tabs": [{"split": {"source": {"definition": {"alert_id": 12}}}}]},
    ],
)
def test_known_names_are_found_at_any_depth(widget):
    assert found({"widgets": [widget]}) == [("monitors", "12")]


def test_scalars_and_lists_of_both_json_types_keep_their_type():
    body = {"monitor_ids": [1, 2, "3"], "a": {"slo_id": SLO_A}, "b": {"alert_id": "1"}}
    assert mapped(body, {"1": "10", "2": "abc", "3": "30", SLO_A: SLO_B}) == {
        "monitor_ids": [10, "abc", "30"],
        "a": {"slo_id": SLO_B},
        "b": {"alert_id": "10"},
    }


def test_what_is_no_id_is_no_reference():
    body = {"alert_id": None, "slo_id": "", "monitor_id": True, "monitor_ids": [{"x": 1}, None]}
    assert found(body) == []


def test_a_number_that_only_looks_like_an_id_stays():
    body = {"message": "call 12 or room 123", "name": "12", "alert_id": 12}
    assert mapped(body, {"12": "999", "123": "777"}) == {**body, "alert_id": 999}


def test_principals_keep_their_prefix_and_split_on_the_first_colon():
    body = {"bindings": [{"principals": [f"role:{UUID_A}", "user:a:b", "org:o", "other:x"]}]}
    references = find_references(body, DASHBOARDS, CATALOG)
    assert [(ref.to, ref.value, ref.prefix) for ref in references] == [
        (("roles",), UUID_A, "role:"),
        (("users",), "a:b", "user:"),
        (("organization",), "o", "org:"),
    ]
    assert mapped(body, {UUID_A: UUID_B, "a:b": "c"}) == {
        "bindings": [{"principals": [f"role:{UUID_B}", "user:c", "org:o", "other:x"]}]
    }


def test_the_id_of_a_policy_is_a_reference_that_identifies_it():
    (reference,) = find_references({"id": "slo:abc"}, POLICIES, CATALOG)
    assert (reference.to, reference.value) == (("service_level_objectives",), "abc")
    assert identifies(POLICIES, reference)


def test_parts_of_an_id_are_references_that_identify():
    body = {"team": {"id": "t"}, "user": {"id": "u"}, "alert_id": 5}
    references = find_references(body, MEMBERSHIPS, CATALOG)
    assert [(ref.to, identifies(MEMBERSHIPS, ref)) for ref in references] == [
        (("monitors", "synthetics_tests"), False),
        (("teams",), True),
        (("users",), True),
    ]


def test_an_order_refers_to_its_members():
    assert found({"index_names": ["main", "cold"]}, ORDER) == [
        ("logs_indexes", "main"),
        ("logs_indexes", "cold"),
    ]


def test_when_asks_a_sibling():
    body = {
        "assets": [
            {"resource_key": "5", "resource_type": "notebook", "monitor_id": 9},
            {"resource_key": "6", "resource_type": "link"},
        ]
    }
    assert found(body, MONITORS) == [("notebooks", "5")]


def test_identity_and_derived_fields_are_not_references():
    body = {"url": "/dashboard/abc-def-ghi/title", "assets": [{"monitor_id": 7}]}
    assert found(body) == [("monitors", "7")]
    assert found(body, MONITORS) == [("dashboards", "abc-def-ghi")]


def test_starts_marks_ids_and_prefixes_of_names():
    assert found({"locations": ["aws:eu", "pl:one-1"]}, TESTS) == [
        ("synthetics_private_locations", "pl:one-1")
    ]
    (reference,) = find_references({"tags": ["env:a", "team:ops"]}, DASHBOARDS, CATALOG)
    assert (reference.value, reference.prefix, reference.by) == (
        "ops",
        "team:",
        "attributes.handle",
    )
    assert reference.soft


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://app.datadoghq.com/dashboard/abc-def-ghi/my-title?x=1", "dashboards"),
        ("[x](https://acme.datadoghq.eu/dashboard/abc-def-ghi)", "dashboards"),
        ("see /dashboard/abc-def-ghi.", "dashboards"),
        ("https://us5.datadoghq.com/notebook/123/title", "notebooks"),
        ("/notebooks/123", "notebooks"),
        ("https://app.ddog-gov.com/monitors/123/edit", "monitors"),
        ("https://app.datadoghq.com/monitors#123", "monitors"),
        (f"/slo?slo_id={SLO_A}&tab=x", "service_level_objectives"),
        ("/synthetics/details/abc-def-ghi", "synthetics_tests"),
        (f"/workflow/{UUID_A}/edit", "workflows"),
    ],
)
def test_links_to_the_app_are_soft_references(url, target):
    (reference,) = find_references({"definition": {"content": url}}, DASHBOARDS, CATALOG)
    assert (reference.to, reference.soft) == ((target,), True)
    changed = mapped({"c": url}, {reference.value: "NEW"})
    assert changed == {"c": url.replace(reference.value, "NEW")}


@pytest.mark.parametrize(
    "text",
    [
        "https://grafana.example.com/dashboard/abc-def-ghi",
        "https://app.datadoghq.com/dashboard/lists",
        "/monitors/manage",
        "/dashboard/abc-def-ghij",
        "a/monitors/123",
    ],
)
def test_other_links_are_not(text):
    assert found({"content": text}) == []


def test_handles_are_an_inventory():
    message = (
        "@team-ops, @webhook-My_Hook. (@slack-acme-alerts) @pagerduty-db @opsgenie-x @teams-y"
        " @workflow-restart(a=1) @case-KEY @oncall-core @jane.doe+x@corp.example.com. @pagerduty"
        " x@team-no.example.com {{#is_alert}}@hangouts-z{{/is_alert}} @victorops-db @sns-a_topic,"
        " @statuspage-web @all @here @pagerduty@corp.example.com"
    )
    references = find_references({"message": message}, MONITORS, CATALOG)
    assert all(ref.soft and ref.by for ref in references)
    assert [(ref.to[0], ref.value) for ref in references] == [
        ("teams", "ops"),
        ("webhooks", "My_Hook"),
        ("slack_channels", "acme-alerts"),
        ("pagerduty_services", "db"),
        ("opsgenie_services", "x"),
        ("ms_teams_tenant_based_handles", "y"),
        ("workflows", "restart"),
        ("case_management_projects", "KEY"),
        ("teams", "core"),
        ("users", "jane.doe+x@corp.example.com"),
        ("pagerduty_integrations", "pagerduty"),
        ("google_chat_organization_handles", "z"),
        ("victorops_handles", "db"),
        ("sns_topics", "a_topic"),
        ("statuspage_handles", "web"),
        ("users", "pagerduty@corp.example.com"),
    ]


def test_rum_applications_are_found_in_any_query():
    body = {"requests": [{"search": {"query": f"@application.id:{UUID_A} @type:view"}}]}
    assert found(body) == [("rum_applications", UUID_A)]
    assert mapped(body, {UUID_A: UUID_B})["requests"][0]["search"]["query"] == (
        f"@application.id:{UUID_B} @type:view"
    )


@pytest.mark.parametrize(
    "query",
    [
        f"@application.id:({UUID_A} OR {UUID_B}) @type:view",
        f'@type:view @application.id:("{UUID_A}" OR "{UUID_B}")',
        f"@application.id:{UUID_A} OR -@application.id:{UUID_B}",
        f'rum("@application.id:\\"{UUID_A}\\" @session.id:x").by("@application.id:{UUID_B}")',
        f"{{@application.id:{UUID_A},@application.id:'{UUID_B}'}}",
    ],
)
def test_rum_applications_are_found_however_they_are_written(query):
    body = {"search": {"query": query}}
    assert found(body) == [("rum_applications", UUID_A), ("rum_applications", UUID_B)]


@pytest.mark.parametrize(
    "query",
    [
        f"@session.id:{UUID_A}",
        f"@application.id:abc @session.id:{UUID_A}",
        f"@application.id:(abc) @session.id:{UUID_A}",
        f"@application.id:abc,@view.id:{UUID_A}",
        f"@application.id:{UUID_A}-x",
    ],
)
def test_other_ids_in_queries_are_no_applications(query):
    assert found({"search": {"query": query}}) == []


def test_template_variables_stand_for_applications():
    variable = {"name": "app", "prefix": "@application.id"}
    values = ["*", UUID_A, "a*"]
    body = {"variables": [{**variable, "default": UUID_B, "defaults": values}]}
    assert found(body) == [("rum_applications", UUID_B), ("rum_applications", UUID_A)]
    assert found({"variables": [{**variable, "available_values": values}]}) == [
        ("rum_applications", UUID_A)
    ]
    assert found({"variables": [{"name": "s", "prefix": "@session.id", "defaults": values}]}) == []


def test_a_preset_stands_for_what_the_variable_of_its_name_does():
    variables = [
        {"name": "app", "prefix": "@application.id"},
        {"name": "session", "prefix": "@session.id"},
    ]
    presets = [
        {"name": "app", "variables": [{"name": "session", "values": [UUID_A]}]},
        {"name": "x", "variables": [{"name": "app", "values": ["*", UUID_B]}, {"name": "none"}]},
    ]
    body = {"variables": variables, "presets": presets}
    assert found(body) == [("rum_applications", UUID_B)]


def test_a_place_found_twice_counts_once():
    assert found({"restricted_roles": ["r"]}) == [("roles", "r")]
    assert found({"notify_list": ["a@b.example"]}) == [("users", "a@b.example")]


def test_references_come_in_the_order_of_places():
    body = {"z": {"slo_id": "s"}, "a": [{"alert_id": 1}, {"alert_id": 2}]}
    assert found(body) == [
        ("monitors", "1"),
        ("monitors", "2"),
        ("service_level_objectives", "s"),
    ]


def test_a_copy_shares_nothing():
    body = {"a": [{"b": 1}]}
    copied = clone(body)
    copied["a"][0]["b"] = 2
    assert body == {"a": [{"b": 1}]}


# --- the property: there and back again

NUMBERS = [str(n) for n in (1, 2, 3, 10, 12, 123, 112, 1123, 99, 999)]
SLOS = [letter * 32 for letter in "abcdef"]
SHORT = [f"{a}{a}{a}-{b}{b}{b}-xyz" for a in "ab" for b in "cd"]
UUIDS = [f"0000000{n}-0000-4000-8000-00000000000{n}" for n in range(5)]
WORDS = st.text(string.ascii_letters + " .,:;()!\"'", max_size=12)


def texts(*pieces):
    """Words and pieces that hold references, apart from one another."""
    return st.lists(st.one_of(WORDS, *pieces), max_size=6).map(" ".join)


def linked(template, ids):
    return st.sampled_from(ids).map(template.format)


LINKS = texts(
    linked("/dashboard/{}/t", SHORT),
    linked("https://app.datadoghq.com/monitors/{}", NUMBERS),
    linked("[x](/notebook/{})", NUMBERS),
    linked("/slo?slo_id={}", SLOS),
    linked("@application.id:{}", UUIDS),
    linked("{}", NUMBERS),
)
LEAVES = st.one_of(
    st.fixed_dictionaries({"alert_id": st.sampled_from(NUMBERS)}),
    st.fixed_dictionaries({"alert_id": st.sampled_from(NUMBERS).map(int)}),
    st.fixed_dictionaries({"monitor_ids": st.lists(st.sampled_from(NUMBERS).map(int))}),
    st.fixed_dictionaries({"slo_id": st.sampled_from(SLOS)}),
    st.fixed_dictionaries({"principals": st.lists(linked("role:{}", UUIDS))}),
    st.fixed_dictionaries({"message": LINKS}),
    st.fixed_dictionaries({"content": LINKS, "n": st.integers(), "x": st.none()}),
)
TREES = st.recursive(LEAVES, lambda inner: st.fixed_dictionaries({"w": st.lists(inner)}))
QUERIES = st.lists(st.sampled_from([*NUMBERS, "&&", "||", "!", "(", ")"])).map(" ".join)
DOCUMENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["composite", "log alert"]), "query": QUERIES, "widgets": TREES}
)


def permutation(ids):
    return st.permutations(ids).map(lambda shuffled: dict(zip(ids, shuffled, strict=True)))


@given(
    DOCUMENTS,
    st.tuples(*(permutation(ids) for ids in (NUMBERS, SLOS, SHORT, UUIDS))),
)
@settings(max_examples=150, deadline=None)
def test_a_permutation_of_ids_and_back_changes_nothing(body, permutations):
    there = {old: new for ids in permutations for old, new in ids.items()}
    back = {new: old for old, new in there.items()}
    changed = mapped(body, there, MONITORS)
    before = [there[ref.value] for ref in find_references(body, MONITORS, CATALOG)]
    assert [ref.value for ref in find_references(changed, MONITORS, CATALOG)] == before
    assert mapped(changed, back, MONITORS) == body
