from __future__ import annotations

import gzip
import json
import socket
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from ddsnap.errors import DdsnapError, UsageError
from ddsnap.sandbox import Sandbox
from ddsnap.sandbox.answers import NO_CONTENT
from ddsnap.sandbox.router import Route, Router

if TYPE_CHECKING:
    from conftest import Client


@pytest.mark.parametrize(
    ("api_key", "app_key", "status", "text"),
    [
        ("", "", 401, "Unauthorized"),
        ("sandbox-api-us1", "", 401, "Unauthorized"),
        ("", "sandbox-app-us1", 401, "Unauthorized"),
        ("wrong", "sandbox-app-us1", 403, "Forbidden"),
        ("sandbox-api-us1", "wrong", 403, "Forbidden"),
        ("sandbox-api-us1", "sandbox-app-eu1", 403, "Forbidden"),
    ],
)
def test_keys_that_do_not_fit_are_refused(
    client: Client, api_key: str, app_key: str, status: int, text: str
) -> None:
    client.sandbox.add_org("eu1")
    keys = {"DD-API-KEY": api_key, "DD-APPLICATION-KEY": app_key}
    sent = {name: key for name, key in keys.items() if key}
    answer = requests.get(f"{client.sandbox.url}/api/v1/monitor", headers=sent, timeout=5)
    assert (answer.status_code, answer.json()) == (status, {"errors": [text]})
    assert client.sandbox.count(status=status) == 1


def test_validation_needs_the_api_key_alone(client: Client) -> None:
    keys = {"DD-API-KEY": client.org.api_key}
    answer = requests.get(f"{client.sandbox.url}/api/v1/validate", headers=keys, timeout=5)
    assert answer.json() == {"valid": True}


def test_the_org_tells_who_it_is(client: Client) -> None:
    other = client.sandbox.add_org("eu1")
    org = client.get("/api/v1/org")["orgs"][0]
    assert (org["public_id"], org["name"]) == (client.org.public_id, "us1")
    assert client.get(f"/api/v1/org/{client.org.public_id}")["org"] == org
    assert client.ask("GET", f"/api/v1/org/{other.public_id}")[0] == 404
    user = client.get("/api/v2/current_user")
    assert user["data"]["relationships"]["org"]["data"]["id"] == client.org.uuid
    assert client.org.uuid != other.uuid
    assert {item["type"] for item in user["included"]} == {"roles", "permissions", "orgs"}


def test_orgs_do_not_see_each_other(client: Client) -> None:
    client.org.load("dashboards", [{"id": "abc-def-ghi", "title": "mine"}])
    other = client.sandbox.add_org("eu1")
    keys = {"DD-API-KEY": other.api_key, "DD-APPLICATION-KEY": other.app_key}
    url = f"{client.sandbox.url}/api/v1/dashboard/abc-def-ghi"
    assert requests.get(url, headers=keys, timeout=5).status_code == 404
    assert client.get("/api/v1/dashboard/abc-def-ghi")["title"] == "mine"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/monitor/", 404),
        ("GET", "/api/v1/monitor/1/2/3", 404),
        ("PUT", "/api/v1/validate", 405),
    ],
)
def test_what_is_not_served_is_refused(client: Client, method: str, path: str, status: int) -> None:
    answered, body = client.ask(method, path)
    assert answered == status
    assert isinstance(body["errors"], list)
    assert client.sandbox.count(method, status=status) == 1


@pytest.mark.parametrize(
    ("path", "id_"),
    [
        ("dashboard%3Aabc", "dashboard:abc"),
        ("dashboard:a%2Fb", "dashboard:a/b"),
        ("dashboard:a%252Fb", "dashboard:a%2Fb"),
        ("dashboard:a+b", "dashboard:a+b"),
        ("dashboard:%C3%A9%20", "dashboard:é "),
        ("dashboard:%23%3F", "dashboard:#?"),
    ],
)
def test_a_segment_is_decoded_by_itself_and_once(client: Client, path: str, id_: str) -> None:
    assert client.get(f"/api/v2/restriction_policy/{path}")["data"]["id"] == id_


