"""What is measured in a process of its own: ``work.py NAME ARGUMENT...`` tells its core's cost."""

from __future__ import annotations

import gc
import json
import pickle
import resource
import subprocess
import sys
import time
from datetime import datetime
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def main(name: str, *arguments: str) -> None:
    """Prepare one piece of work, do it against the clock, and tell."""
    core = PIECES[name](*arguments)
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    more = core() or {}
    cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    print(json.dumps({**cost, **more}))


def capture(answers: str, folder: str, when: str, mode: str) -> Callable[[], dict[str, Any]]:
    """A capture of recorded answers: all of ``ddsnap``'s own work from a page to the commit."""
    from played import Player, captured, load  # noqa: PLC0415 - a cost of this piece alone

    player = Player(load(Path(answers)))

    def core() -> dict[str, Any]:
        result = captured(Path(folder), player, datetime.fromisoformat(when), full=mode == "full")
        return {"committed": result.committed, "changes": len(result.changes)}

    return core


def bare(answers: str, mode: str) -> Callable[[], None]:
    """Parse the same answers, serialize each resource in them and hash it: the least there is."""
    from played import load  # noqa: PLC0415 - a cost of this piece alone

    contents = [(target, content) for target, (_, content) in load(Path(answers)).items()]

    def core() -> None:
        for target, content in contents:
            if not content:
                continue
            parsed = orjson.loads(content)
            if mode == "full" and target.startswith("/api/v1/dashboard?"):
                continue  # each of these is read by itself
            for item in _items(parsed):
                data = orjson.dumps(item, option=OPTIONS)
                sha1(b"blob %d\0" % len(data) + data).digest()

    return core


def _items(answer: Any) -> Iterator[Any]:
    if isinstance(answer, dict):
        lists = [value for value in answer.values() if isinstance(value, list)]
        single = isinstance(answer.get("data"), dict) or "id" in answer
        answer = [answer] if single or not lists else lists[0]
    yield from answer


def store(files: str, folder: str) -> Callable[[], None]:
    """Write files as a first snapshot."""
    from corpus import START  # noqa: PLC0415 - a cost of this piece alone

    from ddsnap.store.repository import Repository  # noqa: PLC0415
    from ddsnap.store.snapshots import SnapshotWriter  # noqa: PLC0415

    kept = _files(files)

    def core() -> None:
        with Repository.open(Path(folder)) as repo, SnapshotWriter(repo, "snapshots/us1") as writer:
            for path, data in kept.items():
                writer.put(path, data)
            writer.commit("first", time=START)

    return core


