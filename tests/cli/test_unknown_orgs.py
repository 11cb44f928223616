"""An org that nobody knows is a mistake in usage, whichever command is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import Pair, pair

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("orgs")) as made:
        made.us1.monitor("load")
        made.capture()
        yield made


@pytest.mark.parametrize(
    "words",
    [
        ("capture", "nope"),
        ("status", "nope"),
        ("doctor", "nope"),
        ("log", "nope"),
        ("log", "nope", "monitors"),
        ("show", "nope"),
        ("diff", "nope"),
        ("diff", "us1", "live:nope"),
        ("verify", "nope"),
        ("verify", "nope", "--live"),
        ("plan", "nope", "--to", "eu1"),
        ("plan", "us1", "--to", "nope"),
        ("plan", "live:nope", "--to", "eu1"),
        ("replay", "nope", "--to", "eu1", "--yes"),
        ("replay", "us1", "--to", "nope", "--yes"),
        ("replay", "us1", "--to", "nope", "--rehearse"),
        ("replay", "--resume", "--to", "nope"),
        ("replay", "--undo", "abc", "--to", "nope"),
        ("restore", "nope", "monitors/1"),
        ("migration", "unmute", "--to", "nope"),
        ("transform", "check", "nope"),
        ("transform", "check", "us1", "--to", "nope"),
        ("types", "--cost", "nope"),
        ("sandbox", "--from", "nope"),
    ],
)
def test_it_ends_with_2_and_names_it(orgs: Pair, words: tuple[str, ...]) -> None:
    said = orgs.run(*words)
    assert said.code == 2, said
    assert "nope" in said.out + said.err
    assert len(said.err.splitlines()) <= 2
