"""Making a repository: prepared in a folder beside, and put in place as the last step."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from dulwich.file import FileLocked
from dulwich.index import index_entry_from_stat
from dulwich.objects import ObjectID
from dulwich.refs import HEADREF, Ref
from dulwich.repo import Repo

from ddsnap.errors import StoreError
from ddsnap.store.draft import TreeDraft
from ddsnap.store.objects import BLOB, object_id
from ddsnap.store.pack import PackWriter
from ddsnap.store.trees import find_entry, to_bytes, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.store.repository import Repository

_STAGE = ".ddsnap-init"
_MAIN = "main"


@contextmanager
def staged(path: Path) -> Iterator[Repo]:
    """Give a new repository that becomes ``path``'s when the block ends well."""
    if (path / "HEAD").is_file() and (path / "objects").is_dir():
        raise StoreError(f"{path} is a bare repository", "make ddsnap's in a folder of its own")
    stage = path / _STAGE
    shutil.rmtree(stage, ignore_errors=True)  # of an attempt that was killed
    stage.mkdir()
    try:
        with Repo.init(stage, default_branch=_MAIN.encode()) as raw:
            yield raw
        (stage / ".git").rename(path / ".git")
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def current_branch(raw: Repo) -> str:
    """Return the branch that is checked out; one without commits becomes ``main``."""
    head = raw.refs.read_ref(HEADREF) or b""
    branch = head.removeprefix(b"ref: refs/heads/")
    if branch == head:
        raise StoreError(f"{raw.path} has no branch checked out", "check out the branch to use")
    main = Ref(f"refs/heads/{_MAIN}".encode())
    if raw.refs.follow(HEADREF)[1] is None and main not in raw.refs:
        raw.refs.set_symbolic_ref(HEADREF, main)
        return _MAIN
    return branch.decode("utf-8", "surrogateescape")


def refuse_taken(repo: Repository, path: Path, files: dict[str, bytes]) -> None:
    """Raise ``StoreError`` if a file is there already: committed, or with other content."""
    tip = repo.branch(current_branch(repo.raw))
    for name in files:
        if tip and find_entry(repo, tree_of(repo, tip), name):
            raise StoreError(f"{path} already is a repository with {name}", "use it as it is")
    refuse_others(path, files)


def refuse_others(path: Path, files: dict[str, bytes]) -> None:
    """Raise ``StoreError`` if a file with other content would be overwritten."""
    for name, data in files.items():
        if (path / name).exists() and (path / name).read_bytes() != data:
            raise StoreError(f"{path / name} is there already", "move it away first")


def turn_off_gc(raw: Repo) -> None:
    """Keep git from repacking behind a capture's back, unless somebody has decided otherwise."""
    try:
        raw.get_config().get((b"gc",), b"auto")
    except KeyError:
        with open(f"{raw.commondir()}/config", "ab") as config:  # noqa: PTH123
            config.write(b"[gc]\n\tauto = 0\n")


def fill_work_tree(raw: Repo, path: Path, files: dict[str, bytes]) -> None:
    """Write the files and enter them into the index."""
    try:
        index = raw.open_index()
        for name, data in files.items():
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            sha = ObjectID(object_id(BLOB, data).hex().encode())
            index[to_bytes(name)] = index_entry_from_stat(target.lstat(), sha)
        index.write()
    except FileLocked as error:
        raise StoreError(f"the index of {path} is locked", "is another git running?") from error


def commit_files(repo: Repository, files: dict[str, bytes], message: str) -> None:
    """Commit the files on top of the branch that is checked out."""
    branch = current_branch(repo.raw)
    tip = repo.branch(branch)
    draft = TreeDraft(repo, tree_of(repo, tip) if tip else None)
    now = datetime.now().astimezone()
    with PackWriter(repo.pack_dir) as pack:
        for name, data in files.items():
            draft.put(name, pack.add(BLOB, data))
        tree = draft.write(pack)
        commit, _ = repo.write_commit(pack, tree, [tip] if tip else [], message, now)
        pack.finish()
    subject = message.strip().split("\n", 1)[0]
    repo.move_branch(branch, tip, commit, f"commit{'' if tip else ' (initial)'}: {subject}")
