"""Git revisions to commits: names, abbreviated hashes, and the suffixes ``~N``, ``^N``, ``^{}``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dulwich.objects import ObjectID
from dulwich.refs import Ref, SymrefLoop

from ddsnap.errors import Damaged, StoreError
from ddsnap.store.commits import parse_commit
from ddsnap.store.damage import LACKING
from ddsnap.store.objects import COMMIT, TAG

if TYPE_CHECKING:
    from dulwich.repo import Repo

_FULL = re.compile("[0-9a-fA-F]{40}")
_SHORT = re.compile("[0-9a-fA-F]{4,39}")
_REVISION = re.compile(r"(.*?)((?:~\d*|\^\d*|\^\{(?:commit)?\})*)", re.DOTALL)
_STEP = re.compile(r"~\d*|\^\{\w*\}|\^\d*")
_PLACES = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}")


def resolve(repo: Repo, revision: str) -> str:
    """Return the commit that a revision names, or raise ``StoreError`` naming the revision."""
    found = _REVISION.fullmatch(revision)
    name, steps = found.groups() if found else (revision, "")
    commit = _peel(repo, _named(repo, name, revision), revision)
    for step in _STEP.findall(steps):
        commit = _walk(repo, commit, step, revision)
    return commit


def _walk(repo: Repo, commit: str, step: str, revision: str) -> str:
    """Take one suffix: ``~N`` is N first parents up, ``^N`` the Nth parent, ``^0`` the commit."""
    number = int(step[1:] or 1) if step[1:2] != "{" else 0
    times, parent = (number, 1) if step[0] == "~" else (min(number, 1), number)
    for _ in range(times):
        parents = parse_commit(commit, _read(repo, commit, revision)[1]).parents
        if parent > len(parents):
            raise StoreError(f"no such revision: {revision} ({commit[:12]} has no such parent)")
        commit = parents[parent - 1]
    return commit


def _named(repo: Repo, name: str, revision: str) -> str:
    if _FULL.fullmatch(name):
        return name.lower()
    name = "HEAD" if name == "@" else name
    for place in (*_PLACES, "refs/remotes/{}/HEAD") if name else ():
        sha = _reference(repo, place.format(name))
        if sha is not None:
            return sha
    if _SHORT.fullmatch(name):
        return _abbreviated(repo, name.lower(), revision)
    raise StoreError(
        f"no such revision: {revision}", "give a branch, a tag, a commit's hash, or HEAD"
    )


def _reference(repo: Repo, name: str) -> str | None:
    if (name != "HEAD" and not name.startswith("refs/")) or "//" in name:
        return None
    try:
        return repo.refs[Ref(name.encode("utf-8", "surrogateescape"))].decode("ascii", "replace")
    except (KeyError, ValueError, SymrefLoop):
        return None


def _abbreviated(repo: Repo, prefix: str, revision: str) -> str:
    found = sorted(sha.decode() for sha in repo.object_store.iter_prefix(prefix.encode()))
    if len(found) > 1:  # as git does where a commit is wanted
        found = [sha for sha in found if _read(repo, sha, revision)[0] in (COMMIT, TAG)]
    if not found:
        raise StoreError(f"no such revision: {revision}")
    if len(found) > 1:
        candidates = ", ".join(sha[:12] for sha in found)
        raise StoreError(f"ambiguous revision: {revision} ({candidates})", "give more digits")
    return found[0]


def _peel(repo: Repo, sha: str, revision: str) -> str:
    kind, data = _read(repo, sha, revision)
    while kind == TAG:
        sha = data.split(b"\n", 1)[0].removeprefix(b"object ").decode("ascii", "replace")
        kind, data = _read(repo, sha, revision)
    if kind != COMMIT:
        raise StoreError(f"{revision} is no commit")
    return sha


def _read(repo: Repo, sha: str, revision: str) -> tuple[int, bytes]:
    """Read an object; one that a reference or a commit leads to must be there."""
    try:
        return repo.object_store.get_raw(ObjectID(sha.encode()))
    except KeyError as error:
        if revision.lower().startswith(sha):
            raise StoreError(f"no such revision: {revision} (no such object here)") from error
        raise Damaged(f"the repository lacks {sha}, which {revision} leads to", LACKING) from error
