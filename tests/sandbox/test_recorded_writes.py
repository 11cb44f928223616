"""What people really created once can be created again, out of what is read of it."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from contract import assert_sent
from exchanges import DATA, load_samples, prepare
from replaying import reaching, settled

from ddsnap.catalog import CATALOG
from ddsnap.core.fields import value_at
from ddsnap.core.match import portable
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from exchanges import Sample

    from ddsnap.core.resource_type import ResourceType

CREATED = [sample for sample in load_samples("create") if sample.status < 300] if DATA else []


@pytest.mark.skipif(not DATA, reason="DDSNAP_CONTRACT_DATA is unset")
def test_recorded_resources_are_created_again() -> None:
    """Of each recorded creation a copy is made, and of the copy as it is read one more."""
    done = Counter[str]()
    with Sandbox() as sandbox:
        for sample in CREATED:
            done[sample.type] += made_twice(sandbox, sample)
        assert sandbox.crashes == []
        # The specification lags behind what processors of pipelines are answered with.
        sandbox.writes[:] = [one for one in sandbox.writes if "/config/pipelines" not in one.path]
        assert_sent(sandbox)
    assert len(done) >= 18, done
    assert sum(done.values()) > 120, done


def made_twice(box: Sandbox, sample: Sample) -> bool:
    type_ = CATALOG[sample.type]
    first = again(box, sample, answered(type_, sample), "one")
    if first is None:
        return False
    second = again(box, sample, first, "two")
    assert second is not None
    assert settled(portable(type_, second)) == settled(portable(type_, first)), sample.name
    return True


def again(box: Sandbox, sample: Sample, body: dict[str, Any], name: str) -> dict[str, Any] | None:
    type_ = CATALOG[sample.type]
    org = box.add_org(f"{name}-{sample.type}-{sample.name}")
    if prepare(org, sample):
        return None
    with reaching(box, org) as reached:
        document = reached.document(type_, copy.deepcopy(body))
        id_ = reached.create(type_, portable(type_, document))
        found = reached.read(type_, id_)
        assert found is not None
        return found


def answered(type_: ResourceType, sample: Sample) -> dict[str, Any]:
    """The resource that a recorded creation answers."""
    body, call = copy.deepcopy(sample.response), type_.create
    if type_.variants and "data" in body:
        body = body["data"]["attributes"]
    elif call and call.answer:
        body = value_at(body, call.answer)
    elif type_.envelope:
        body = body[type_.envelope]
    if type_.name == "team_memberships":
        body["relationships"]["team"] = {"data": {"id": sample.path.split("/")[4], "type": "team"}}
    assert isinstance(body, dict)
    return type_.shape.read(body, []) if type_.shape else body
