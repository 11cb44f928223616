"""Replays through the command line, between sandbox orgs, and what plain git says came of them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections import Counter, defaultdict
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch as patched

from orgs import git

from ddsnap.catalog import CATALOG
from ddsnap.cli.main import main
from ddsnap.config import variable
from ddsnap.core import canonical
from ddsnap.core.changes import apply_patch, json_patch
from ddsnap.core.directory import read_directory
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.filling import needs
from ddsnap.core.id_map import Mapped
from ddsnap.core.match import is_built_in, named_by_id, portable
from ddsnap.core.normalize import id_of, normalize
from ddsnap.core.references import find_references, rewrite
from ddsnap.core.values import Address, Document
from ddsnap.flows.supply import variable as variable_of
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.core.directory import Directory
    from ddsnap.core.references import Reference
    from ddsnap.sandbox import SandboxOrg
    from ddsnap.sandbox.service import Write

Bodies = dict[Address, dict[str, Any]]
_AS_SOMEBODY = ("-c", "user.name=T", "-c", "user.email=t@up.example")


@dataclass(frozen=True)
class Said:
    """What a command answered, and what it wrote to the sandbox."""

    code: int
    out: str
    err: str
    writes: list[Write] = field(default_factory=list)

    def on(self, path: str) -> list[Write]:
        """The writes whose path holds this."""
        return [write for write in self.writes if path in write.path]


@dataclass
class World:
    """Two orgs of a sandbox, and the command line on a repository that backs up both."""

    sandbox: Sandbox
    path: Path
    source: str = "us1"
    to: str = "eu1"

    @property
    def here(self) -> SandboxOrg:
        return self.sandbox.orgs[self.source]

    @property
    def there(self) -> SandboxOrg:
        return self.sandbox.orgs[self.to]

    def run(self, *argv: str) -> Said:
        """Run a command in this process."""
        before = len(self.sandbox.writes)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*argv] if argv[0] == "init" else ["-C", str(self.path), *argv])
        assert "Traceback" not in err.getvalue(), err.getvalue()
        assert self.sandbox.crashes == []
        return Said(code, out.getvalue(), err.getvalue(), self.sandbox.writes[before:])

    def capture(self, org: str = "") -> None:
        done = self.run("-q", "capture", org or self.source)
        assert done.code == 0, done.err

    def replay(self, *options: str, code: int | None = 0, live: bool = True) -> Said:
        """Replay the last snapshot; between orgs that make as much noise as the source."""
        loud = ("--live",) if live else ()
        done = self.run("replay", self.source, "--to", self.to, "--yes", *loud, *options)
        assert code in (None, done.code), f"{done.code}\n{done.out}\n{done.err}"
        return done

    def again(self, *options: str, code: int | None = 0, live: bool = True) -> Said:
        """Replay what was replayed: nothing is written."""
        done = self.replay(*options, code=code, live=live)
        told = [f"{w.status} {w.method} {w.path} {w.body}" for w in done.writes]
        assert told == [], done.out
        return done

    def clone(self, folder: Path) -> World:
        """Clone the repository afresh, and work there from now on."""
        git(self.path.parent, "clone", "-q", str(self.path), str(folder))
        return replace(self, path=folder)

    def other(self, folder: Path) -> World:
        """Work in a repository of its own that knows nothing yet of these orgs."""
        made = replace(self, path=folder)
        assert made.run("init", str(folder)).code == 0
        (folder / "ddsnap.yaml").write_text((self.path / "ddsnap.yaml").read_text())
        return made

    # --- what git says

    def git(self, *words: str) -> str:
        return git(self.path, *words)

    def files(self, revision: str) -> dict[str, bytes]:
        """Every file of a revision."""
        told = self.git("rev-parse", revision).strip()
        target = self.path / ".git" / "read.tar"
        self.git("archive", "--format=tar", "-o", str(target), told)
        with tarfile.open(target) as tar:
            found = {
                member.name: tar.extractfile(member).read()  # type: ignore[union-attr]
                for member in tar.getmembers()
                if member.isfile()
            }
        target.unlink()
        return found

    def bodies(self, org: str, revision: str = "") -> Bodies:
        """The documents of a snapshot, by their addresses."""
        found: Bodies = {}
        for path, data in self.files(revision or f"snapshots/{org}").items():
            name, slash, _ = path.partition("/")
            if slash:
                body = canonical.decode(data)
                assert isinstance(body, dict)
                found[normalize(CATALOG[name], body).document.address] = body
        return found

    def id_map(self) -> dict[Address, Mapped]:
        """What the journal says that the source's resources are called at the destination."""
        folder, found = f"map/{self.source}/", {}
        for path, data in self.files(f"journal/{self.to}").items():
            if path.startswith(folder):
                name = path.removeprefix(folder).removesuffix(".json")
                for id_, told in json.loads(data)["ids"].items():
                    found[Address(name, id_)] = Mapped(**told)
        return found

    def runs(self) -> list[dict[Address, dict[str, Any]]]:
        """What the journal says of each resource, replay by replay."""
        found = []
        for commit in self.git("rev-list", "--reverse", f"journal/{self.to}").split():
            data = self.files(commit).get("outcomes.ndjson", b"")
            told = [json.loads(line) for line in data.decode().splitlines()]
            found += [{Address(one["type"], one["id"]): one for one in told}] if told else []
        return found

    def outcomes(self) -> dict[Address, dict[str, Any]]:
        """What the journal says of each resource in the last replay."""
        return self.runs()[-1]

    def supply(self, value: str = "s3cret-of-a-test") -> None:
        """Give a value for each secret of the source that the destination cannot have."""
        for address, body in self.bodies(self.source).items():
            for pointer in needs(body):
                os.environ[variable_of(address.type, address.id, pointer)] = value


