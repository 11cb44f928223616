"""Whether the destination will know a principal, before there is a plan."""

from __future__ import annotations

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.directory import read_directory
from ddsnap.core.id_map import Mapped
from ddsnap.core.principals import resolvable_principals
from ddsnap.core.references import find_references
from ddsnap.core.values import Address, Document


def role(id_, name, **more):
    body = {"id": id_, "type": "roles", "attributes": {"name": name, **more}}
    return Document(Address("roles", id_), body)


SOURCE = [
    role("r1", "Ops"),
    role("r2", "Twice"),
    role("r3", "Mapped"),
    role("r4", "Datadog Admin Role", managed=True),
    role("r5", "New"),
    role("r6", "Special", managed=True),
]
DESTINATION = [
    role("d1", "Ops"),
    role("d2", "Twice"),
    role("d22", "Twice"),
    role("d3", "Other"),
    role("d4", "Datadog Admin Role", managed=True),
    role("r9", "Only there"),
]
MAP = {
    Address("roles", "r3"): Mapped("d3", "created"),
    Address("roles", "gone"): Mapped("d3", "created"),
    Address("roles", "lost"): Mapped("d99", "created"),
    Address("organization", "o1"): Mapped("o2", "adopted"),
}


def resolves(principal, source=SOURCE, destination=DESTINATION, **options):
    body = {"attributes": {"bindings": [{"relation": "editor", "principals": [principal]}]}}
    (reference,) = find_references(body, CATALOG["restriction_policies"], CATALOG)
    here, there = (read_directory(documents, CATALOG) for documents in (source, destination))
    return resolvable_principals(here, there, CATALOG, MAP, **options)(reference)


@pytest.mark.parametrize(
    ("principal", "known"),
    [
        ("role:r1", True),  # by its name
        ("role:r2", False),  # two of its name
        ("role:r3", True),  # by the map
        ("role:r4", True),  # Datadog's own
        ("role:r5", True),  # will be created
        ("role:r6", False),  # Datadog's own, which nobody creates
        ("role:r9", False),  # an id of the other org by chance
        ("role:gone", True),
        ("role:lost", False),
        ("role:never", False),
        ("org:o1", True),
        ("org:o3", False),
    ],
)
def test_who_is_known_at_the_destination(principal, known):
    assert resolves(principal) is known


def test_what_is_not_taken_along_is_not_there():
    assert not resolves("role:r5", selected=lambda address: address.id == "r1")
    assert resolves("role:r1", selected=lambda _: False)


def test_in_one_org_ids_stay():
    assert resolves("role:r1", destination=SOURCE, same_org=True)
    assert resolves("org:o3", same_org=True)
    assert not resolves("role:never", destination=SOURCE, same_org=True)
