"""Which branches there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dulwich.refs import Ref

if TYPE_CHECKING:
    from ddsnap.store.repository import Repository


def branches_below(repo: Repository, folder: str) -> list[str]:
    """Return the names, below ``folder``, of the branches ``<folder>/<name>``, sorted."""
    found = repo.raw.refs.subkeys(Ref(f"refs/heads/{folder}/".encode()))
    return sorted(name.decode("utf-8", "surrogateescape") for name in found)
