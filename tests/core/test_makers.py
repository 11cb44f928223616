"""Who made a resource and when, in all the forms in which the API tells it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.makers import made_at, may_be_by

MOMENT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc).timestamp()
ME = ("u-1", "me@e.example")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("dashboards", {"created_at": "2026-03-01T12:00:00.000000+00:00"}),
        ("monitors", {"created": "2026-03-01T12:00:00Z"}),
        ("service_level_objectives", {"created_at": int(MOMENT)}),
        ("notebooks", {"attributes": {"created": "2026-03-01T13:00:00+01:00"}}),
        ("synthetics_private_locations", {"createdAt": "2026-03-01T12:00:00Z"}),
    ],
)
def test_when_it_was_made_is_read_in_any_form(name, body):
    assert made_at(CATALOG[name], body) == MOMENT


@pytest.mark.parametrize("value", [None, True, "", "lately", {}])
def test_what_is_no_time_tells_nothing(value):
    assert made_at(CATALOG["dashboards"], {"created_at": value}) is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("dashboards", {"author_handle": "me@e.example"}),
        ("monitors", {"creator": {"email": "me@e.example", "id": 12}}),
        ("downtime_schedules", {"relationships": {"created_by": {"data": {"id": "u-1"}}}}),
        ("logs_pipelines", {}),
    ],
)
def test_what_it_made_or_nobody_tells_may_be_its(name, body):
    assert may_be_by(CATALOG[name], body, ME)


def test_what_another_made_is_not_unless_its_own_names_are_unknown():
    body = {"author_handle": "other@e.example"}
    assert not may_be_by(CATALOG["dashboards"], body, ME)
    assert may_be_by(CATALOG["dashboards"], body, ())
