from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from ddsnap.api.session import LostAnswer, Session
from ddsnap.api.transport import Timeouts
from ddsnap.errors import ApiError, AuthError, DdsnapError, ExitCode, UsageError

Connect = Callable[..., Session]
ROUTE = "/api/v1/thing/{id}"
PATH = "/api/v1/thing/7"


def ask(session: Session, method: str = "GET", **options: Any) -> Any:
    return session.request(method, ROUTE, PATH, **options)


def test_a_request_carries_the_keys_in_headers_and_nowhere_else(server, say, connect) -> None:
    server.script = [say(body={"id": 7}, headers={"X-Thing": "yes"})]
    answer = ask(connect(user_agent_run_id="r1"), query={"page[size]": "5", "q": "a&b ü"})
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (200, {"id": 7}, "yes")
    (heard,) = server.heard
    assert heard.headers["DD-API-KEY"] == "api-k3y"
    assert heard.headers["DD-APPLICATION-KEY"] == "app-k3y"
    assert heard.headers["User-Agent"].startswith("ddsnap/")
    assert "r1" in heard.headers["User-Agent"]
    assert heard.query == {"page[size]": "5", "q": "a&b ü"}
    assert "k3y" not in heard.path + str(heard.query)


def test_a_body_is_sent_as_json(server, say, connect) -> None:
    server.script = [say(201, {"id": 8})]
    assert ask(connect(), "POST", body={"name": "ü", "n": 2**70}).status == 201
    (heard,) = server.heard
    assert json.loads(heard.body) == {"name": "ü", "n": 2**70}
    assert heard.headers["Content-Type"] == "application/json"


def test_an_empty_answer_has_no_body(server, say, connect) -> None:
    server.script = [say(204), say(200)]
    session = connect()
    assert ask(session, "DELETE").body is None
    assert ask(session).body is None


def test_integers_of_any_size_survive(server, say, connect) -> None:
    server.script = [say(body=b'{"id": 123456789012345678901234567890}')]
    assert ask(connect()).body == {"id": 123456789012345678901234567890}


def test_a_rate_limit_is_waited_out_twice(server, say, connect, clock) -> None:
    limited = say(429, {"errors": ["slow"]}, {"X-RateLimit-Reset": "90"})
    server.script = [limited, limited, say(body={})]
    ask(connect())
    assert len(server.heard) == 3
    assert clock.time - 1000 >= 180
    assert len([wait for wait in clock.slept if wait >= 90]) == 2


@pytest.mark.parametrize(
    ("headers", "least"), [({"X-RateLimit-Reset": "7.5"}, 7.5), ({"Retry-After": "9"}, 9.0)]
)
def test_the_wait_is_what_the_server_asks_for(server, say, connect, clock, headers, least) -> None:
    server.script = [say(429, None, headers), say(body={})]
    ask(connect())
    assert least <= clock.time - 1000 <= least + 2


def test_a_bare_429_is_not_hammered(server, say, connect, clock) -> None:
    server.script = [say(429), say(429), say(body={})]
    ask(connect())
    assert clock.slept[0] > 0


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 512])
def test_a_read_survives_a_passing_failure(server, say, connect, status) -> None:
    server.script = [say(status), say(status), say(body={"ok": True})]
    assert ask(connect()).body == {"ok": True}


def test_a_lasting_failure_ends_with_the_servers_own_words(server, say, connect) -> None:
    server.script = lambda _: say(500, {"errors": ["it is broken"]})
    with pytest.raises(ApiError, match=r"HTTP 500: it is broken \(GET /api/v1/thing/7\)") as error:
        ask(connect())
    assert error.value.status == 500
    assert len(server.heard) == 5


def test_retries_can_be_turned_off(server, say, connect) -> None:
    server.script = [say(503)]
    with pytest.raises(ApiError, match="HTTP 503"):
        ask(connect(retries=0))


