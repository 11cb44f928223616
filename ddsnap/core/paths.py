"""Names of documents in the tree: injective even where the file system folds case or Unicode.

What is not in ``[a-z0-9._@+,=-]`` is percent-encoded, and so is what some system would
take for something else: outer dots and the names that Windows reserves.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from ddsnap.errors import StoreError

if TYPE_CHECKING:
    from ddsnap.core.values import Address

SUFFIX = ".json"

_LONGEST = 200
_CUT_TO = 160
_EMPTY = "%"  # never the code of anything else
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._@+,=-")
_HARMLESS = re.compile(r"[a-z0-9_@+,=-](?:[a-z0-9._@+,=-]{0,198}[a-z0-9_@+,=-])?")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")
_PATH = re.compile(r"([^/]+)/([^/]+)\.json")
_CUT = re.compile(r"[^~]{1,160}~[0-9a-f]{32}")


def document_path(address: Address) -> str:
    """Return the path of a resource's document, as ``monitors/123.json``."""
    return f"{_folder(address.type)}/{_name(address.id)}{SUFFIX}"


def parse_document_path(path: str) -> tuple[str, str | None]:
    """Return type and id of the document at ``path``; no id where the name was cut.

    A path that `document_path` never gives raises ``StoreError``.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise StoreError(f"{path!r} is not the path of a document")
    if _is_harmless(found[1]) and _is_harmless(found[2]):
        return found[1], found[2]
    type_name, id_ = _unescape(found[1]), _unescape(found[2])
    cut = _CUT.fullmatch(found[2]) is not None
    if path != f"{_name(type_name)}/{found[2] if cut else _name(id_)}{SUFFIX}":
        raise StoreError(f"{path!r} is not spelled as the path of a document is")
    return type_name, None if cut else id_


@cache
def _folder(type_name: str) -> str:
    """Return the name of a type's folder; there are few."""
    return _name(type_name)


def _is_harmless(text: str) -> bool:
    """Whether ``text`` is its own file name."""
    return _HARMLESS.fullmatch(text) is not None and _RESERVED.match(text) is None


def is_document_path(path: str) -> bool:
    """Whether a document may stand at ``path``: people may have put anything there."""
    try:
        parse_document_path(path)
    except StoreError:
        return False
    return True


def _name(text: str) -> str:
    """Return the file name, without suffix, that stands for ``text``."""
    if _is_harmless(text):
        return text
    last = len(text) - 1
    pieces = [
        char if char in _PLAIN and not (char == "." and at in (0, last)) else _escape(char)
        for at, char in enumerate(text)
    ]
    if _RESERVED.match(text):
        pieces[0] = _escape(text[0])
    name = "".join(pieces)
    return (name if len(name) <= _LONGEST else _cut(text, pieces)) or _EMPTY


def _cut(text: str, pieces: list[str]) -> str:
    kept = ""
    for piece in pieces:
        if len(kept) + len(piece) > _CUT_TO:
            break
        kept += piece
    return f"{kept}~{hashlib.sha256(_bytes(text)).hexdigest()[:32]}"


@lru_cache(maxsize=1024)
def _escape(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in _bytes(char))


def _unescape(name: str) -> str:
    if name == _EMPTY:
        return ""
    try:
        return unquote_to_bytes(name).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise StoreError(f"{name!r} is not the name of a document") from None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
