from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from ddsnap.sandbox import Sandbox, SandboxOrg

if TYPE_CHECKING:
    from collections.abc import Iterator


class Client:
    """A plain HTTP client with one org's keys; it retries nothing."""

    def __init__(self, sandbox: Sandbox, org: SandboxOrg) -> None:
        self.sandbox = sandbox
        self.org = org
        self.session = requests.Session()
        self.session.headers["DD-API-KEY"] = org.api_key
        self.session.headers["DD-APPLICATION-KEY"] = org.app_key

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        options.setdefault("timeout", 10)
        if body is not None:
            options["json"] = body
        return self.session.request(method, self.sandbox.url + path, **options)

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        answer = self.send(method, path, body, **options)
        return answer.status_code, answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return body


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running
        assert running.crashes == []


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    made = Client(sandbox, sandbox.add_org("us1"))
    with made.session:
        yield made


@pytest.fixture
def seeded(sandbox: Sandbox) -> Iterator[Client]:
    made = Client(sandbox, sandbox.add_org("grown", seed=11, size=300))
    with made.session:
        yield made