def test_a_literal_segment_wins_over_a_parameter() -> None:
    routes = [
        Route("GET", "/a/{id}", lambda _: NO_CONTENT),
        Route("GET", "/a/b", lambda _: NO_CONTENT),
        Route("GET", "/a/{id}/c", lambda _: NO_CONTENT),
    ]
    router = Router(routes)
    assert router.find("GET", "/a/b").route is routes[1]
    assert router.find("GET", "/a/b/c").params == {"id": "b"}
    assert router.find("GET", "/a/x").params == {"id": "x"}
    assert router.find("GET", "/a/").route is None
    assert not router.find("GET", "/a").known_path


@pytest.mark.parametrize("body", [b"{", b"[1,]", b"\xff"])
def test_a_body_that_is_no_json_is_refused(client: Client, body: bytes) -> None:
    assert client.send("POST", "/api/v1/monitor", data=body).status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/monitor", "/api/v1/dashboard", "/api/v2/roles",
                                  "/api/v2/users", "/api/v2/team", "/api/v1/logs/config/indexes",
                                  "/api/v2/service_accounts"])  # fmt: skip
@pytest.mark.parametrize("body", [None, [], "x", {}, {"data": 1}, {"data": {"type": "x"}}])
def test_a_body_without_what_is_required_is_refused(
    client: Client, path: str, body: object
) -> None:
    assert client.ask("POST", path, body)[0] == 400


def test_long_answers_are_compressed_for_who_accepts_it(seeded: Client) -> None:
    plain = seeded.send("GET", "/api/v1/monitor", headers={"Accept-Encoding": "identity"})
    packed = seeded.send("GET", "/api/v1/monitor", stream=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.raw.read(decode_content=False)) == plain.content
    assert "Content-Encoding" not in plain.headers


def test_connections_are_kept_alive(client: Client) -> None:
    host, _, port = client.sandbox.url.removeprefix("http://").partition(":")
    ask = f"GET /api/v1/validate HTTP/1.1\r\nHost: x\r\nDD-API-KEY: {client.org.api_key}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        for _ in range(3):
            raw.sendall(ask.encode())
            answer = b""
            while not answer.endswith(b"}"):
                answer += raw.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_sandbox_keeps_its_orgs_over_a_restart() -> None:
    sandbox = Sandbox()
    org = sandbox.add_org("us1")
    with pytest.raises(UsageError, match="not running"):
        sandbox.url  # noqa: B018
    with pytest.raises(UsageError, match="already has"):
        sandbox.add_org("us1")
    for _ in range(2):
        with sandbox:
            url = f"{sandbox.url}/api/v1/validate"
            answer = requests.get(url, headers={"DD-API-KEY": org.api_key}, timeout=5)
            assert answer.status_code == 200
    sandbox.stop()


def test_writes_are_recorded_with_their_bodies(client: Client) -> None:
    sent = {"name": "logs", "filter": {"query": "x"}}
    client.ask("POST", "/api/v1/logs/config/indexes", sent)
    client.get("/api/v1/logs/config/indexes")
    (write,) = client.sandbox.writes
    assert (write.org, write.method, write.body, write.status) == ("us1", "POST", sent, 200)
    seen = ("us1", "GET", "/api/v1/logs/config/indexes", 200)
    assert client.sandbox.requests[seen] == 1
    assert client.sandbox.count(route="/api/v1/logs/config/indexes", org="us1") == 2


def test_values_survive_as_they_are(client: Client) -> None:
    body = json.loads(
        '{"id": "abc", "n": 123456789012345678901234567890, "f": 1.0, "s": "\\ud800é"}'
    )
    client.org.load("dashboards", [body])
    assert client.send("GET", "/api/v1/dashboard/abc").json() == body
    assert client.org.resources("dashboards") == {"abc": body}


def test_a_type_that_is_not_served_cannot_be_loaded(client: Client) -> None:
    with pytest.raises(UsageError, match="does not serve nonsense"):
        client.org.load("nonsense", [])


def test_without_cheroot_the_hint_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ddsnap.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    with pytest.raises(DdsnapError) as caught:
        __import__("ddsnap.sandbox")
    assert "ddsnap[sandbox]" in caught.value.hint