@contextmanager
def world(folder: Path, **orgs: dict[str, Any]) -> Iterator[World]:
    """Run a sandbox with these orgs, the first of which is replayed into the second."""
    plain = {"HOME": str(folder / "home"), "XDG_STATE_HOME": str(folder / "state")}
    cleared = ("DDSNAP_REPO", "NO_COLOR", "GIT_DIR", "DD_API_KEY", "DD_APP_KEY", "DD_SITE")
    with Sandbox() as sandbox, patched.dict(os.environ, plain):
        for name in cleared:
            os.environ.pop(name, None)
        source, to = orgs
        made = World(sandbox, folder / "backup", source, to)
        for name, more in orgs.items():
            org = sandbox.add_org(name, **more)
            os.environ[variable(name, "api_key")] = org.api_key
            os.environ[variable(name, "app_key")] = org.app_key
        done = made.run("init", str(made.path))
        assert done.code == 0, done.err
        listed = "".join(f"  {name}: {{api_url: '{sandbox.url}'}}\n" for name in orgs)
        (made.path / "ddsnap.yaml").write_text(f"version: 1\norgs:\n{listed}")
        made.git(*_AS_SOMEBODY, "commit", "-q", "-a", "-m", "Name the orgs")
        yield made


# --- comparing two orgs


@dataclass
class Comparison:
    """A source's snapshot beside a destination's, by the map between them."""

    source: Bodies
    there: Bodies
    ids: dict[Address, Mapped]
    organization: tuple[str, str] = ("", "")
    settled: dict[Address, list[Any]] = field(default_factory=dict)
    """What the server made of what it was sent."""

    def __post_init__(self) -> None:
        self.here = directory_of(self.source)
        self.over = directory_of(self.there)

    @classmethod
    def of(cls, made: World) -> Comparison:
        """Compare what was captured last of both."""
        orgs = (made.here.uuid, made.there.uuid)
        settled = {
            address: told["settled"]
            for run in made.runs()
            for address, told in run.items()
            if told["status"] == "done"
        }
        source, there = made.bodies(made.source), made.bodies(made.to)
        return cls(source, there, made.id_map(), orgs, settled)

    def replayed(self) -> dict[Address, Address]:
        """Each of the source's resources that is at the destination, with its address there."""
        return {
            address: Address(address.type, self.ids[address].id)
            for address in self.source
            if address in self.ids and Address(address.type, self.ids[address].id) in self.there
        }

    def value(self, ref: Reference) -> str:
        """What a reference says at the destination, by the map alone."""
        if ref.to == ("organization",) and ref.value == self.organization[0]:
            return self.organization[1]
        found = self.here.find(ref)
        mapped = self.ids.get(found.address) if found else None
        if found is None or mapped is None:
            return ref.value
        if ref.by:  # people name it by what it is called there
            return str(value_at(self.there[Address(found.address.type, mapped.id)], ref.by))
        if found.alias is None:
            return mapped.id
        there = self.over.entries[Address(found.address.type, mapped.id)]
        return there.aliases[found.alias]

    def translated(self, address: Address) -> dict[str, Any]:
        """What the destination is to hold of a resource: its ids, and what is not bound to it."""
        type_, body = CATALOG[address.type], self.source[address]
        references = find_references(body, type_, CATALOG)
        found = rewrite(body, references, self.value)
        wanted = portable(type_, normalize(type_, found).document.body)
        policies = (one for one in self.source if one.type == "restriction_policies")
        if address.id in {one.id.partition(":")[2] for one in policies}:
            for path in type_.superseded:
                field_path(path).remove(wanted)
        return wanted

    def differences(self) -> dict[Address, Any]:
        """How each resource that was replayed differs from what it is to be."""
        found: dict[Address, Any] = {}
        for address, there in self.replayed().items():
            type_ = CATALOG[address.type]
            if is_built_in(type_, self.source[address]) or type_.orders:
                continue
            wanted: Any = apply_patch(self.translated(address), self.settled.get(address) or [])
            wanted = comparable(address.type, wanted)
            present = comparable(address.type, self.there[there])
            if not canonical.same(wanted, present):
                found[address] = json_patch(wanted, present)
        return found

    def dangling(self) -> list[str]:
        """The destination's references that lead nowhere, but for those that never did."""
        back = {there: address for address, there in self.replayed().items()}
        found = []
        for address, entry in self.over.entries.items():
            known = self.here.entries.get(back.get(address, address))
            before = {
                self.value(ref)
                for ref in (known.references if known else ())
                if self.here.find(ref) is None
            }
            for ref in entry.references:
                outside = not any(name in CATALOG for name in ref.to)
                lost = self.over.find(ref) is None and not (ref.soft or outside)
                if lost and (known is None or ref.value not in before):
                    found.append(f"{address}: {ref.to} {ref.value}")
        return found

    def check_once(self) -> None:
        """Assert that no two resources became one, and that nothing is there that nobody asked."""
        taken = Counter(self.replayed().values())
        assert [there for there, count in taken.items() if count > 1] == []


