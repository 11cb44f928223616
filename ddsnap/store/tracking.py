"""Which files of the work tree git keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dulwich.errors import NoIndexPresent
from dulwich.index import UnsupportedIndexFormat

from ddsnap.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from ddsnap.store.repository import Repository


def is_tracked(repo: Repository, path: Path) -> bool:
    """Whether git keeps the file, by the name given or by the one that links lead to."""
    try:
        index = repo.raw.open_index()
    except NoIndexPresent:  # a bare repository
        return False
    except (AssertionError, OSError, UnsupportedIndexFormat, ValueError) as error:
        raise StoreError(f"the index of {repo.path} cannot be read: {error}") from error
    top = repo.path.resolve()
    places = {path.parent.resolve() / path.name, path.resolve()}
    within = [place.relative_to(top) for place in places if place.is_relative_to(top)]
    return any(place.as_posix().encode() in index for place in within)
