"""What a plan takes from a snapshot's manifest, and the limit of its deletions."""

from __future__ import annotations

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.config.model import DeleteLimit
from ddsnap.core.deletion import Deletions
from ddsnap.core.id_map import Mapped
from ddsnap.core.manifest import Manifest, OrgIdentity, TypeState
from ddsnap.core.plan import Plan, make_plan
from ddsnap.core.values import Address, Document
from ddsnap.errors import ExitCode, Refused
from ddsnap.flows.planning import check_deletions, whole_types

ORG = OrgIdentity("us1", "abc", "datadoghq.com")
STATES = {
    "monitors": TypeState("complete"),
    "dashboards": TypeState("stale", "HTTP 503"),
    "restriction_policies": TypeState("rotating"),
    "roles": TypeState("partial"),
    "users": TypeState("complete"),
}


def test_only_types_that_were_read_whole_and_unfiltered_can_lose_anything() -> None:
    plain = Manifest(ORG, 1, STATES)
    assert whole_types(plain, CATALOG) == {"monitors", "restriction_policies", "users"}
    filtered = Manifest(ORG, 1, STATES, filters=("monitors:$[?@.name == 'x']",))
    assert whole_types(filtered, CATALOG) == {"restriction_policies", "users"}
    everything = Manifest(ORG, 1, STATES, filters=("--tag env:prod",))
    assert whole_types(everything, CATALOG) == set()


def removal(count: int, *, kept: int = 0) -> Plan:
    there = [
        Document(Address("monitors", str(n)), {"id": n, "name": f"m{n}"})
        for n in range(count + kept)
    ]
    known = {Address("monitors", f"s{n}"): Mapped(str(n), "created") for n in range(count)}
    return make_plan(list, lambda: there, known, CATALOG, deletions=Deletions({"monitors"}))


@pytest.mark.parametrize(
    ("limit", "count", "kept"),
    [(DeleteLimit(2), 3, 100), (DeleteLimit(None, 50.0), 3, 2), (DeleteLimit(0), 1, 0)],
)
def test_more_deletions_than_allowed_are_refused(limit: DeleteLimit, count: int, kept: int) -> None:
    with pytest.raises(Refused, match=rf"{count} deletions \({count} monitors\)") as refused:
        check_deletions(removal(count, kept=kept), limit)
    assert refused.value.code is ExitCode.REFUSED


@pytest.mark.parametrize(
    ("limit", "count", "kept"),
    [(DeleteLimit(3), 3, 0), (DeleteLimit(None, 50.0), 3, 3), (DeleteLimit(0), 0, 5)],
)
def test_as_many_as_allowed_are_not(limit: DeleteLimit, count: int, kept: int) -> None:
    check_deletions(removal(count, kept=kept), limit)
