"""What moves by itself is no drift; what a person changes is."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.catalog import CATALOG
from ddsnap.core.resource_type import Catalog
from ddsnap.flows.drift import drift

if TYPE_CHECKING:
    from orgs import Backup

    from ddsnap.core.resource_type import ResourceType


def with_types(*changed: ResourceType, rules: int) -> Catalog:
    """The catalogue with some types declared differently."""
    by_name = {type_.name: type_ for type_ in changed}
    return Catalog(
        [by_name.get(type_.name, type_) for type_ in CATALOG.types],
        lookups=tuple(CATALOG.lookups.values()),
        known_refs=CATALOG.known_refs,
        rules=rules,
    )


def test_shuffled_answers_change_nothing(backup: Backup) -> None:
    backup.capture()
    tree = backup.tree()
    for seed in range(3):
        backup.org.shuffle(random.Random(seed))
        result = backup.capture()
        assert not result.committed
        assert not result.changes
    assert backup.tree() == tree


def test_states_and_counters_change_nothing(backup: Backup) -> None:
    backup.capture()
    for monitor in backup.org.resources("monitors").values():
        monitor["overall_state"] = "Alert"
        monitor["overall_state_modified"] = "2026-11-22T10:00:00+00:00"
        monitor["matching_downtimes"] = [{"id": 1}]
    for role in backup.org.resources("roles").values():
        role["attributes"]["user_count"] = 4711
    assert not backup.capture().committed


def test_shuffled_widgets_are_a_change(backup: Backup) -> None:
    backup.capture()
    dashboard = next(
        d for d in backup.org.resources("dashboards").values() if len(d["widgets"]) > 2
    )
    dashboard["widgets"].reverse()
    dashboard["modified_at"] = "2027-01-01T00:00:00.000000+00:00"
    result = backup.capture()
    assert [(c.kind, c.address.id) for c in result.changes] == [("changed", dashboard["id"])]


def test_who_and_when_alone_is_a_touch(backup: Backup) -> None:
    backup.capture()
    role = next(iter(backup.org.resources("roles").values()))
    role["attributes"]["modified_at"] = "2030-01-01T00:00:00Z"
    result = backup.capture()
    assert result.counts == {"touched": 1}
    subject = backup.git("log", "-1", "--format=%s", backup.branch).strip()
    assert subject == "capture us1: 1 touched"


def test_numbers_that_only_look_different_change_nothing(backup: Backup) -> None:
    monitor = next(
        m for m in backup.org.resources("monitors").values() if m["options"].get("thresholds")
    )
    monitor["options"]["thresholds"] = {"critical": 5}
    backup.capture()
    tree = backup.tree()
    monitor["options"]["thresholds"] = {"critical": 5.0}
    assert not backup.capture().committed
    assert backup.tree() == tree
    monitor["options"]["thresholds"] = {"critical": 5.5}
    assert backup.capture().counts == {"changed": 1}


def test_a_new_field_is_stored_and_named_once(backup: Backup) -> None:
    backup.capture()
    monitors = list(backup.org.resources("monitors").values())
    for monitor in monitors[:3]:
        monitor["zzz"] = {"enabled": True}
    result = backup.capture()
    assert result.new_fields == {"monitors": {"zzz": 3}}
    path = f"monitors/{monitors[0]['id']}.json"
    assert backup.document(path)["zzz"] == {"enabled": True}
    monitors[3]["zzz"] = {"enabled": False}
    again = backup.capture()
    assert again.counts == {"changed": 1}
    assert again.new_fields == {}


def test_newer_rules_are_no_drift(backup: Backup) -> None:
    """A type that gains a volatile field and a default: the untouched org shows no change."""
    for monitor in backup.org.resources("monitors").values():
        monitor["options"]["locked"] = False
    first = backup.capture()
    monitors = CATALOG["monitors"]
    assert "locked" in backup.document(backup.paths("monitors/")[0])["options"]
    newer = replace(
        monitors,
        volatile=(*monitors.volatile, "draft_status", "creator"),
        defaults={**monitors.defaults, "options.locked": (False,)},
    )
    backup.catalog = with_types(newer, rules=CATALOG.rules + 1)
    result = backup.capture()
    assert not result.changes
    assert not result.committed
    subjects = backup.git("log", "--format=%s", backup.branch).splitlines()
    assert subjects[0] == f"normalize us1: rules {CATALOG.rules} -> {CATALOG.rules + 1}"
    assert len(subjects) == 2
    document = backup.document(backup.paths("monitors/")[0])
    assert "creator" not in document
    assert "locked" not in document["options"]

    from ddsnap.flows.view import snapshot_view
    from ddsnap.store.repository import Repository

    with Repository.open(backup.folder) as repo:
        old = snapshot_view(repo, first.commit or "", "old")
        new = snapshot_view(repo, repo.resolve(backup.branch), "new")
        assert list(drift(old, new, backup.catalog, touched=True)) == []


def test_an_older_ddsnap_does_not_rewrite_newer_documents(backup: Backup) -> None:
    import pytest

    from ddsnap.errors import Refused

    backup.catalog = with_types(rules=CATALOG.rules + 1)
    backup.capture()
    backup.catalog = CATALOG
    with pytest.raises(Refused, match="newer ddsnap"):
        backup.capture()
    assert backup.count(backup.branch) == 1
