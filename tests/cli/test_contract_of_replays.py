"""All that a replay really sends is what Datadog accepts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from contract import assert_sent
from orgs import contract_data
from two_orgs import two_orgs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from two_orgs import TwoOrgs


@pytest.fixture
def orgs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[TwoOrgs]:
    contract_data()
    with two_orgs(tmp_path, capsys, monkeypatch, size=120) as made:
        yield made


def test_all_that_is_sent_is_accepted(orgs: TwoOrgs) -> None:
    """By a replay, and by one more after edits and deletions at the source."""
    first = orgs.run("-q", "replay", "us1", "--to", "eu1", "--yes", "--allow-self-lockout")
    assert first.code in (0, 4), first.err
    made = len(orgs.sandbox.writes)
    assert made > 100
    orgs.us1.edit(random.Random(5), 30)
    for name in ("notebooks", "logs_metrics", "synthetics_tests"):
        orgs.us1.resources(name).popitem()
    orgs.capture()
    again = orgs.run(
        "-q", "replay", "us1", "--to", "eu1", "--yes", "--delete", "--allow-self-lockout"
    )
    assert again.code in (0, 4), again.err
    assert len(orgs.sandbox.writes) > made + 10
    assert {write.method for write in orgs.sandbox.writes} == {"POST", "PUT", "PATCH", "DELETE"}
    assert_sent(orgs.sandbox)
