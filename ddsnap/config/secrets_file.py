"""The file that supplies secrets to a replay, each at its place; no message ever shows one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ddsnap.config import fields
from ddsnap.config.marked import Marked, Place, read
from ddsnap.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_NAMED: Final = re.compile(r"([a-z0-9_]+)/(.+)", re.DOTALL)
_REFERENCE: Final = re.compile(r"(env|file):(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret: for the resource of a type with this id or title, at a place in its document."""

    type: str
    name: str
    pointer: str
    value: str = field(repr=False)
    place: Place


def load_secrets(
    path: Path, env: Mapping[str, str], types: Collection[str] = ()
) -> tuple[Entry, ...]:
    """Read the file; what it refers to (``env:NAME``, ``file:PATH``) is read as well.

    Paths are relative to its folder. With ``types``, those that it names must be among them.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the secrets file {path} cannot be read: {error.strerror}",
            "mend secrets.file in ddsnap.yaml, or take it out",
        ) from None
    return tuple(_entries(read(source, str(path)), path.parent, env, types))


def _entries(
    top: Marked, folder: Path, env: Mapping[str, str], types: Collection[str]
) -> Iterator[Entry]:
    for key, resource in fields.members(top).items():
        match = _NAMED.fullmatch(key)
        if match is None:
            raise resource.key.error("a resource is written TYPE/ID or TYPE/TITLE")
        if types and match[1] not in types:
            raise fields.unknown(resource, match[1], types, what="type")
        for pointer, member in fields.members(resource).items():
            if not pointer.startswith("/"):
                hint = "write it as /config/request/basicAuth/password"
                raise member.key.error("a place is written as a pointer", hint)
            value = _value(member, folder, env)
            yield Entry(match[1], match[2], pointer, value, member.place)


def _value(node: Marked, folder: Path, env: Mapping[str, str]) -> str:
    text = fields.text(node)
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return text
    kind, target = match.groups()
    found = env.get(target, "") if kind == "env" else _file(node, folder / target)
    if not found:
        raise node.place.error(f"{target} is {'not set' if kind == 'env' else 'empty'}")
    return found


def _file(node: Marked, path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise node.place.error(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise node.place.error(f"{path} is not UTF-8 text") from None
