"""Where the figures' data comes from: invented orgs of any size, and repositories of them."""

from __future__ import annotations

import pickle
import random
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.directory import aliases_of
from ddsnap.core.fields import field_path
from ddsnap.core.id_map import Mapped
from ddsnap.core.manifest import NAME, Manifest, OrgIdentity, TypeState
from ddsnap.core.normalize import id_of, normalize
from ddsnap.core.paths import document_path
from ddsnap.core.pointers import join
from ddsnap.core.values import Address
from ddsnap.flows.id_map import map_files
from ddsnap.sandbox import SandboxOrg
from ddsnap.store.maintenance import maintain
from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BRANCH = "snapshots/us1"
START = datetime(2025, 1, 1, 3, 0, tzinfo=timezone.utc)

Files = dict[str, bytes]
_TITLED = ("monitors", "dashboards", "notebooks", "service_level_objectives")


def documents(size: int, name: str = "us1", seed: int = 1) -> Files:
    """Return the documents of an invented org, by path."""
    org = SandboxOrg(name)
    org.grow(seed, size)
    found: Files = {}
    for type_ in CATALOG.types:
        for body in org.resources(type_.name).values():
            copy: Any = canonical.decode(canonical.encode(body))
            document = normalize(type_, copy).document
            found[document_path(document.address)] = canonical.encode(document.body)
    return found


def manifest(name: str = "us1") -> bytes:
    """Return what a complete snapshot says of itself."""
    states = {type_name: TypeState("complete") for type_name in CATALOG.names}
    return Manifest(_identity(name), CATALOG.rules, states, CATALOG.names).to_bytes()


def _identity(name: str) -> OrgIdentity:
    return OrgIdentity(name, SandboxOrg(name).public_id, "datadoghq.com")


def repository(folder: Path, files: Files, branch: str = BRANCH) -> Path:
    """Make a repository that holds one snapshot."""
    Repository.init(folder, {"ddsnap.yaml": b"version: 1\n"}, "Start").close()
    with Repository.open(folder) as repo:
        snapshot(repo, files, branch)
    return folder


def snapshot(repo: Repository, files: Files, branch: str = BRANCH, day: int = 0) -> None:
    """Commit a whole configuration."""
    with SnapshotWriter(repo, branch) as writer:
        writer.put(NAME, manifest(branch.rpartition("/")[2]))
        for path, data in files.items():
            writer.put(path, data)
        writer.commit("capture us1: all", time=START + timedelta(days=day))


def change(repo: Repository, files: Files, paths: list[str], day: int) -> None:
    """Commit another version of some documents; the others are carried over."""
    with SnapshotWriter(repo, BRANCH) as writer:
        writer.keep_folder("")
        for path in paths:
            body: Any = canonical.decode(files[path])
            body["changed"] = f"on day {day}"
            files[path] = canonical.encode(body)
            writer.put(path, files[path])
        message = f"capture us1: {len(paths)} changed"
        writer.commit(message, time=START + timedelta(days=day))


def edit(repo: Repository, files: Files, count: int) -> int:
    """Commit an org in which somebody has given some resources another title; return how many."""
    titles = {type_.name: type_.title for type_ in CATALOG.types if type_.name in _TITLED}
    paths = [path for path in sorted(files) if path.partition("/")[0] in titles]
    with SnapshotWriter(repo, BRANCH) as writer:
        writer.keep_folder("")
        edited = random.Random(count).sample(paths, min(count, len(paths)))
        for path in edited:
            body: Any = canonical.decode(files[path])
            field_path(titles[path.partition("/")[0]]).put(body, f"Another title of {path}")
            writer.put(path, canonical.encode(body))
        writer.commit(f"capture us1: {len(edited)} changed", time=START + timedelta(days=1))
    return len(edited)


def map_ids(repo: Repository, files: Files, to: str) -> None:
    """Let the journal of an org say that each resource is that of the same id there."""
    mapped: dict[Address, Mapped] = {}
    for path, data in files.items():
        type_, body = CATALOG[path.partition("/")[0]], canonical.decode(data)
        assert isinstance(body, dict), path
        aliases = {join(at): alias for at, alias in aliases_of(type_, body).items()}
        id_ = id_of(type_, body)
        mapped[Address(type_.name, id_)] = Mapped(id_, "created", aliases)
    with SnapshotWriter(repo, f"journal/{to}") as writer:
        for path, data in map_files(mapped, _identity("us1"), _identity(to)).items():
            writer.put(path, data)
        writer.commit(f"run replay us1 -> {to}: done", time=START)


def grown(folder: Path, size: int, days: int, each: int, watched: int = 0) -> tuple[Path, str]:
    """Make a repository with a snapshot a day; return it and the path of one document.

    Each day changes ``each`` documents; on ``watched`` days the returned one is among them.
    """
    files = documents(size)
    return repository(folder, files), grow(folder, files, days, each, watched=watched)


def grow(
    folder: Path, files: Files, days: int, each: int, *, watched: int = 0, maintained: bool = False
) -> str:
    """Add a snapshot a day, as ``grown`` tells, with the upkeep that follows a capture or not."""
    rng, paths = random.Random(days), sorted(files)
    one = next(path for path in paths if path.startswith("monitors/"))
    often = set(rng.sample(range(1, days + 1), watched))
    with ExitStack() as stack:
        repo = stack.enter_context(Repository.open(folder))
        for day in range(1, days + 1):
            change(repo, files, rng.sample(paths, each) + [one] * (day in often), day)
            if maintained:
                maintain(repo)
                stack.close()
                repo = stack.enter_context(Repository.open(folder))
    return one


def save(files: Files, file: Path) -> None:
    """Keep files for other processes."""
    file.write_bytes(pickle.dumps(files))


@contextmanager
def opened(folder: Path) -> Iterator[Repository]:
    """Open a repository."""
    with Repository.open(folder) as repo:
        yield repo
