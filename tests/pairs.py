"""Two small sandbox orgs, written to over plain HTTP, and replays from one into the other."""

from __future__ import annotations

import io
import json
import os
import subprocess
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch as patched

import requests

from ddsnap.cli.main import main
from ddsnap.config import variable
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.sandbox import SandboxOrg
    from ddsnap.sandbox.service import Write

OWNER = {"handle": "owner@e.example", "email": "owner@e.example", "name": "Owner"}
"""Who replays has a user in both orgs."""


@dataclass
class Side:
    """One org, as a client with its keys sees it."""

    sandbox: Sandbox
    org: SandboxOrg
    session: requests.Session

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request; return status and body."""
        keys = {"DD-API-KEY": self.org.api_key, "DD-APPLICATION-KEY": self.org.app_key}
        answer = self.session.request(
            method, self.sandbox.url + path, json=body, headers=keys, timeout=10
        )
        return answer.status_code, answer.json() if answer.content else None

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must succeed; return what it answers."""
        status, answer = self.ask(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    def get(self, path: str) -> Any:
        return self.send("GET", path)

    def post(self, path: str, body: Any) -> Any:
        return self.send("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.send("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self.send("DELETE", path)

    def all(self, type_name: str) -> dict[str, Any]:
        """The bodies of a type, by id; they may be changed in place."""
        return self.org.resources(type_name)

    def one(self, type_name: str, name: str) -> Any:
        """The only resource of this name or title."""
        found = [body for body in self.all(type_name).values() if name in names_of(body)]
        assert len(found) == 1, (type_name, name, len(found))
        return found[0]

    # --- a few that many tests need

    def monitor(self, name: str, **more: Any) -> str:
        body = {
            "type": "metric alert",
            "name": name,
            "query": "avg(last_5m):avg:load{*} > 1",
            "message": "text",
            "options": {"thresholds": {"critical": 1}},
            **more,
        }
        return str(self.post("/api/v1/monitor", body)["id"])

    def dashboard(self, title: str, *definitions: Any, **more: Any) -> str:
        widgets = [{"definition": one} for one in definitions or (note(title),)]
        body = {"title": title, "layout_type": "ordered", "widgets": widgets, **more}
        return str(self.post("/api/v1/dashboard", body)["id"])

    def role(self, name: str, *permissions: str) -> str:
        known = {b["attributes"]["name"]: id_ for id_, b in self.all("permissions").items()}
        data = [{"type": "permissions", "id": known[one]} for one in permissions]
        body = api("roles", {"name": name}, relationships={"permissions": {"data": data}})
        body["data"]["attributes"]["default_permissions_opt_out"] = True
        return str(self.post("/api/v2/roles", body)["data"]["id"])

    def user(self, email: str, *roles: str) -> str:
        data = [{"type": "roles", "id": one} for one in roles]
        body = api("users", {"email": email}, relationships={"roles": {"data": data}})
        return str(self.post("/api/v2/users", body)["data"]["id"])

    def service_account(self, name: str, email: str = "bot@e.example") -> str:
        body = api("users", {"email": email, "name": name, "service_account": True})
        return str(self.post("/api/v2/service_accounts", body)["data"]["id"])

    def team(self, handle: str, **more: Any) -> str:
        body = api("team", {"handle": handle, "name": handle, **more})
        return str(self.post("/api/v2/team", body)["data"]["id"])

    def join(self, team: str, user: str, role: str | None = None) -> None:
        links = {"user": {"data": {"type": "users", "id": user}}}
        body = api("team_memberships", {"role": role}, relationships=links)
        self.post(f"/api/v2/team/{team}/memberships", body)

    def slo(self, name: str, **more: Any) -> str:
        body = {
            "name": name,
            "type": "metric",
            "query": {"numerator": "sum:a{*}.as_count()", "denominator": "sum:b{*}.as_count()"},
            "thresholds": [{"timeframe": "7d", "target": 99}],
            **more,
        }
        return str(self.post("/api/v1/slo", body)["data"][0]["id"])

    def restrict(self, object_: str, **bindings: list[str]) -> None:
        """Give an object a policy: principals by relation."""
        told = [{"relation": name, "principals": who} for name, who in bindings.items()]
        body = api("restriction_policy", {"bindings": told}, id=object_)
        self.post(f"/api/v2/restriction_policy/{object_}?allow_self_lockout=true", body)

    def policy(self, object_: str) -> dict[str, list[str]]:
        """The principals of an object's policy by relation."""
        found = self.get(f"/api/v2/restriction_policy/{object_}")["data"]["attributes"]["bindings"]
        return {one["relation"]: sorted(one["principals"]) for one in found}


@dataclass(frozen=True)
class Said:
    """What a command answered, and what it sent that was no GET."""

    code: int
    out: str
    err: str
    writes: list[Write] = field(default_factory=list)

    @property
    def sent(self) -> list[str]:
        """The writes in words."""
        return [f"{write.method} {write.path}" for write in self.writes]

    def on(self, path: str, method: str = "") -> list[Write]:
        """The writes whose path holds this."""
        return [w for w in self.writes if path in w.path and method in ("", w.method)]

    def events(self, name: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in self.out.splitlines()]
        return [event for event in told if event["event"] == name]


@dataclass
class Pair:
    """``us1`` is replayed into ``eu1``, from a repository that starts with neither."""

    sandbox: Sandbox
    path: Path
    us1: Side
    eu1: Side

    def run(self, *argv: str) -> Said:
        """Run a command in this process."""
        before = len(self.sandbox.writes)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["-C", str(self.path), *argv])
        assert "Traceback" not in err.getvalue(), err.getvalue()
        assert self.sandbox.crashes == []
        return Said(code, out.getvalue(), err.getvalue(), self.sandbox.writes[before:])

    def capture(self) -> None:
        done = self.run("-q", "capture", "us1")
        assert done.code == 0, done.err
        assert done.writes == []

    def plan(self, *options: str) -> list[dict[str, Any]]:
        """Capture and plan; return the actions."""
        self.capture()
        said = self.run("--json", "plan", "us1", *options, "--to", "eu1")
        assert said.writes == []
        return said.events("action")

    def replay(self, *options: str, code: int = 0, live: bool = True) -> Said:
        """Capture and replay, as loud as the source unless ``live`` is false."""
        self.capture()
        loud = ("--live",) if live else ()
        said = self.run("replay", "us1", *options, "--to", "eu1", "--yes", *loud)
        assert said.code == code, f"{said.code}\n{said.out}\n{said.err}"
        assert {write.org for write in said.writes} <= {"eu1"}
        return said

    def settle(self, *options: str, code: int = 0, live: bool = True) -> None:
        """Replay once more: nothing is written."""
        assert self.replay(*options, code=code, live=live).sent == []

    def git(self, *words: str) -> str:
        """Run plain git, which must succeed."""
        command = ["git", "-C", str(self.path), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_record(self) -> Any:
        """What the journal says of the last run."""
        return json.loads(self.git("show", "journal/eu1:run.json"))

    def outcomes(self) -> dict[str, dict[str, Any]]:
        """What the journal says came of each resource, by title or else id."""
        lines = self.git("show", "journal/eu1:outcomes.ndjson").splitlines()
        told = [json.loads(line) for line in lines]
        return {one["title"] or one["id"]: one for one in told}

    def ids(self, type_name: str) -> dict[str, str]:
        """The map: ids at the destination by the source's."""
        told = json.loads(self.git("show", f"journal/eu1:map/us1/{type_name}.json"))
        return {id_: one["id"] for id_, one in told["ids"].items()}


@contextmanager
def pair(folder: Path, *, seed: int = 7, size: int = 0) -> Iterator[Pair]:
    """Run both orgs: ``us1`` of that many resources, ``eu1`` fresh."""
    plain = {"HOME": str(folder / "home"), "XDG_STATE_HOME": str(folder / "state")}
    cleared = ("DDSNAP_REPO", "NO_COLOR", "GIT_DIR", "DD_API_KEY", "DD_APP_KEY", "DD_SITE")
    with Sandbox() as sandbox, patched.dict(os.environ, plain), requests.Session() as session:
        for name in cleared:
            os.environ.pop(name, None)
        sides = []
        for org in (sandbox.add_org("us1", seed=seed, size=size), sandbox.add_org("eu1")):
            os.environ[variable(org.name, "api_key")] = org.api_key
            os.environ[variable(org.name, "app_key")] = org.app_key
            org.resources("users")[org.owner]["attributes"].update(OWNER)
            sides.append(Side(sandbox, org, session))
        path = folder / "backup"
        with redirect_stdout(io.StringIO()):
            assert main(["init", str(path)]) == 0
        orgs = "".join(f"  {name}: {{api_url: '{sandbox.url}'}}\n" for name in ("us1", "eu1"))
        (path / "ddsnap.yaml").write_text(f"version: 1\norgs:\n{orgs}")
        yield Pair(sandbox, path, *sides)
        assert sandbox.crashes == []


def names_of(body: dict[str, Any]) -> list[Any]:
    own = body.get("attributes", {})
    return [body.get("name"), body.get("title"), own.get("name"), own.get("handle")]


def note(text: str) -> dict[str, Any]:
    return {"type": "note", "content": text}


def api(kind: str, attributes: Any, **more: Any) -> dict[str, Any]:
    return {"data": {"type": kind, "attributes": attributes, **more}}


def probe(name: str, **more: Any) -> dict[str, Any]:
    """A test over HTTP, as its API takes it."""
    return {
        "type": "api",
        "subtype": "http",
        "name": name,
        "message": "",
        "locations": ["aws:eu-west-1"],
        "options": {"tick_every": 60},
        "config": {
            "assertions": [{"type": "statusCode", "operator": "is", "target": 200}],
            "request": {"method": "GET", "url": "https://example.com"},
        },
        **more,
    }
