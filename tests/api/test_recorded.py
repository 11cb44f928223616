"""Recorded answers of the real service, where they are at hand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ddsnap.api.items import is_ours, place_parent, unwrapped
from ddsnap.api.pages import items_of
from ddsnap.api.problems import explain
from ddsnap.catalog import CATALOG
from ddsnap.core.normalize import id_of
from ddsnap.core.routes import endpoints

FOLDER = os.environ.get("DDSNAP_CONTRACT_DATA", "")

pytestmark = pytest.mark.skipif(not FOLDER, reason="DDSNAP_CONTRACT_DATA is not set")


def recorded(pattern: str) -> list[tuple[Path, dict[str, Any]]]:
    paths = sorted(Path(FOLDER).glob(f"samples/{pattern}"))
    return [(path, json.loads(path.read_text())) for path in paths]


def test_every_error_is_explained() -> None:
    samples = recorded("*/error-*.json")
    assert samples
    for path, sample in samples:
        said = explain(sample["status"], sample["response"])
        assert said, path
        assert len(said) <= 300, path
        assert "\n" not in said, path
        assert ("no explanation" in said) == (not sample["response"]), path


@pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)
def test_the_items_of_every_page_are_found_and_have_ids(type_) -> None:
    for path, sample in recorded(f"{type_.name}/list_page-*.json"):
        items = items_of(sample["response"], type_.items)
        assert items, path
        parent = sample["request"]["path"].split("/")[4] if type_.parent else ""
        for item in items:
            assert isinstance(is_ours(type_, item), bool)
            assert id_of(type_, place_parent(type_, item, parent)), path


@pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)
def test_every_single_answer_is_unwrapped(type_) -> None:
    for path, sample in recorded(f"{type_.name}/get-*.json"):
        asked = sample["request"]["path"]
        at = next((at for at in endpoints(type_, None) if _asks(at.path, asked)), None)
        assert id_of(type_, unwrapped(sample["response"], at.envelope if at else type_.envelope)), (
            path
        )


def _asks(template: str, path: str) -> bool:
    """Whether ``path`` is a path of this template."""
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None
