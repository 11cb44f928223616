"""The digests that a plan holds are those of the documents that it speaks of."""

from __future__ import annotations

from dataclasses import replace

from hand_made import DASHBOARDS, TYPES, docs
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.catalog import shared
from ddsnap.core.canonical import digest
from ddsnap.core.intended import intended_document
from ddsnap.core.match import portable_digest
from ddsnap.core.plan import make_plan
from ddsnap.core.resource_type import Catalog
from ddsnap.core.values import Address

SHEDDING = replace(DASHBOARDS, sheds=("notify_list",))
CATALOG = Catalog(
    tuple(SHEDDING if type_ is DASHBOARDS else type_ for type_ in TYPES),
    known_refs=shared.KNOWN_REFS,
)
_IDS = st.sampled_from(["1", "2", "3"])
_BOARDS = st.dictionaries(
    st.sampled_from("abc"),
    st.fixed_dictionaries(
        {"title": st.sampled_from("tu")},
        optional={
            "alert_id": _IDS,
            "notify_list": st.lists(st.sampled_from(["x", "y", "z"]), unique=True, min_size=1),
        },
    ),
)
_MONITORS = st.dictionaries(
    _IDS,
    st.fixed_dictionaries(
        {"name": st.sampled_from("mn")},
        optional={
            "tags": st.just(["migration:true"]),
            "message": st.sampled_from(["@team-x", "2"]),
        },
    ),
)


@settings(max_examples=150, deadline=None)
@given(_BOARDS, _MONITORS, _BOARDS, _MONITORS, st.booleans())
def test_what_is_intended_and_against_are_digests_of_documents(
    boards, monitors, boards_there, monitors_there, quiet
):
    users = {"u": {"handle": "x"}, "v": {"handle": "y"}}
    source = docs(dashboards=boards, monitors=monitors, users=users)
    destination = docs(
        dashboards={f"D{id_}": body for id_, body in boards_there.items()},
        monitors={f"9{id_}": body for id_, body in monitors_there.items()},
        users={"U": {"handle": "x"}},
    )
    plan = make_plan(lambda: source, lambda: destination, {}, CATALOG, quiet=quiet)
    here = {document.address: document for document in source}
    there = {document.address: document for document in destination}
    for action in plan.actions:
        if action.intended:
            plain = intended_document(here[action.address], plan.resolution)
            assert action.intended == digest(plain), action
        present = there.get(Address(action.address.type, action.to))
        type_ = CATALOG[action.address.type]
        assert action.against == (portable_digest(type_, present.body) if present else "")
