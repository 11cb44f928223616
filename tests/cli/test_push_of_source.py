"""``replay --push``: whoever clones the remote can plan the same, for it has the source too."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from orgs import git
from pairs import Pair, pair
from runners import make_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        hub = make_hub(tmp_path / "hub")
        made.git("remote", "add", "origin", hub.as_uri())
        made.us1.monitor("load")
        made.capture()
        yield made


def tips(orgs: Pair) -> tuple[str, str]:
    """Where the branch of us1's snapshots is, here and at the remote."""
    there = git(orgs.path.parent / "hub", "for-each-ref", "--format=%(objectname)", BRANCH)
    return orgs.git("rev-parse", BRANCH).strip(), there.strip()


BRANCH = "refs/heads/snapshots/us1"
REPLAY = ("replay", "us1", "--to", "eu1", "--yes", "--live")


def test_the_source_goes_along_and_another_clone_can_plan(orgs: Pair, tmp_path: Path) -> None:
    assert orgs.run(*REPLAY).code == 0
    assert tips(orgs)[1] == ""
    assert orgs.run(*REPLAY, "--push").code == 0
    here, there = tips(orgs)
    assert here == there
    git(tmp_path, "clone", "--quiet", "--no-checkout", str(tmp_path / "hub"), "clone")
    shutil.copy(orgs.path / "ddsnap.yaml", tmp_path / "clone")
    said = replace(orgs, path=tmp_path / "clone").run(*REPLAY)
    assert (said.code, said.sent) == (0, []), said
    assert "unchanged" in said.out


def test_one_that_has_diverged_is_told_and_never_forced(orgs: Pair) -> None:
    assert orgs.run(*REPLAY, "--push").code == 0
    tree = orgs.git("rev-parse", "snapshots/us1^{tree}").strip()
    other = orgs.git(
        "-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", tree, "-m", "other"
    ).strip()
    git(orgs.path, "push", "--quiet", "--force", "origin", f"{other}:{BRANCH}")
    commit = orgs.git("rev-parse", "--short=12", "snapshots/us1").strip()
    said = orgs.run("replay", commit, "--to", "eu1", "--yes", "--live", "--push")
    assert said.code == 0, said
    assert "snapshots/us1 was not pushed: it has diverged" in said.err
    assert tips(orgs)[1] == other
