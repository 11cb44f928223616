from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from orgs import make_backup

from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orgs import Backup


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def backup(sandbox: Sandbox, tmp_path: Path) -> Backup:
    """A seeded org of a hundred resources, not captured yet."""
    return make_backup(sandbox, sandbox.add_org("us1", seed=7, size=100), tmp_path / "backup")


@pytest.fixture
def empty(sandbox: Sandbox, tmp_path: Path) -> Backup:
    """A fresh org, not captured yet."""
    return make_backup(sandbox, sandbox.add_org("new"), tmp_path / "empty")


@pytest.fixture
def seeded(sandbox: Sandbox, tmp_path: Path) -> Callable[[str, int, int], Backup]:
    """Make a seeded org by name, seed and size."""

    def make(name: str, seed: int, size: int) -> Backup:
        return make_backup(sandbox, sandbox.add_org(name, seed=seed, size=size), tmp_path / name)

    return make
