"""A session that nobody has patience with any more: what waits is given up, the rest goes on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.api.patience import Withheld
from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.api.session import Session

ROUTE = "/api/v1/thing/{id}"
FULL = {"X-RateLimit-Limit": "10", "X-RateLimit-Period": "900", "X-RateLimit-Reset": "900"}
LIMITED = {**FULL, "X-RateLimit-Remaining": "0"}


def ask(session: Session, method: str = "GET", id_: int = 7) -> Any:
    return session.request(method, ROUTE, f"/api/v1/thing/{id_}")


def once(session: Session, condition: Callable[[], object]) -> None:
    """Stop the waiting as soon as something holds; the requests that wait do so in real time."""

    def watch() -> None:
        while not condition():
            time.sleep(0.01)
        session.stop_waiting()

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_a_limit_refused_is_given_up(server, say, connect, method) -> None:
    server.script = lambda _: say(429, None, LIMITED)
    session = connect(clock=time.monotonic, sleep=None)
    once(session, lambda: server.heard)
    with pytest.raises(Withheld) as given_up:
        ask(session, method)
    assert given_up.value.status == 429
    assert "the rate limit refused it" in given_up.value.message
    assert f"({method} /api/v1/thing/7" in given_up.value.message


def test_what_is_paced_is_not_even_sent(server, say, connect) -> None:
    server.script = [say(body={}, headers=LIMITED)]
    session = connect(clock=time.monotonic, sleep=None)
    ask(session)
    once(session, lambda: True)
    with pytest.raises(Withheld) as given_up:
        ask(session, "GET")
    assert given_up.value.status == 0
    assert len(server.heard) == 1
    assert session.hurried


def test_what_need_not_wait_is_still_sent(server, say, connect) -> None:
    server.script = [say(body={}), say(body={"id": 2})]
    session = connect()
    ask(session)
    session.stop_waiting()
    assert ask(session, "POST").body == {"id": 2}


def test_what_is_under_way_is_answered(server, say, connect) -> None:
    session = connect()

    def answer(_: Any) -> Any:
        session.stop_waiting()
        return say(body={"id": 1})

    server.script = answer
    assert ask(session, "POST").body == {"id": 1}


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_failure_is_not_tried_again_and_told_as_it_was(server, say, connect, method) -> None:
    """It may have had its effect, which a request that was withheld has not."""
    server.script = lambda _: say(503)
    session = connect(clock=time.monotonic, sleep=None)
    once(session, lambda: server.heard)
    with pytest.raises(ApiError, match="503") as failed:
        ask(session, method)
    assert not isinstance(failed.value, Withheld)
    assert failed.value.status == 503


def test_a_write_that_failed_before_a_limit_refused_it_is_not_withheld(
    server, say, connect
) -> None:
    answers = iter([say(503), say(429, None, LIMITED)])
    session = connect()

    def answer(_: Any) -> Any:
        said = next(answers)
        if said.status == 429:
            session.stop_waiting()
        return said

    server.script = answer
    with pytest.raises(ApiError, match="503") as failed:
        ask(session, "PUT")
    assert not isinstance(failed.value, Withheld)


def test_who_is_patient_waits_all_the_same(server, say, connect, clock) -> None:
    server.script = [say(429, None, LIMITED), say(body={"id": 3})]
    session = connect()
    session.stop_waiting()
    with session.patiently():
        assert ask(session, "POST").body == {"id": 3}
    assert clock.time - 1000 >= 900
    server.script = [say(429, None, LIMITED)]
    with pytest.raises(Withheld):
        ask(session, "POST")


def test_closing_wakes_the_patient_too(server, say, connect) -> None:
    server.script = lambda _: say(429, None, LIMITED)
    session = connect(clock=time.monotonic, sleep=None)
    threading.Timer(0.1, session.close).start()
    with session.patiently(), pytest.raises(Withheld):
        ask(session)
