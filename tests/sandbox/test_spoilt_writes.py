"""Writes that are wrong at one place: refused with a reason, or taken; never a crash."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from valid_writes import good_writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Client

WRONG: tuple[Any, ...] = (None, "", "x", -7, 3.5, True, [], ["x"], [None], {}, {"x": 1}, [[]])


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*above, key)
            yield from places(item, (*above, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield (*above, index)
            yield from places(item, (*above, index))


def spoilt(body: Any, place: tuple[Any, ...], wrong: Any, *, leave_out: bool) -> Any:
    copy = json.loads(json.dumps(body))
    holder = copy
    for step in place[:-1]:
        holder = holder[step]
    if leave_out:
        del holder[place[-1]]
    else:
        holder[place[-1]] = wrong
    return copy


def test_good_writes_of_every_kind_are_taken(client: Client) -> None:
    for good in good_writes(client):
        status, body = client.ask(good.method, good.path, good.body)
        assert status in (200, 201), (good.name, body)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_wrong_no_write_is_a_crash(client: Client, seed: int) -> None:
    rng = random.Random(seed)
    for good in good_writes(client):
        for place in places(good.body):
            body = spoilt(good.body, place, rng.choice(WRONG), leave_out=rng.random() < 0.2)
            status, answer = client.ask(good.method, good.path, body)
            assert status < 500, (good, place, body, answer)
            if status >= 400:
                assert "errors" in answer or "error" in answer, (good, place)
    for path in ("/api/v1/monitor", "/api/v1/dashboard", "/api/v1/slo", "/api/v2/downtime"):
        assert client.ask("GET", path)[0] == 200
    assert client.sandbox.crashes == []
