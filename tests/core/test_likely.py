"""What a creation of which no intent is known would have said."""

from __future__ import annotations

from datetime import datetime, timezone

from ddsnap.catalog import CATALOG
from ddsnap.core.likely import likely_sent
from ddsnap.core.values import Address, Document

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


def likely(name, body, ids=(), *, quiet=False, exact=True):
    known = {Address.parse(one): id_ for one, id_ in dict(ids).items()}
    document = Document(Address(name, str(body["id"])), body)
    return likely_sent(document, known, CATALOG, NOW, quiet=quiet, exact=exact)


BOTH = {"id": 3, "type": "composite", "name": "both", "query": "1 && 2", "tags": ["a:b"]}


def test_it_is_in_the_destinations_ids_and_without_what_is_bound_to_an_org():
    ids = {"monitors/1": "11", "monitors/2": "12"}
    assert likely("monitors", BOTH, ids) == {
        "type": "composite",
        "name": "both",
        "query": "11 && 12",
        "tags": ["a:b"],
    }


def test_it_waits_for_what_it_refers_to():
    assert likely("monitors", BOTH, {"monitors/1": "11"}) is None


def test_in_a_circle_what_refers_to_something_fits_anything():
    assert likely("monitors", BOTH, exact=False)["query"] is None


def test_of_a_quiet_run_it_is_quiet():
    plain = {"id": 1, "type": "metric alert", "name": "n", "query": "q", "tags": ["a:b"]}
    assert likely("monitors", plain, quiet=True)["tags"] == ["a:b", "migration:true"]


def test_of_what_later_requests_write_it_says_nothing():
    told = {"id": 5, "name": "mine", "dashboards": [{"id": "abc", "type": "custom_timeboard"}]}
    assert likely("dashboard_lists", told, {"dashboards/abc": "xyz"}) == {"name": "mine"}


def test_a_downtime_begins_when_it_was_made():
    schedule = {"start": "2026-01-01T00:00:00+00:00", "end": "2099-01-01T00:00:00+00:00"}
    body = {"id": "d", "type": "downtime", "attributes": {"scope": "*", "schedule": schedule}}
    sent = likely("downtime_schedules", body)
    assert sent["attributes"]["schedule"] == {"end": "2099-01-01T00:00:00+00:00"}


def test_what_no_api_creates_said_nothing():
    assert likely("logs_indexes_order", {"id": "order", "index_names": []}) is None
