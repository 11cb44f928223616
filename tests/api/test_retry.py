from __future__ import annotations

from email.utils import formatdate

import pytest
from requests.structures import CaseInsensitiveDict

from ddsnap.api.retry import Failure, Policy, Spent, backoff, hinted, may_repeat

NOW = 1_800_000_000.0


def pause(
    status: int = 0,
    headers: dict[str, str] | None = None,
    *,
    method: str = "GET",
    attempts: int = 1,
    seconds: float = 0.0,
    limited: float = 0.0,
    reached: bool = True,
    policy: Policy | None = None,
) -> float | None:
    return (policy or Policy()).pause(
        method,
        Failure("it failed", status, reached=reached),
        CaseInsensitiveDict(headers or {}),
        Spent(attempts, seconds, limited),
        now=NOW,
        draw=lambda: 0.5,
    )


@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 501, 502, 503, 504, 512, 599])
def test_reads_are_repeated_after_what_may_pass(status: int) -> None:
    wait = pause(status)
    assert wait is not None
    assert wait > 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_refusals_are_final(status: int) -> None:
    assert pause(status) is None


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("status", [0, 408, 500, 502, 503, 504, 512])
def test_a_write_that_may_have_had_its_effect_is_not_repeated(method: str, status: int) -> None:
    assert pause(status, method=method) is None
    assert Failure("x", status).uncertain


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_write_that_had_no_effect_is_repeated(method: str) -> None:
    assert pause(429, method=method) is not None
    assert pause(0, method=method, reached=False) is not None
    assert not Failure("x", 429).uncertain
    assert not Failure("x", 0, reached=False).uncertain


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_that_can_be_done_twice_is_repeated(method: str) -> None:
    assert pause(503, method=method) is not None
    assert pause(0, method=method) is not None


def test_what_lasts_is_not_repeated() -> None:
    assert not may_repeat("GET", Failure("certificate refused", reached=False, lasting=True))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": "90"}, 90.0),
        ({"x-ratelimit-reset": "7.5"}, 7.5),
        ({"X-RateLimit-Reset": "7.5", "Retry-After": "9"}, 7.5),
        ({"Retry-After": "9"}, 9.0),
        ({"Retry-After": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"Retry-After": formatdate(NOW - 30, usegmt=True)}, 0.0),
        ({"Retry-After": formatdate(NOW + 30).replace("+0000", "-0000")}, 30.0),
        ({"X-RateLimit-Reset": "-3"}, 0.0),
        ({"X-RateLimit-Reset": str(int(NOW) + 12)}, 12.0),
        ({"X-RateLimit-Reset": "nan", "Retry-After": "4"}, 4.0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"Retry-After": "tomorrow"}, None),
        ({}, None),
    ],
)
def test_the_server_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert hinted(CaseInsensitiveDict(headers), NOW, limited=True) == seconds


def test_the_reset_of_a_limit_is_no_reason_to_wait_after_an_overload() -> None:
    headers = CaseInsensitiveDict({"X-RateLimit-Reset": "50"})
    assert hinted(headers, NOW, limited=False) is None
    assert pause(503, {"Retry-After": "17", "X-RateLimit-Reset": "50"}) == 17.5


def test_a_hint_is_never_waited_short() -> None:
    assert pause(429, {"X-RateLimit-Reset": "90"}) == 90.5
    assert pause(429, {"Retry-After": formatdate(NOW - 5, usegmt=True)}) == 0.5


def test_without_a_hint_the_pause_grows_and_is_never_nothing() -> None:
    waits = [backoff(429, attempt, draw=0.0) for attempt in range(1, 9)]
    assert waits == sorted(waits)
    assert waits[0] > 0
    assert backoff(429, 3, 0.0) < backoff(429, 3, 1.0)
    assert max(backoff(500, attempt, 1.0) for attempt in range(1, 5000)) == 60


@pytest.mark.parametrize("status", [502, 503, 504, 512])
def test_overload_gets_a_longer_pause(status: int) -> None:
    assert backoff(status, 1, 0.5) >= 3 * backoff(500, 1, 0.5)


def test_retries_are_bounded() -> None:
    assert pause(503, attempts=8) is not None
    assert pause(503, attempts=9) is None
    assert pause(503, attempts=1, policy=Policy(retries=0)) is None


def test_a_server_that_fails_by_itself_gets_fewer_tries() -> None:
    assert pause(500, attempts=4) is not None
    assert pause(500, attempts=5) is None


def test_the_total_bounds_the_tries() -> None:
    assert pause(503, {"Retry-After": "100"}, seconds=850) is None
    assert pause(503, {"Retry-After": "20"}, seconds=850) is not None


def test_a_limit_is_waited_out_for_one_period_even_beyond_the_total() -> None:
    short = Policy(total=60)
    assert pause(429, {"X-RateLimit-Reset": "90"}, policy=short) is None
    hourly = {"X-RateLimit-Reset": "3000", "X-RateLimit-Period": "3600"}
    assert pause(429, hourly, policy=short) == 3000.5
    assert pause(429, hourly, policy=short, limited=3000) is None


def test_waits_for_a_limit_leave_the_total_alone() -> None:
    assert pause(429, {"X-RateLimit-Reset": "90"}, seconds=890) == 90.5
