"""The past of a branch, and of one path in it."""

from __future__ import annotations

import heapq
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.store.objects import TREE
from ddsnap.store.trees import FOLDER, find_entry, parse_tree, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository


@dataclass(frozen=True, slots=True)
class PathVersion:
    """A commit that changed a path, and what stands there since (None: deleted)."""

    commit: CommitInfo
    sha: bytes | None


def log(repo: Repository, commit: str, *, first_parent: bool = True) -> Iterator[CommitInfo]:
    """Yield ``commit`` and its ancestors, newest first; where a shallow clone ends, it ends."""
    shallow = {sha.decode() for sha in repo.raw.get_shallow()}
    first = repo.commit_info(commit)
    queue, seen, count = [(-first.time, 0, first)], {commit}, 0
    while queue:
        _, _, info = heapq.heappop(queue)
        yield info
        if info.sha in shallow:
            continue
        for parent in info.parents[:1] if first_parent else info.parents:
            if parent not in seen:
                seen.add(parent)
                count += 1
                ancestor = repo.commit_info(parent)
                heapq.heappush(queue, (-ancestor.time, count, ancestor))


def path_history(repo: Repository, commit: str, path: str) -> Iterator[PathVersion]:
    """Yield the commits along first parents that changed a file or folder, newest first.

    A system git answers with its indexes of changed paths; without one the trees are walked.
    """
    found = _git_path_history(repo, commit, path)
    return walk_path_history(repo, commit, path) if found is None else found


def walk_path_history(repo: Repository, commit: str, path: str) -> Iterator[PathVersion]:
    """Do as ``path_history``, by reading trees, each distinct one once."""
    parts = to_bytes(path).split(b"/")
    memory: dict[tuple[bytes, int], bytes | None] = {}
    later: PathVersion | None = None
    for info in log(repo, commit):
        here = PathVersion(info, _entry(repo, bytes.fromhex(info.tree), parts, 0, memory))
        if later is not None and later.sha != here.sha:
            yield later
        later = here
    if later is not None and later.sha is not None:
        yield later


def _entry(
    repo: Repository,
    tree: bytes,
    parts: list[bytes],
    depth: int,
    memory: dict[tuple[bytes, int], bytes | None],
) -> bytes | None:
    key = (tree, depth)
    if key not in memory:
        found = None
        for mode, name, sha in parse_tree(repo.read(tree, TREE)):
            if name == parts[depth]:
                last = depth == len(parts) - 1
                below = sha if mode == FOLDER else None
                found = sha if last else below and _entry(repo, below, parts, depth + 1, memory)
        memory[key] = found
    return memory[key]


def _git_path_history(repo: Repository, commit: str, path: str) -> Iterator[PathVersion] | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "--literal-pathspecs", f"--git-dir={repo.git_dir}", "log", "--first-parent"]
    command += ["--format=%H", "--no-show-signature", commit, "--", path]
    ran = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=repo.git_dir,
        env=_plain_environment(),
    )
    if ran.returncode:  # not this user's folder, say: then without git
        return None
    return _versions(repo, ran.stdout.decode("ascii").split(), path)


def _versions(repo: Repository, commits: list[str], path: str) -> Iterator[PathVersion]:
    for sha in commits:
        info = repo.commit_info(sha)
        entry = find_entry(repo, bytes.fromhex(info.tree), path)
        yield PathVersion(info, entry[2] if entry else None)


def _plain_environment() -> dict[str, str]:
    """Return the environment without what would point git at another repository."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_DIR", "GIT_WORK_TREE"))}
    return kept | {"GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
