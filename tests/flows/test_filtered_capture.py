"""Filters decide what is recorded, never what is gone; a narrowed run carries the rest over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddsnap.catalog import CATALOG
from ddsnap.core.select import Selection, id_filter, parse_filter
from ddsnap.errors import ExitCode
from ddsnap.flows.capture import exit_code

if TYPE_CHECKING:
    from orgs import Backup


def only(*texts: str) -> Selection:
    return Selection(tuple(parse_filter(text, CATALOG) for text in texts))


def rename(backup: Backup, count: int) -> list[dict[str, Any]]:
    """Give some monitors a name that filters can tell."""
    chosen = list(backup.org.resources("monitors").values())[:count]
    for number, monitor in enumerate(chosen):
        monitor["name"] = f"chosen {number}"
    return chosen


def test_only_what_passes_is_recorded(backup: Backup) -> None:
    chosen = rename(backup, 3)
    result = backup.capture(selection=only("monitors:$[?search(@.name, '^chosen')]"))
    assert exit_code(result) == ExitCode.DONE
    held = {f"monitors/{monitor['id']}.json" for monitor in chosen}
    assert set(backup.paths("monitors/")) == held
    assert len(backup.paths("dashboards/")) == len(backup.org.resources("dashboards"))
    assert backup.manifest().filters == ("monitors:$[?search(@.name, '^chosen')]",)
    assert backup.state("monitors") == "complete"


def test_what_no_longer_passes_has_left_the_scope(backup: Backup) -> None:
    chosen = rename(backup, 3)
    selection = only("monitors:$[?search(@.name, '^chosen')]")
    backup.capture(selection=selection)
    chosen[0]["name"] = "renamed"
    del backup.org.resources("monitors")[str(chosen[1]["id"])]
    result = backup.capture(selection=selection)
    kinds = {str(c.address.id): c.kind for c in result.changes}
    assert kinds == {str(chosen[0]["id"]): "left", str(chosen[1]["id"]): "deleted"}


def test_a_filter_that_is_new_reads_everything_anew(backup: Backup) -> None:
    backup.capture()
    total = len(backup.paths("dashboards/"))
    title = next(iter(backup.org.resources("dashboards").values()))["title"]
    result = backup.capture(selection=only(f"dashboards:$[?@.title == '{title}']"))
    left = [c for c in result.changes if c.kind == "left"]
    assert len(left) + len(backup.paths("dashboards/")) == total
    assert len(left) > 0


def test_a_narrowed_run_refreshes_what_it_names_and_carries_the_rest_over(backup: Backup) -> None:
    backup.capture()
    monitors = list(backup.org.resources("monitors").values())
    for monitor in monitors[:2]:
        monitor["message"] = "changed"
    removed = backup.org.resources("monitors").pop(str(monitors[2]["id"]))
    wanted = Selection((id_filter(str(monitors[0]["id"])),))
    result = backup.capture(narrowing=wanted, only=frozenset({"monitors"}))
    assert [(c.kind, c.address.id) for c in result.changes] == [("changed", str(monitors[0]["id"]))]
    assert f"monitors/{removed['id']}.json" in backup.paths("monitors/")
    assert exit_code(result) == ExitCode.DONE
    assert backup.state("monitors") == "complete"
    whole = backup.capture()
    assert whole.counts == {"changed": 1, "deleted": 1}


def test_a_narrowed_run_can_prove_that_what_it_names_is_gone(backup: Backup) -> None:
    backup.capture()
    id_ = next(iter(backup.org.resources("monitors")))
    del backup.org.resources("monitors")[id_]
    result = backup.capture(narrowing=Selection((id_filter(id_),)), only=frozenset({"monitors"}))
    assert [(c.kind, c.address.id) for c in result.changes] == [("deleted", id_)]


def test_a_first_run_that_is_narrowed_is_never_complete(backup: Backup) -> None:
    id_ = next(iter(backup.org.resources("monitors")))
    result = backup.capture(narrowing=Selection((id_filter(id_),)), only=frozenset({"monitors"}))
    assert backup.paths("monitors/") == [f"monitors/{id_}.json"]
    assert backup.state("monitors") == "partial"
    assert backup.state("dashboards") == "uncaptured"
    assert exit_code(result) == ExitCode.DONE
    assert len(backup.capture().changes) > 50
    assert backup.state("monitors") == "complete"
