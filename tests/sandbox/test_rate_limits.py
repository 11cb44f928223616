from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ddsnap.sandbox.limits import RateLimit

if TYPE_CHECKING:
    from conftest import Client


def test_beyond_the_limit_429_with_the_headers_of_every_answer(client: Client) -> None:
    client.sandbox.faults.limit("us1", 2, 600, name="roles_list", path="/roles")
    answers = [client.send("GET", "/api/v2/roles") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    for answer in answers:
        assert answer.headers["X-RateLimit-Limit"] == "2"
        assert answer.headers["X-RateLimit-Period"] == "600"
        assert answer.headers["X-RateLimit-Name"] == "roles_list"
        assert 1 <= int(answer.headers["X-RateLimit-Reset"]) <= 600
    assert client.send("GET", "/api/v2/users").status_code == 200


def test_a_limit_holds_for_one_org_and_can_be_lifted(client: Client) -> None:
    client.sandbox.faults.limit("other", 0, 600)
    assert client.send("GET", "/api/v2/roles").status_code == 200
    client.sandbox.faults.limit("us1", 0, 600)
    assert client.send("GET", "/api/v2/roles").status_code == 429
    client.sandbox.faults.clear()
    assert "X-RateLimit-Limit" not in client.send("GET", "/api/v2/roles").headers


def test_a_write_beyond_the_limit_does_nothing(client: Client) -> None:
    client.sandbox.faults.limit("us1", 0, 600)
    body = {"name": "new", "filter": {"query": "*"}}
    assert client.ask("POST", "/api/v1/logs/config/indexes", body)[0] == 429
    assert "new" not in client.org.resources("logs_indexes")


def test_periods_follow_the_calendar() -> None:
    limit = RateLimit(1, 0.2, "short")
    assert limit.spend()
    time.sleep(0.2 - time.time() % 0.2 + 0.01)
    assert limit.spend()
