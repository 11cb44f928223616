"""Writes whose answers are lost, in every way and of every type: each is made exactly once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from cut_off import REPLAY, TORTURE, World, world

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATIONS = (
    "/v1/dashboard$", "/v1/monitor$", "/v2/roles$", "/v2/users$", "/v2/team$", "/memberships$",
    "/synthetics/variables$", "/synthetics/tests/api$", "/v1/slo$", "/slo/correction$",
    "/lists/manual$", "/restriction_policy/", "/logs/config/pipelines$", "/v2/downtime$",
    "/service_accounts$",
)  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "reset": {"reset": True},
    "502": {"status": 502},
    "500": {"status": 500},
    "timeout": {"stall": 1.6},
    "cut": {"cut": True},
}
PATIENCE = ("--timeout", "1s")


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def fault(path: str, nth: int, way: str, *, after: bool) -> Fault:
    told = dict(WAYS[way])
    if way == "timeout" and not after:
        told["reset"] = True  # what hangs and is cut off never has its effect
    return Fault(path=path, method="POST", org="eu1", nth=nth, after=after, **told)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("way", ["reset", "502", "timeout"])
def test_the_first_creation_of_each_type_loses_its_answer(
    orgs: World, way: str, after: bool
) -> None:
    path = orgs.fresh("lost")
    faults = [orgs.sandbox.faults.add(fault(one, 1, way, after=after)) for one in CREATIONS]
    said = orgs.run(path, *REPLAY, *PATIENCE)
    assert said.code == 0, said
    assert [one.path for one in faults if not orgs.sandbox.faults.struck(one)] == []
    orgs.is_whole(path, way)


def test_an_answer_that_is_cut_is_lost_too(orgs: World) -> None:
    path = orgs.fresh("lost")
    for one in CREATIONS:
        orgs.sandbox.faults.add(fault(one, 1, "cut", after=True))
    said = orgs.run(path, *REPLAY, *PATIENCE)
    assert said.code == 0, said
    orgs.is_whole(path)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(60 if TORTURE else 2))
def test_many_answers_are_lost_in_many_ways(orgs: World, seed: int) -> None:
    rng = random.Random(seed)
    path = orgs.fresh("lost")
    for _ in range(12 if TORTURE else 6):
        nth, way = rng.randint(1, 20), rng.choice(["reset", "502", "500", "cut", "timeout"])
        one = Fault(
            org="eu1",
            writes=True,
            nth=rng.randint(1, orgs.writes),
            after=rng.random() < 0.5,
            **({**WAYS[way], "reset": True} if way == "timeout" else WAYS[way]),
        )
        orgs.sandbox.faults.add(one)
        orgs.sandbox.faults.add(fault("/v1/dashboard$", nth, way, after=rng.random() < 0.5))
    said = orgs.run(path, *REPLAY, *PATIENCE)
    orgs.sandbox.faults.clear()
    assert said.code in (0, 4), said
    if said.code:
        said = orgs.run(path, *REPLAY)
        assert said.code == 0, said
    orgs.is_whole(path, seed)
