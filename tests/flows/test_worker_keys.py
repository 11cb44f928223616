"""The keys of a private location's worker: kept once, outside of git, for one pair of eyes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ddsnap.core.values import Address
from ddsnap.errors import UsageError
from ddsnap.flows.worker_keys import keep_keys, keys_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ddsnap.core.values import JSON

LOCATION = Address("synthetics_private_locations", "pl:Office-1a2b")
ANSWER: JSON = {
    "private_location": {"id": LOCATION.id, "name": "Office", "secrets": {"key": "canary-one"}},
    "config": {"accessKey": "canary-two", "privateKey": "canary-three"},
    "result_encryption": {"id": "x", "key": "public"},
}


def test_the_keys_are_whole_and_their_owners_alone(tmp_path: Path) -> None:
    folder = keys_folder({"XDG_STATE_HOME": str(tmp_path)}, "eu1")
    assert folder == tmp_path / "ddsnap" / "eu1"
    path = keep_keys(folder, LOCATION, ANSWER)
    assert path is not None
    assert json.loads(path.read_text()) == {
        "config": {"accessKey": "canary-two", "privateKey": "canary-three"},
        "private_location.secrets": {"key": "canary-one"},
        "result_encryption": {"id": "x", "key": "public"},
    }
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    assert keep_keys(folder, LOCATION, ANSWER) == path


def test_an_answer_without_keys_writes_nothing(tmp_path: Path) -> None:
    assert keep_keys(tmp_path, LOCATION, {"private_location": {"id": LOCATION.id}}) is None
    assert keep_keys(tmp_path, LOCATION, None) is None
    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_said_before_anything_is_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="no folder for the keys") as caught:
        keys_folder({"XDG_STATE_HOME": str(tmp_path / "file")}, "eu1")
    assert "XDG_STATE_HOME" in caught.value.hint


def test_keys_that_cannot_be_kept_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / LOCATION.type).write_text("")
    with pytest.raises(UsageError, match="cannot be kept") as caught:
        keep_keys(tmp_path, LOCATION, ANSWER)
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"
