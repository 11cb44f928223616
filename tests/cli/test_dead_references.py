"""Restoring what names something that its org has no more, or that no snapshot holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pairs import note, pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said

LATER = "2099-01-01T00:00:00+00:00"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def showing(monitor: str) -> dict[str, Any]:
    return {"type": "alert_graph", "alert_id": monitor, "viz_type": "timeseries"}


def restore(orgs: Pair, *words: str, code: int = 0) -> Said:
    said = orgs.run("restore", "us1", *words, "--yes")
    assert said.code == code, said.out + said.err
    assert orgs.run("verify").code == 0
    return said


def configure(orgs: Pair, text: str) -> None:
    path = orgs.path / "ddsnap.yaml"
    path.write_text(path.read_text() + text)


def shown_by(orgs: Pair, title: str) -> str:
    (widget,) = orgs.us1.one("dashboards", title)["widgets"]
    return str(widget["definition"]["alert_id"])


# Ways in which a snapshot comes to hold a dashboard, and nothing of the monitor on it.


def gone(orgs: Pair, monitor: str) -> None:
    orgs.us1.all("monitors").pop(monitor)


def excluded(orgs: Pair, monitor: str) -> None:
    configure(orgs, "capture: {exclude: [monitors]}\n")


def filtered(orgs: Pair, monitor: str) -> None:
    configure(orgs, "capture: {filters: [\"monitors:$[?@.name == 'other']\"]}\n")


@pytest.mark.parametrize("lose", [gone, excluded, filtered])
def test_a_dashboard_with_a_dead_widget_comes_back(orgs: Pair, lose: Any) -> None:
    made = orgs.us1.monitor("load")
    board = orgs.us1.dashboard("Board", showing(made))
    orgs.us1.monitor("other", query="avg(last_5m):avg:other{*} > 1")
    lose(orgs, made)
    orgs.capture()

    orgs.us1.all("dashboards")[board].update(title="edited", modified_at=LATER)
    assert restore(orgs, f"dashboards/{board}").sent == [f"PUT /api/v1/dashboard/{board}"]
    assert shown_by(orgs, "Board") == made

    body = orgs.us1.all("dashboards").pop(board)
    orgs.us1.org.bin[board] = {**body, "deleted_at": LATER}
    assert restore(orgs, f"dashboards/{board}").sent == ["PATCH /api/v1/dashboard"]
    assert shown_by(orgs, "Board") == made

    orgs.us1.all("dashboards").pop(board)  # for good: it comes back under another id
    restore(orgs, f"dashboards/{board}")
    assert shown_by(orgs, "Board") == made
    assert restore(orgs, f"dashboards/{board}").sent == []


def test_a_dead_name_is_told_and_does_not_hold_up_a_rollback(orgs: Pair) -> None:
    made = orgs.us1.monitor("load")
    orgs.us1.dashboard("Board", showing(made))
    gone(orgs, made)
    orgs.capture()
    kept = orgs.us1.dashboard("Kept", showing(made))
    orgs.capture()
    assert orgs.run("replay", "us1", "--to", "us1", "--yes").sent == []
    orgs.us1.all("dashboards")[kept].update(title="edited", modified_at=LATER)
    said = restore(orgs, f"dashboards/{kept}")
    assert f'monitors "{made}" stays as it is: monitors/{made} is gone' in said.out


def test_what_is_lost_with_it_is_still_brought_along(orgs: Pair) -> None:
    made = orgs.us1.monitor("load")
    board = orgs.us1.dashboard("Board", showing(made))
    orgs.capture()
    gone(orgs, made)
    orgs.us1.all("dashboards").pop(board)
    restore(orgs, f"dashboards/{board}")
    (new,) = orgs.us1.all("monitors")
    assert new != made
    assert shown_by(orgs, "Board") == new


def test_what_datadog_refuses_for_a_dead_name_fails_in_its_words(orgs: Pair) -> None:
    one = orgs.us1.monitor("one")
    other = orgs.us1.monitor("other", query="avg(last_5m):avg:other{*} > 1")
    both = orgs.us1.monitor("both", type="composite", query=f"{one} && {other}", options={})
    gone(orgs, one)
    orgs.capture()
    gone(orgs, both)
    said = restore(orgs, f"monitors/{both}", code=4)
    assert "failed" in said.out
    assert "400" in said.out


def test_nothing_opens_because_a_role_is_gone(orgs: Pair) -> None:
    role, team = orgs.us1.role("Ops"), orgs.us1.team("core")
    orgs.us1.user("ann@e.example", role)
    board = orgs.us1.dashboard("Board", restricted_roles=[role])
    bound = orgs.us1.dashboard("Bound", note("other"))
    orgs.us1.restrict(f"dashboard:{bound}", editor=[f"team:{team}"])
    orgs.us1.all("roles").pop(role)
    orgs.us1.all("teams").pop(team)
    orgs.us1.all("team_memberships").clear()
    orgs.capture()
    for one in (board, bound):
        orgs.us1.all("dashboards").pop(one)
        orgs.us1.all("restriction_policies").pop(f"dashboard:{one}", None)
        assert restore(orgs, f"dashboards/{one}", code=4).sent == []


def test_names_of_what_is_not_captured_stand_for_themselves(orgs: Pair) -> None:
    lookup = {"type": "lookup-processor", "name": "l", "is_enabled": True,
              "source": "a", "target": "b", "lookup_enrichment_table": "customers"}  # fmt: skip
    path = "/api/v1/logs/config/pipelines"
    body = {"name": "enriched", "is_enabled": True, "filter": {"query": "*"}, "processors": []}
    made = orgs.us1.post(path, body)["id"]
    orgs.us1.all("logs_pipelines")[made]["processors"] = [lookup]
    loud = orgs.us1.monitor("load", message="@slack-acme-ops")
    orgs.capture()
    orgs.us1.all("logs_pipelines")[made]["name"] = "edited"
    gone(orgs, loud)
    said = restore(orgs, f"logs_pipelines/{made}", f"monitors/{loud}")
    assert orgs.us1.all("logs_pipelines")[made]["processors"] == [lookup]
    assert orgs.us1.one("logs_pipelines", "enriched")
    assert "acme-ops" not in said.out
