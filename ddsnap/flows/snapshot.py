"""Reading snapshots back, as documents in today's form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.manifest import NAME, Manifest, parse_manifest
from ddsnap.core.normalize import id_of, normalize
from ddsnap.core.paths import document_path, parse_document_path
from ddsnap.core.values import Address, Document
from ddsnap.errors import Damaged, StoreError, UnstorableError

if TYPE_CHECKING:
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.store.repository import Repository


def manifest_of(repo: Repository, commit: str, name: str = "") -> Manifest:
    """Return what a snapshot says of itself; ``StoreError`` where the commit is none."""
    return parse_manifest(repo.read_file(commit, NAME), name or commit[:12])


def read_document(
    repo: Repository, commit: str, address: Address, catalog: Catalog
) -> Document | None:
    """Return one document of a snapshot, or ``None``."""
    path = document_path(address)
    data = repo.read_file(commit, path)
    if data is None:
        return None
    stale = manifest_of(repo, commit).rules != catalog.rules
    return parse_document(path, data, catalog, stale=stale)


def parse_document(path: str, data: bytes, catalog: Catalog, *, stale: bool = False) -> Document:
    """Read a stored document; a ``stale`` one is normalized again. Raises ``StoreError``."""
    try:
        body = canonical.decode(data)
    except UnstorableError as error:
        raise Damaged(f"{path} is damaged: {error.message}", "run `ddsnap verify`") from None
    if not isinstance(body, dict):
        raise StoreError(f"{path} holds no document", "run `ddsnap verify`")
    type_name, id_ = parse_document_path(path)
    type_ = catalog.get(type_name)
    if type_ is None:
        return Document(Address(type_name, id_ or path), body)
    if stale:
        return _renormalized(path, type_, body)
    return Document(Address(type_name, id_ if id_ is not None else _id(path, type_, body)), body)


def _renormalized(path: str, type_: ResourceType, body: JSONObject) -> Document:
    try:
        return normalize(type_, body).document
    except KeyError:
        raise StoreError(f"{path} holds no id", "run `ddsnap verify`") from None


def _id(path: str, type_: ResourceType, body: JSONObject) -> str:
    try:
        return id_of(type_, body)
    except KeyError:
        raise StoreError(f"{path} holds no id", "run `ddsnap verify`") from None
