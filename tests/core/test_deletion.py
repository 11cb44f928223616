from __future__ import annotations

from ddsnap.catalog import shared
from ddsnap.core.deletion import order_deletions
from ddsnap.core.directory import read_directory
from ddsnap.core.resource_type import Call, Catalog, Ref, ResourceType
from ddsnap.core.values import Address, Document

DELETE = Call("DELETE", "/x/{id}")
CATALOG = Catalog(
    (
        ResourceType(
            name="monitors",
            area="a",
            path="/m",
            delete=DELETE,
            built_in=(("owned", True),),
            refs=(Ref("query", text=shared.COMPOSITE, when=("type", ("composite",))),),
        ),
        ResourceType(name="dashboards", area="a", path="/d", delete=DELETE),
        ResourceType(
            name="tests",
            area="a",
            path="/t",
            delete=DELETE,
            refs=(Ref("uses[*].id", to=("variables",)),),
        ),
        ResourceType(
            name="variables", area="a", path="/v", delete=DELETE, refs=(Ref("from", to=("tests",)),)
        ),
        ResourceType(name="service_level_objectives", area="a", path="/s", delete=DELETE),
        ResourceType(name="fixed", area="a", path="/f"),
        ResourceType(
            name="lists",
            area="a",
            path="/l",
            delete=DELETE,
            keeps_others=("members",),
            refs=(Ref("members[*].id", to=("monitors",)),),
        ),
    ),
    known_refs=shared.KNOWN_REFS,
)
DOCUMENTS = [
    Document(Address("monitors", "1"), {"id": 1}),
    Document(Address("monitors", "2"), {"id": 2, "type": "composite", "query": "1 && 1"}),
    Document(Address("service_level_objectives", "s"), {"id": "s", "monitor_ids": [2]}),
    Document(Address("dashboards", "d"), {"id": "d", "slo_id": "s", "note": "/monitors/5"}),
    Document(Address("monitors", "5"), {"id": 5}),
    Document(Address("monitors", "6"), {"id": 6, "owned": True}),
    Document(Address("fixed", "f"), {"id": "f"}),
    Document(Address("tests", "t"), {"id": "t", "uses": [{"id": "v"}]}),
    Document(Address("variables", "v"), {"id": "v", "from": "t"}),
    Document(Address("lists", "l"), {"id": "l", "members": [{"id": 5}]}),
]
DIRECTORY = read_directory(DOCUMENTS, CATALOG)


def deleted(*doomed):
    addresses = {Address.parse(text) for text in doomed}
    return [
        (step.kind, str(step.address), *step.reasons)
        for step in order_deletions(DIRECTORY, addresses, CATALOG)
    ]


def test_dependents_go_first():
    assert deleted("monitors/1", "monitors/2", "dashboards/d", "service_level_objectives/s") == [
        ("delete", "dashboards/d"),
        ("delete", "service_level_objectives/s"),
        ("delete", "monitors/2"),
        ("delete", "monitors/1"),
    ]


def test_a_list_goes_before_its_members_although_it_holds_none():
    assert deleted("monitors/5") == [("delete", "monitors/5")]
    assert deleted("monitors/5", "lists/l") == [("delete", "lists/l"), ("delete", "monitors/5")]


def test_what_is_needed_stays_and_links_hold_nothing():
    assert deleted("monitors/1", "monitors/5", "monitors/404") == [
        ("blocked", "monitors/1", "monitors/2 refers to it"),
        ("delete", "monitors/5"),
    ]


def test_what_stays_keeps_what_it_refers_to():
    assert deleted("monitors/1", "monitors/2", "service_level_objectives/s") == [
        ("blocked", "service_level_objectives/s", "dashboards/d refers to it"),
        ("blocked", "monitors/2", "service_level_objectives/s refers to it"),
        ("blocked", "monitors/1", "monitors/2 refers to it"),
    ]


def test_of_a_circle_what_is_taken_from_another_goes_first_and_waits_for_nothing():
    assert deleted("tests/t", "variables/v") == [("delete", "variables/v"), ("delete", "tests/t")]
    addresses = {Address.parse(text) for text in ("tests/t", "variables/v")}
    first, last = order_deletions(DIRECTORY, addresses, CATALOG)
    assert (first.needs, last.needs) == ((), (first.address,))


def test_a_circle_of_which_one_stays_stays():
    assert deleted("tests/t") == [("blocked", "tests/t", "variables/v refers to it")]


def test_what_cannot_be_deleted_is_blocked():
    assert deleted("monitors/6", "fixed/f") == [
        ("blocked", "fixed/f", "no API deletes it"),
        ("blocked", "monitors/6", "it belongs to Datadog"),
    ]