def check(made: World) -> Comparison:
    """Assert that the destination holds what the source holds, and return how they compare."""
    made.capture(made.to)
    compared = Comparison.of(made)
    compared.check_once()
    assert compared.differences() == {}
    assert compared.dangling() == []
    return compared


def load_half(made: World, rng: random.Random) -> dict[Address, Address]:
    """Let the destination hold half of the source, and what that needs, by ids of its own."""
    bodies = made.bodies(made.source)
    here = directory_of(bodies)
    chosen = set(rng.sample(sorted(bodies), len(bodies) // 2))
    chosen |= {address for address, entry in here.entries.items() if entry.built_in}
    todo = [*chosen]
    while todo:
        found = [here.find(ref) for ref in here.entries[todo.pop()].references if not ref.soft]
        for other in found:
            if other and other.address not in chosen:
                chosen.add(other.address)
                todo.append(other.address)
    orgs = (made.here.uuid, made.there.uuid)
    moved, loaded = {}, []
    for address in sorted(chosen):
        type_ = CATALOG[address.type]
        if not type_.orders:
            body = _elsewhere(address.type, bodies[address], here, orgs)
            moved[address] = Document(address, body)
            loaded.append((address.type, body))
    made.there.load_snapshot(loaded)
    return {a: Address(a.type, id_of(CATALOG[a.type], one.body)) for a, one in moved.items()}


def _elsewhere(
    name: str, body: dict[str, Any], here: Directory, orgs: tuple[str, str]
) -> dict[str, Any]:
    """The document as another org would have it that holds the same."""
    type_ = CATALOG[name]

    def value(ref: Reference) -> str:
        found = here.find(ref)
        if ref.value == orgs[0]:
            return orgs[1]
        if found is None or ref.by or named_by_id(CATALOG[found.address.type]):
            return ref.value
        return _shifted(ref.value)

    body = rewrite(body, find_references(body, type_, CATALOG), value)
    if not named_by_id(type_):
        body[type_.id] = type(body[type_.id])(_shifted(str(body[type_.id])))
    if "monitor_id" in body:
        body["monitor_id"] = int(_shifted(str(body["monitor_id"])))
    if name == "users":
        body["relationships"]["org"]["data"]["id"] = orgs[1]
    return body


def _shifted(id_: str) -> str:
    """Another id of the same form."""
    if id_.isdigit():
        return str(int(id_) + 500_000_000)
    return id_.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))


def referring(bodies: Bodies) -> dict[Address, set[Address]]:
    """Who refers to each resource of a snapshot."""
    here, found = directory_of(bodies), defaultdict(set)
    for address, entry in here.entries.items():
        for ref in entry.references:
            meant = here.find(ref)
            if meant is not None:
                found[meant.address].add(address)
    return found


def needing(bodies: Bodies, address: Address) -> set[Address]:
    """All that cannot be without a resource, directly or not; an order can."""
    here, found, todo = directory_of(bodies), set[Address](), {address}
    while todo:
        target = todo.pop()
        for a, entry in here.entries.items():
            if a in found or a == address or CATALOG[a.type].orders:
                continue
            hard = (here.find(ref) for ref in entry.references if not ref.soft)
            if any(one and one.address == target for one in hard):
                found.add(a)
                todo.add(a)
    return found


def comparable(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """What two orgs hold in common of a resource, whenever and by whomever it was made."""
    type_ = CATALOG[name]
    body = portable(type_, body)
    if name == "downtime_schedules":  # it begins later than it did
        field_path("attributes.schedule").remove(body)
    return body


def directory_of(bodies: Bodies) -> Directory:
    """All ways to find the resources of a snapshot."""
    return read_directory((Document(a, body) for a, body in bodies.items()), CATALOG)


def unresolvable(here: Directory) -> dict[Address, list[Reference]]:
    """The resources that name what the source itself does not hold."""
    found: dict[Address, list[Reference]] = {}
    for address, entry in here.entries.items():
        if CATALOG[address.type].orders:
            continue
        hard = [ref for ref in entry.references if not ref.soft and here.find(ref) is None]
        if hard:
            found[address] = hard
    return found
