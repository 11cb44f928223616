"""What was recorded of the real service, replayed between sandbox orgs through the command line."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from contract import assert_sent
from recorded_org import complete, settle
from replays import Comparison, World, check, load_half, unresolvable, world
from test_recorded_org import load

from ddsnap.catalog import CATALOG
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANGLED = range(1, 21 if os.environ.get("DDSNAP_TORTURE") else 4)


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[World]:
    """Everything recorded in one org, captured, beside a fresh one."""
    with world(tmp_path, us1={}, eu1={}) as made:
        load(made.here)
        settle(made.here, made.there)
        made.capture()
        complete(made.here, made.bodies("us1"))
        made.capture()
        made.supply()
        yield made


def left_out(compared: Comparison, outcomes: dict[Address, dict[str, Any]]) -> dict[str, list[str]]:
    """Why resources are not at the destination, and which ones."""
    found: dict[str, list[str]] = {}
    for address in sorted(compared.source.keys() - compared.replayed().keys()):
        for reason in outcomes[address]["reasons"] or [outcomes[address]["error"]]:
            found.setdefault(reason, []).append(str(address))
    return found


def test_an_empty_org_comes_to_hold_what_was_recorded(recorded: World, tmp_path: Path) -> None:
    done = recorded.replay("--allow-self-lockout", code=4)
    assert_sent(recorded.sandbox)
    compared = check(recorded)
    outcomes = recorded.outcomes()
    reasons = left_out(compared, outcomes)
    over = [name for reason, names in reasons.items() if "ended on" in reason for name in names]
    hopeless = unresolvable(compared.here)
    hopeless = {a: refs for a, refs in hopeless.items() if refs[0].to != ("organization",)}
    assert {name for refs in hopeless.values() for ref in refs for name in ref.to} == {
        "reference_tables",
        "workflows",
        "rum_applications",
        "rum_client_tokens",
        "synthetics_mobile_applications",
        "synthetics_mobile_applications_versions",
    }
    possible = len(compared.source) - len(over) - len(hopeless)
    replayed = len(compared.replayed())
    print(f"{replayed} of {possible} replayed, {len(done.writes)} requests; left: {reasons}")
    assert possible > 300
    assert replayed >= 0.95 * possible
    assert set(hopeless).isdisjoint(compared.replayed())
    rest = set(compared.source) - set(compared.replayed()) - set(hopeless)
    told = {a: outcomes[a]["error"] for a in rest if str(a) not in over}
    assert all(("belongs to roles/" in why) or ("were uploaded" in why) for why in told.values())
    made = Counter(told["status"] for told in outcomes.values())
    assert made["failed"] == made["moved"] == made["not reached"] == 0
    recorded.again("--allow-self-lockout", code=4)
    recorded.clone(tmp_path / "clone").again("--allow-self-lockout", code=4)
    assert recorded.run("verify").code == 0


def test_an_org_that_holds_half_of_it_gets_the_other_half(recorded: World) -> None:
    held = load_half(recorded, random.Random(5))
    done = recorded.replay("--allow-self-lockout", code=4)
    assert_sent(recorded.sandbox)
    compared = check(recorded)
    outcomes, ids = recorded.outcomes(), recorded.id_map()
    known = {address: Address(address.type, mapped.id) for address, mapped in ids.items()}
    unsure = {a for a, one in outcomes.items() if one["status"] in ("ambiguous", "similar")}
    print(f"{len(held)} there before, {len(done.writes)} requests, unsure: {sorted(unsure)}")
    assert {a: known.get(a) for a in held if a not in unsure} == {
        a: there for a, there in held.items() if a not in unsure
    }
    assert {outcomes[a]["action"] for a in held if a not in unsure} <= {"adopt", "unchanged"}
    created = {a for a, one in outcomes.items() if one["action"] == "create"}
    assert created.isdisjoint(held)
    assert len(compared.replayed()) >= 0.95 * (len(compared.source) - 9)
    recorded.again("--allow-self-lockout", code=4)


@pytest.mark.torture
@pytest.mark.parametrize("seed", MANGLED)
def test_what_the_server_makes_of_it_is_written_once(recorded: World, seed: int) -> None:
    recorded.sandbox.faults.mangle_writes(seed, org="eu1")
    recorded.replay("--allow-self-lockout", code=4)
    settled = [a for a, told in recorded.outcomes().items() if told["settled"]]
    assert len(settled) > 20
    recorded.again("--allow-self-lockout", code=4)
    compared = check(recorded)
    assert len(compared.replayed()) > 300
    assert all(address.type in CATALOG for address in settled)
