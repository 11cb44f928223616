"""Each request that is made of a document is one that Datadog accepts."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from bodies import Body, changes, creations, pairs, recorded_documents, sent
from contract import Contract
from official_client import unparsed
from orgs import contract_data, make_backup

from ddsnap.catalog import CATALOG
from ddsnap.core.match import is_built_in, portable
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import ResourceType

EACH_TYPE = pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)

ANSWERED = {
    ("logs_pipelines", ".processors[*]<geo-ip-parser>.ip_processing_behavior"),
    ("logs_pipelines", ".processors[*]<schema-processor>.schema.extensions"),
    ("notebooks", ".data<notebooks>.attributes.tags"),
}
"""What is sent because answers hold it; no request is recorded that did."""


@pytest.fixture
def contract() -> Contract:
    return Contract.load()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Body]]:
    """The documents of a captured org of 200 resources, as a destination shall hold them."""
    contract_data()
    found: dict[str, list[Body]] = {type_.name: [] for type_ in CATALOG.types}
    with Sandbox() as sandbox:
        org = sandbox.add_org("us1", seed=7, size=200)
        backup = make_backup(sandbox, org, tmp_path_factory.mktemp("seeded") / "backup")
        assert not backup.capture().partial
    for path in backup.paths():
        name = path.partition("/")[0]
        body = backup.document(path) if name in found else {}
        if body and not is_built_in(CATALOG[name], body):
            found[name].append(portable(CATALOG[name], body))
    return found


def requests_about(type_: ResourceType, documents: list[Body]) -> Iterator[Request]:
    for body in documents:
        yield from creations(type_, copy.deepcopy(body))
    for body, present in pairs(type_, documents):
        yield from changes(type_, body, present)


def refused(contract: Contract, type_: ResourceType, documents: list[Body]) -> set[str]:
    """What Datadog, or its client, would not take of the requests about documents."""
    found = set()
    for one in requests_about(type_, documents):
        body = sent(type_, one)
        told = contract.problems(one.method, one.path, body)
        told += unparsed(one.method, one.path, body)
        found |= {f"{one.purpose} {one.method} {one.route}: {problem}" for problem in told}
    return found


@EACH_TYPE
def test_requests_about_recorded_resources_are_accepted(
    type_: ResourceType, contract: Contract
) -> None:
    documents = recorded_documents(type_)
    assert documents
    assert not refused(contract, type_, documents)


@EACH_TYPE
def test_requests_about_seeded_resources_are_accepted(
    type_: ResourceType, contract: Contract, seeded: dict[str, list[Body]]
) -> None:
    assert seeded[type_.name]
    assert not refused(contract, type_, seeded[type_.name])


def test_what_is_sent_on_the_word_of_answers_alone_is_known_by_name(
    contract: Contract, seeded: dict[str, list[Body]]
) -> None:
    found = {
        (type_.name, one.at.kind)
        for type_ in CATALOG.types
        for body in (*recorded_documents(type_), *seeded[type_.name])
        for request in creations(type_, body)
        for one in contract.unproven(request.method, request.path, sent(type_, request))
    }
    assert found == ANSWERED


def test_many_requests_of_every_type_are_made(seeded: dict[str, list[Body]]) -> None:
    """Should no request be made, the tests above would prove nothing."""
    made: dict[str, list[Any]] = {}
    for type_ in CATALOG.types:
        documents = [*recorded_documents(type_), *seeded[type_.name]]
        made[type_.name] = [one.purpose for one in requests_about(type_, documents)]
    assert {type_.name for type_ in CATALOG.types if not made[type_.name]} == set()
    assert {purpose for purposes in made.values() for purpose in purposes} == {
        "create", "update", "section", "delete", "undelete"
    }  # fmt: skip
    without = {"logs_indexes_order", "logs_pipelines_order"}
    assert {name for name, purposes in made.items() if "create" not in purposes} == without
    assert {name for name, purposes in made.items() if "update" not in purposes} == set()
    assert sum(map(len, made.values())) > 2000
