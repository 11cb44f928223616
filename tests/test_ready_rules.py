"""What each rule that is ready to be copied does, as it is shipped."""

from __future__ import annotations

import copy

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.config.ready_made import ready_names, ready_rule
from ddsnap.config.transforms import applying, parse_rules
from ddsnap.core.normalize import normalize
from ddsnap.core.pointers import get
from ddsnap.core.transform import transform

READY = {
    rule.name: rule for rule in parse_rules({f"{n}.yaml": ready_rule(n) for n in ready_names()})
}


def widget(**definition):
    return {"widgets": [{"definition": definition}]}


def granting(*names):
    return {"relationships": {"permissions": {"data": [{"id": n, "type": "p"} for n in names]}}}


VARIABLE = {"name": "e", "prefix": "env", "defaults": ["us1", "ap1"], "default": "us1"}
OTHER = {**VARIABLE, "prefix": "host"}
TABLE = [
    ("rename", "monitors", {"name": "[us1] CPU"}, {"/name": "[eu1] CPU"}),
    ("rename", "dashboards", {"title": "[us1] Web [us1] "}, {"/title": "[eu1] Web [us1] "}),
    ("environment-in-queries", "monitors",
     {"query": "avg:a{env:us1,myenv:us1} + avg:b{!env:us1-old,env:us1}", "message": "env:us1"},
     {"/query": "avg:a{env:eu1,myenv:us1} + avg:b{!env:us1-old,env:eu1}"}),
    ("environment-in-queries", "dashboards", widget(requests=[{"q": "avg:a{env:us1}"}]),
     {"/widgets/0/definition/requests/0/q": "avg:a{env:eu1}"}),
    ("environment-in-queries", "dashboards", widget(filters=["env:us1", "a:b"], env="us1"),
     {"/widgets/0/definition/filters": ["env:eu1", "a:b"], "/widgets/0/definition/env": "eu1"}),
    ("environment-in-queries", "dashboards", {"template_variables": [VARIABLE, OTHER]},
     {"/template_variables/0/defaults": ["eu1", "ap1"], "/template_variables/0/default": "eu1"}),
    ("environment-in-queries", "service_level_objectives",
     {"query": {"numerator": "sum:a{env:us1}", "denominator": "sum:b{env:us1}"}},
     {"/query": {"numerator": "sum:a{env:eu1}", "denominator": "sum:b{env:eu1}"}}),
    ("environment-in-queries", "downtime_schedules", {"attributes": {"scope": "env:us1"}},
     {"/attributes/scope": "env:eu1"}),
    ("primary-tag", "monitors", {"tags": ["datacenter:us1", "datacenter:us1-b"]},
     {"/tags": ["datacenter:eu1", "datacenter:us1-b"]}),
    ("primary-tag", "logs_indexes", {"name": "main", "filter": {"query": "datacenter:us1 a"}},
     {"/filter/query": "datacenter:eu1 a"}),
    ("app-host", "dashboards", widget(type="note", content=(
        "[a](https://app.datadoghq.com/dashboard/x?to=https%3A%2F%2Fapp.datadoghq.com%2Fy),"
        " https://app.datadoghq.com. https://docs.datadoghq.com http://app.datadoghq.com.example")),
     {"/widgets/0/definition/content": (
         "[a](https://app.datadoghq.eu/dashboard/x?to=https%3A%2F%2Fapp.datadoghq.eu%2Fy),"
         " https://app.datadoghq.eu. https://docs.datadoghq.com http://app.datadoghq.com.example")}),
    ("app-host", "monitors", {"message": "x https://app.datadoghq.com/notebook/1#a"},
     {"/message": "x https://app.datadoghq.eu/notebook/1#a"}),
    ("drop-principals", "monitors", {"restricted_roles": ["known", "x"]},
     {"/restricted_roles": ["known"]}),
    ("drop-principals", "dashboards", {"restricted_roles": ["x"]}, None),
    ("drop-permissions", "roles", granting("a", "known", "b"),
     {"/relationships": granting("known")["relationships"]}),
    ("drop-permissions", "roles", granting("a", "b"), None),
    ("log-retention", "logs_indexes", {"name": "main", "num_retention_days": 30},
     {"/num_retention_days": 15}),
    ("pause-tests", "synthetics_tests", {"public_id": "a", "status": "live"},
     {"/status": "paused"}),
    ("add-tag", "monitors", {}, {"/tags": ["moved-from:us1"]}),
    ("add-tag", "notebooks", {"attributes": {"tags": ["team:a"]}},
     {"/attributes/tags": ["moved-from:us1", "team:a"]}),
    ("blank", "monitors", {"name": "x"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "type_name", "body", "becomes"), TABLE)
def test_a_ready_rule_does_what_it_says(name, type_name, body, becomes):
    type_ = CATALOG[type_name]
    document = normalize(type_, {"id": "1", **copy.deepcopy(body)}).document
    rule, known = READY[name], lambda reference: reference.value == "known"
    there = {"resolvable": known, "names": {"permissions": {"known"}}}
    new, applied = transform(document, [rule], CATALOG, **there)
    if becomes is None:
        assert applied == ()
        return
    for pointer, value in becomes.items():
        assert get(new.body, pointer) == value
    again, _ = transform(new, [rule], CATALOG, **there)
    assert again.body == new.body
    tops = {pointer.split("/")[1] for pointer in becomes}
    for member in document.body.keys() - tops:
        assert new.body[member] == document.body[member]


def test_every_ready_rule_is_in_the_table_and_says_what_it_is_for():
    assert {row[0] for row in TABLE} == READY.keys()
    for rule in READY.values():
        assert rule.description
        assert rule.text.startswith("# ")


def test_none_of_them_applies_to_a_restore():
    assert applying([*READY.values()], ["all"], "us1", "us1") == ()
    assert len(applying([*READY.values()], ["all"], "us1", "eu1")) == len(READY)
