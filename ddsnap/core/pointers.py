"""RFC 6901: a pointer is a plain ``str``, and the parts of one are keys and indexes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddsnap.errors import DdsnapError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddsnap.core.values import JSON

_INDEX = re.compile(r"0|[1-9][0-9]*")
_BAD_ESCAPE = re.compile(r"~(?![01])")


class PointerError(DdsnapError):
    """A pointer is malformed, or leads nowhere in the document."""


def escape(part: str | int) -> str:
    """Return one part as it stands in a pointer: ``a/b`` becomes ``a~1b``."""
    return str(part).replace("~", "~0").replace("/", "~1")


def join(parts: Iterable[str | int]) -> str:
    """Return the pointer that is made of ``parts``; of none, the pointer to the whole."""
    return "".join("/" + escape(part) for part in parts)


def parse(pointer: str) -> tuple[str, ...]:
    """Return the unescaped parts of ``pointer``."""
    if pointer and not pointer.startswith("/"):
        raise PointerError(f"the pointer {pointer!r} does not start with /")
    if _BAD_ESCAPE.search(pointer):
        raise PointerError(f"the pointer {pointer!r} holds a ~ that is neither ~0 nor ~1")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def get(doc: JSON, pointer: str) -> JSON:
    """Return what ``pointer`` leads to, or raise ``PointerError``."""
    node = doc
    for part in parse(pointer):
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and _is_index(part, len(node)):
            node = node[int(part)]
        else:
            raise PointerError(f"nothing at {pointer}: no {part!r} there")
    return node


def find(doc: JSON, pointer: str, default: JSON = None) -> JSON:
    """Return what ``pointer`` leads to, or ``default`` where there is nothing."""
    try:
        return get(doc, pointer)
    except PointerError:
        return default


def _is_index(part: str, length: int) -> bool:
    # At most as many digits as the length has: Python refuses to read endless integers.
    return bool(_INDEX.fullmatch(part)) and len(part) <= len(str(length)) and int(part) < length