def fast_import(files: str, folder: str) -> Callable[[], dict[str, float]]:
    """Give the same files to ``git fast-import``, whose CPU counts with the feeding."""
    kept = _files(files)

    def core() -> dict[str, float]:
        began, child_began = time.process_time(), _children()
        command = ["git", "-C", folder, "fast-import", "--quiet"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
            assert child.stdin is not None
            for chunk in _stream(kept):
                child.stdin.write(chunk)
        assert child.returncode == 0
        return {"cpu": time.process_time() - began + _children() - child_began}

    return core


def _stream(files: dict[str, bytes]) -> Iterator[bytes]:
    yield b"commit refs/heads/snapshots/us1\n"
    yield b"committer bench <bench@localhost> 1735700400 +0000\ndata 5\nfirst\n"
    for path, data in files.items():
        yield b'M 100644 inline "%s"\ndata %d\n%s\n' % (path.encode(), len(data), data)
    yield b"done\n"


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _files(file: str) -> dict[str, bytes]:
    found: dict[str, bytes] = pickle.loads(Path(file).read_bytes())
    return found


def changes(folder: str) -> Callable[[], dict[str, int]]:
    """Compare the last two snapshots."""

    def core() -> dict[str, int]:
        from ddsnap.store.repository import Repository  # noqa: PLC0415 - the whole process counts
        from ddsnap.store.trees import changed_paths  # noqa: PLC0415

        with Repository.open(Path(folder)) as repo:
            ends = [repo.resolve(f"snapshots/us1{age}") for age in ("~1", "")]
            return {"paths": sum(1 for _ in changed_paths(repo, *ends))}

    return core


def versions(folder: str, path: str) -> Callable[[], dict[str, int]]:
    """Tell the versions of one document."""

    def core() -> dict[str, int]:
        from ddsnap.store.history import path_history  # noqa: PLC0415 - the whole process counts
        from ddsnap.store.repository import Repository  # noqa: PLC0415

        with Repository.open(Path(folder)) as repo:
            found = path_history(repo, repo.branch("snapshots/us1") or "", path)
            return {"versions": sum(1 for _ in found)}

    return core


def maintain(folder: str) -> Callable[[], None]:
    """Do the upkeep that follows a capture."""
    from ddsnap.store.maintenance import maintain as keep  # noqa: PLC0415
    from ddsnap.store.repository import Repository  # noqa: PLC0415

    def core() -> None:
        with Repository.open(Path(folder)) as repo:
            keep(repo)

    return core


def plan(folder: str, to: str) -> Callable[[], dict[str, Any]]:
    """Plan a replay of one snapshot onto another."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415
    from ddsnap.flows.id_map import read_map  # noqa: PLC0415
    from ddsnap.flows.planning import plan_replay  # noqa: PLC0415
    from ddsnap.flows.view import snapshot_view  # noqa: PLC0415
    from ddsnap.store.repository import Repository  # noqa: PLC0415

    def core() -> dict[str, Any]:
        with Repository.open(Path(folder)) as repo:
            views = [
                snapshot_view(repo, repo.branch(f"snapshots/{org}") or "", org)
                for org in ("us1", to)
            ]
            orgs = [view.manifest.org for view in views]
            known = read_map(repo, repo.branch(f"journal/{to}"), *orgs)
            return {"counts": plan_replay(*views, CATALOG, id_map=known).counts()}

    return core


def sandbox(size: str, limit: str) -> Callable[[], None]:
    """Serve an org until standard input ends."""
    from ddsnap.sandbox import Sandbox  # noqa: PLC0415

    server = Sandbox()
    server.add_org("us1", seed=1, size=int(size))
    if int(limit):
        server.faults.limit("us1", int(limit), 1.0)

    def core() -> None:
        with server:
            print(json.dumps({"url": server.url}), flush=True)
            sys.stdin.read()

    return core


def pair(size: str, latency: str) -> Callable[[], None]:
    """Serve an org and an empty one, each answer late by so many seconds."""
    from ddsnap.sandbox import Sandbox  # noqa: PLC0415

    server = Sandbox(latency=float(latency))
    server.add_org("us1", seed=1, size=int(size))
    server.add_org("eu1")

    def core() -> None:
        with server:
            print(json.dumps({"url": server.url}), flush=True)
            sys.stdin.read()

    return core


def need(url: str, count: str) -> Callable[[], dict[str, float]]:
    """Make so many requests; a limit may stand in the way."""
    session = _session(url)

    def core() -> dict[str, float]:
        with session:
            for _ in session.map(lambda _: session.request("GET", *_ROLES), range(int(count))):
                pass
            counts = session.counters.values()
        return {
            "requests": sum(count.requests for count in counts),
            "limited": sum(count.limited for count in counts),
        }

    return core


def targets(folder: str, url: str, file: str, *words: str) -> Callable[[], None]:
    """Note what a capture asks for."""
    from datetime import timezone  # noqa: PLC0415

    from played import captured  # noqa: PLC0415

    session = _session(url)
    asked: list[tuple[str, str, dict[str, str]]] = []
    request = session.request

    def noted(method: str, route: str, path: str, **more: Any) -> Any:
        asked.append((route, path, dict(more.get("query") or {})))
        return request(method, route, path, **more)

    session.request = noted  # type: ignore[method-assign]

    def core() -> None:
        with session:
            full = "--full" in words
            captured(Path(folder), session, datetime.now(timezone.utc), full=full)
        Path(file).write_text(json.dumps(asked))

    return core


def fetch(url: str, file: str) -> Callable[[], None]:
    """Ask for the same as a capture, by the same session; parse, serialize, hash."""
    wanted = json.loads(Path(file).read_text())
    session = _session(url)

    def ask(one: tuple[str, str, dict[str, str]]) -> Any:
        route, path, query = one
        return session.request("GET", route, path, query=query, expect=(403, 404, 410)).body

    def core() -> None:
        with session:
            for answer in session.map(ask, wanted):
                for item in _items(answer):
                    data = orjson.dumps(item, option=OPTIONS)
                    sha1(b"blob %d\0" % len(data) + data).digest()

    return core


def _session(url: str) -> Any:
    from ddsnap.api.session import Session  # noqa: PLC0415
    from ddsnap.sandbox import SandboxOrg  # noqa: PLC0415

    org = SandboxOrg("us1")
    return Session(url, org.api_key, org.app_key)


_ROLES = ("/api/v2/roles", "/api/v2/roles")
PIECES: dict[str, Callable[..., Callable[[], Any]]] = {
    piece.__name__: piece
    for piece in (
        capture, bare, store, fast_import, changes, versions, maintain, plan, sandbox, pair, need,
        targets, fetch,
    )
}  # fmt: skip

if __name__ == "__main__":
    main(*sys.argv[1:])
