"""What a replay that is gone on with was asked for: the same, and in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import note, pair

from ddsnap.flows.takeover import Unfinished
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

RULE = """match: {{types: [dashboards]}}
rewrite: [{{at: $..content, pattern: '{old}', with: '{new}'}}]
"""


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_rules_apply_in_the_order_of_the_configuration(orgs: Pair) -> None:
    folder, config = orgs.path / "transforms", orgs.path / "ddsnap.yaml"
    folder.mkdir(exist_ok=True)
    (folder / "z-first.yaml").write_text(RULE.format(old="one", new="two"))
    (folder / "a-second.yaml").write_text(RULE.format(old="two", new="three"))
    config.write_text(f"{config.read_text()}replay: {{transforms: [z-first, a-second]}}\n")
    orgs.us1.dashboard("Board", note("one"))
    orgs.us1.dashboard("Other", note("two"))
    orgs.capture()
    fault = orgs.sandbox.faults.add(Fault(org="eu1", writes=True, status=401))
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").code == 1
    orgs.sandbox.faults.remove(fault)
    said = orgs.run("replay", "--resume", "--to", "eu1", "--yes")
    assert said.code == 0, said.err
    assert "transformations: z-first, a-second" in said.out
    boards = orgs.eu1.all("dashboards").values()
    assert {body["widgets"][0]["definition"]["content"] for body in boards} == {"three"}
    assert orgs.run_record()["transforms"] == ["z-first", "a-second"]
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").sent == []


def test_so_they_do_when_another_machine_goes_on() -> None:
    """What it reads of the run is in the journal's canonical form, in which members are sorted."""
    begun = {
        "source": {"commit": "c", "revision": "us1"},
        "transforms": ["z-first", "a-second"],
        "resume": {"wishes": {}, "rules": {"a-second": "2", "b-unknown": "3", "z-first": "1"}},
    }
    order = Unfinished("run", begun, (), here=False).order()
    assert list(order.rules) == ["z-first", "a-second", "b-unknown"]
