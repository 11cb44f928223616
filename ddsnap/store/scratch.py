"""A repository for a while: it reads the objects of another one, and leaves no trace there."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.repo import Repo

from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def scratch(repo: Repository, branches: Sequence[str]) -> Iterator[Repository]:
    """Open a bare repository with these branches of ``repo``; it is removed in the end.

    What is written to it stays there: objects of ``repo`` are only borrowed.
    """
    with tempfile.TemporaryDirectory(prefix="ddsnap-") as name:
        folder = Path(name)
        Repo.init_bare(folder).close()
        _borrow(repo, folder)
        with Repository.open(folder) as copy:
            for branch in branches:
                tip = repo.branch(branch)
                if tip is not None:
                    copy.move_branch(branch, None, tip, "rehearsal")
            yield copy


def _borrow(repo: Repository, folder: Path) -> None:
    objects = (repo.git_dir / "objects").resolve()
    info = folder / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    shallow = repo.git_dir / "shallow"
    if shallow.exists():
        (folder / "shallow").write_bytes(shallow.read_bytes())
    with (folder / "config").open("a", encoding="utf-8") as config:
        config.write("[commit]\n\tgpgsign = false\n[gc]\n\tauto = 0\n")