@pytest.mark.parametrize("how", ["reset", "cut"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_lost_connection_is_tried_again(server, say, connect, method, how) -> None:
    server.script = [say(body={"some": "text"}, how=how), say(body={"ok": True})]
    assert ask(connect(), method).body == {"ok": True}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "fault",
    [
        {"how": "reset"},
        {"how": "cut"},
        {"status": 504},
        {"body": b'{"id": 1'},
        {"headers": {"Content-Length": "1"}},
    ],
)
def test_a_write_that_may_have_happened_is_sent_once(server, say, connect, method, fault) -> None:
    server.script = [say(**{"body": {"id": 1}, **fault}), say(body={})]
    with pytest.raises(LostAnswer):
        ask(connect(), method, body={"name": "x"})
    assert len(server.heard) == 1


def test_a_write_that_a_limit_refused_is_sent_again(server, say, connect) -> None:
    server.script = [say(429, None, {"Retry-After": "1"}), say(200, {"id": 1})]
    assert ask(connect(), "POST", body={}).body == {"id": 1}


def test_a_refused_write_is_no_lost_answer(server, say, connect) -> None:
    server.script = [say(400, {"errors": ["no name"]})]
    with pytest.raises(ApiError, match="no name") as error:
        ask(connect(), "POST", body={})
    assert not isinstance(error.value, LostAnswer)


def test_a_server_that_is_not_there_is_named_without_an_address(connect, server, clock) -> None:
    session = connect(url="http://127.0.0.1:9")
    with pytest.raises(ApiError, match=r"connection failed: .*refused") as error:
        ask(session, "POST", body={})
    assert not isinstance(error.value, LostAnswer)
    assert error.value.status == 0
    assert len(clock.slept) == 8
    assert "0x" not in error.value.message


def test_a_body_that_stalls_is_given_up(server, say, connect) -> None:
    server.script = [say(body={"a": 1}, how="stall")]
    session = connect(timeouts=Timeouts(read=0.1), retries=0)
    began = time.monotonic()
    with pytest.raises(ApiError, match="timeout: "):
        ask(session)
    assert time.monotonic() - began < 2


def test_a_trickle_cannot_outlast_the_total(server, say, connect) -> None:
    server.script = [say(body={"a": "b" * 500}, how="trickle")]
    session = connect(timeouts=Timeouts(read=5, total=1), retries=0, clock=time.monotonic)
    began = time.monotonic()
    with pytest.raises(ApiError, match=r"timeout: .*too slowly"):
        ask(session)
    assert time.monotonic() - began < 3


def test_refused_keys_end_everything_at_once(server, say, connect) -> None:
    server.script = [say(401, {"errors": ["Unauthorized"]})]
    with pytest.raises(AuthError, match="Unauthorized") as error:
        ask(connect())
    assert error.value.status == 401
    assert error.value.code == ExitCode.FAILED
    assert len(server.heard) == 1


def test_expected_statuses_are_answers(server, say, connect) -> None:
    server.script = [say(404, {"errors": ["gone"]}), say(410, b"plain"), say(404)]
    session = connect()
    assert ask(session, expect=(404,)).body == {"errors": ["gone"]}
    assert ask(session, expect=(410,)).body == "plain"
    with pytest.raises(ApiError, match="HTTP 404"):
        ask(session)


@pytest.mark.parametrize("status", [200, 404])
def test_a_page_for_people_is_no_answer(server, say, connect, status) -> None:
    page = b"<!doctype html><title>Log in</title>"
    server.script = [say(status, page, {"Content-Type": "text/html"})]
    with pytest.raises(ApiError, match="Log in") as error:
        ask(connect(), expect=(404,))
    assert error.value.status == status


def test_a_text_about_html_is_an_answer(server, say, connect) -> None:
    server.script = [say(body={"text": "<html><title>x</title>"})]
    assert ask(connect()).body == {"text": "<html><title>x</title>"}


def test_redirects_are_not_followed(server, say, connect) -> None:
    server.script = [say(302, None, {"Location": "https://elsewhere.example/x?y"})]
    with pytest.raises(ApiError, match=r"HTTP 302: redirected to elsewhere\.example"):
        ask(connect())
    assert len(server.heard) == 1


def test_cookies_are_not_kept(server, say, connect) -> None:
    server.script = [say(body={}, headers={"Set-Cookie": "a=b; Path=/"}), say(body={})]
    session = connect()
    ask(session)
    ask(session)
    assert "Cookie" not in server.heard[1].headers


def test_connections_are_reused(server, say, connect) -> None:
    server.script = lambda _: say(body={"a": "b" * 100_000})
    session = connect()
    for _ in range(5):
        ask(session)
    assert server.connections == 1


def test_no_key_stands_in_a_message(server, say, connect) -> None:
    server.script = [say(403, {"errors": ["the key app-k3y of api-k3y may not"]})]
    with pytest.raises(ApiError) as error:
        ask(connect())
    assert "k3y" not in error.value.message + error.value.hint
    assert "permission" in error.value.hint


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel", "a\x00b"])
def test_a_key_that_cannot_be_one_is_refused_unseen(key: str) -> None:
    with pytest.raises(UsageError) as error:
        Session("https://api.datadoghq.com", key, "app")
    assert not key.strip() or key not in error.value.message


def test_keys_are_not_sent_to_unnamed_hosts() -> None:
    with pytest.raises(UsageError, match=r"example\.com"):
        Session("https://example.com", "a", "b")
    Session("https://example.com", "a", "b", allowed_hosts=["example.com"]).close()


@pytest.mark.parametrize(
    "request_",
    [
        {"body": {"a": [{"$ddsnap": {"secret": True}}]}},
        {"body": {"a": "text with $ddsnap inside"}},
        {"query": {"q": "$ddsnap"}},
    ],
)
def test_the_reserved_member_is_never_sent(server, connect, request_) -> None:
    with pytest.raises(DdsnapError, match="own"):
        ask(connect(), "POST", **request_)
    assert server.heard == []


def test_the_reserved_member_is_never_part_of_a_path(server, connect) -> None:
    with pytest.raises(DdsnapError, match="own"):
        connect().request("GET", "/x/{id}", "/x/%24ddsnap")
    assert server.heard == []


def test_traffic_is_counted_by_route(server, say, connect) -> None:
    server.script = [say(429, None, {"Retry-After": "2"}), say(503), say(body={}), say(body={})]
    session = connect()
    ask(session)
    session.request("PUT", ROUTE, "/api/v1/thing/8")
    counted = session.counters
    assert list(counted) == ["GET /api/v1/thing/{id}", "PUT /api/v1/thing/{id}"]
    read = counted["GET /api/v1/thing/{id}"]
    assert (read.requests, read.retries, read.limited) == (3, 2, 1)
    assert read.waited > 4
    assert counted["PUT /api/v1/thing/{id}"].requests == 1


def test_a_limit_holds_for_all_routes_that_share_it(server, say, connect, clock) -> None:
    used_up = {
        "X-RateLimit-Name": "things",
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Period": "30",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "30",
    }
    fresh = {**used_up, "X-RateLimit-Remaining": "2"}
    server.script = [say(body={}, headers=fresh), say(body={}, headers=used_up), say(body={})]
    session = connect()
    ask(session)
    session.request("GET", "/other", "/other")
    assert clock.time == 1000
    ask(session)
    assert 1030 <= clock.time <= 1032


def test_map_keeps_the_order_and_a_window(server, say, connect) -> None:
    taken: list[int] = []

    def numbers():
        for number in range(50):
            taken.append(number)
            yield number

    session = connect(concurrency=3)
    results = session.map(lambda number: (time.sleep(0.002), number)[1], numbers())
    assert next(results) == 0
    assert len(taken) == 6
    assert list(results) == list(range(1, 50))


def test_map_works_in_several_threads(connect) -> None:
    barrier = threading.Barrier(4, timeout=5)
    session = connect(concurrency=4)
    assert list(session.map(lambda _: barrier.wait() >= 0, range(4))) == [True] * 4


def test_map_raises_what_was_raised(connect) -> None:
    def fail(number: int) -> int:
        if number == 2:
            raise ApiError("two")
        return number

    session = connect(concurrency=2)
    with pytest.raises(ApiError, match="two"):
        list(session.map(fail, range(5)))


def test_closing_wakes_who_waits(server, say, connect) -> None:
    server.script = lambda _: say(429, None, {"X-RateLimit-Reset": "60"})
    session = connect(clock=time.monotonic, sleep=None)
    results = session.map(lambda _: ask(session), range(2))
    threading.Timer(0.2, session.close).start()
    began = time.monotonic()
    with pytest.raises(ApiError, match="the run is ending"):
        list(results)
    assert time.monotonic() - began < 5


def test_after_closing_nothing_is_sent(server, connect) -> None:
    session = connect()
    session.close()
    with pytest.raises(ApiError, match="ending"):
        ask(session)
    assert server.heard == []


def test_certificates_and_proxies_come_from_the_environment(monkeypatch, tmp_path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "datadoghq.eu")
    with Session("https://api.datadoghq.com", "a", "b") as session:
        transport = session._transport
        assert transport._verify == str(bundle)
        assert transport._proxies["https"] == "http://proxy.example:3128"
    with Session("https://api.datadoghq.eu", "a", "b") as session:
        assert not session._transport._proxies


def test_certificates_that_are_not_there_are_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(UsageError, match=r"REQUESTS_CA_BUNDLE names .*none\.pem"):
        Session("https://api.datadoghq.com", "a", "b")


def test_loopback_is_never_reached_through_a_proxy(monkeypatch, server, say, connect) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.script = [say(body={"ok": True})]
    assert ask(connect(retries=0)).body == {"ok": True}


@pytest.mark.parametrize("error", [TimeoutError(), requests.Timeout(), OSError()])
def test_an_error_without_words_is_told_by_its_kind(connect, monkeypatch, error) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    session = connect(retries=0)
    monkeypatch.setattr("urllib3.HTTPConnectionPool.urlopen", fail)
    with pytest.raises(ApiError) as caught_:
        ask(session)
    assert type(error).__name__ in caught_.value.message
    assert ("timeout: " in caught_.value.message) is (type(error) is not OSError)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_what_must_be_concealed_is_in_no_error(server, say, connect, method) -> None:
    said = "the password hunter2-canary of reader is too short"
    server.script = [say(500, {"errors": [said]})] * 9
    session = connect()
    session.conceal(["hunter2-canary"])
    with pytest.raises(ApiError, match=r"the password \*\*\* of reader") as caught_:
        ask(session, method, body={"password": "hunter2-canary"})
    assert "hunter2" not in repr(caught_.value)
