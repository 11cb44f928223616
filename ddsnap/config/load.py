"""Reading ``ddsnap.yaml``: every key is known and of the right form, or its place is named."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from ddsnap.config import fields
from ddsnap.config.marked import Marked, read
from ddsnap.config.model import (
    Capture,
    Config,
    DeleteLimit,
    Http,
    Journal,
    Org,
    Reference,
    Replay,
    Secrets,
)
from ddsnap.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from ddsnap.core.values import JSON

VERSION: Final = 1
RESERVED_NAMES: Final = frozenset({"main", "head", "live"})
"""Names that no org may have: they already mean something where an org's name may stand."""

_ORG_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SITE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9a-f:]+\])(:\d{1,5})?(/[\w.~-]+)*")
_REFERENCE = re.compile(r"(env|file|command):(\S.*)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PERCENT = re.compile(r"(\d{1,2}(?:\.\d+)?|100)%")


def load(path: Path, types: Collection[str] = ()) -> Config:
    """Read the file at ``path``; with ``types``, the types that it names must be among them."""
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", "run 'ddsnap init' to make one") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    return parse(source, str(path), types)


def parse(source: bytes, file: str, types: Collection[str] = ()) -> Config:
    """Read the text of a configuration; ``file`` is its name in messages."""
    top = read(source, file)
    given = fields.members(top)
    if "version" not in given:
        raise top.place.error("version is missing", f"begin the file with 'version: {VERSION}'")
    own = [*fields.members(given["types"])] if "types" in given else []
    known = ("all", *types, *own) if types else ()
    parts: dict[str, Callable[[Marked], object]] = {
        "version": _version,
        "remote": fields.text,
        "orgs": _orgs,
        "capture": partial(_capture, known=known, check_filters=bool(known) and not own),
        "replay": _replay,
        "journal": _journal,
        "secrets": _secrets,
        "http": _http,
        "types": _types,
    }
    return fields.section(top, partial(Config, file=file), parts)


def check_org_name(name: str) -> str:
    """Return ``name`` if an org may be called so."""
    if not _ORG_NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot name an org",
            "use up to 40 of a-z, 0-9 and -, not beginning with -",
        )
    if name in RESERVED_NAMES:
        raise UsageError(f"'{name}' cannot name an org: ddsnap uses the word itself")
    return name


def _version(node: Marked) -> int:
    version = fields.whole(1)(node)
    if version > VERSION:
        raise node.place.error(f"version {version} is newer than this ddsnap", "upgrade ddsnap")
    return version


def _orgs(node: Marked) -> dict[str, Org]:
    return {name: _org(name, member) for name, member in fields.members(node).items()}


def _org(name: str, node: Marked) -> Org:
    try:
        check_org_name(name)
    except UsageError as error:
        raise node.key.error(error.message, error.hint) from None
    parts = {
        "site": _site,
        "api_url": _url,
        "public_id": fields.text,
        "api_key": _reference,
        "app_key": _reference,
    }
    org = fields.section(node, partial(Org, name), parts)
    if org.site and org.api_url:
        place = fields.members(node)["api_url"].key
        raise place.error(f"{node.name} has both site and api_url", "keep one of them")
    return org


def _site(node: Marked) -> str:
    if not _SITE.fullmatch(fields.text(node)):
        hint = "write it as datadoghq.eu; an address with http:// goes under api_url"
        raise fields.wrong(node, "the host name of a Datadog site", hint)
    return fields.text(node)


def _url(node: Marked) -> str:
    url = fields.text(node).removesuffix("/")
    if not _URL.fullmatch(url):
        hint = "write it as http://127.0.0.1:8126"
        raise fields.wrong(node, "an address", hint)
    return url


def _reference(node: Marked) -> Reference:
    match = _REFERENCE.fullmatch(node.value) if isinstance(node.value, str) else None
    if match is None or (match[1] == "env" and not _VARIABLE.fullmatch(match[2])):
        raise node.place.error(
            f"{node.name} must say where the key is, not what it is",
            "write env:NAME, file:PATH or command:...; a key that was committed must be revoked",
        )
    return Reference(match[1], match[2])  # type: ignore[arg-type]


def _capture(node: Marked, known: Collection[str], *, check_filters: bool) -> Capture:
    parts = {
        "types": fields.known(known),
        "exclude": fields.known(known),
        "filters": _filters if check_filters else fields.texts,
        "concurrency": fields.whole(1),
        "full_every": fields.duration,
    }
    return fields.section(node, Capture, parts)


def _filters(node: Marked) -> tuple[str, ...]:
    """Return filters as they are written; what is wrong with one is said at its place."""
    found = fields.texts(node)
    for item in node.value if isinstance(node.value, list) else ():
        _check_filter(item)
    return found


def _check_filter(node: Marked) -> None:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
    from ddsnap.core.select import parse_filter  # noqa: PLC0415

    try:
        parse_filter(fields.text(node), CATALOG)
    except UsageError as error:
        raise node.place.error(f"{node.name}: {error.message}", error.hint) from None


def _replay(node: Marked) -> Replay:
    return fields.section(node, Replay, {"transforms": fields.texts, "max_deletes": _limit})


def parse_limit(text: str) -> DeleteLimit:
    """Read a limit of deletions as the command line has it: a count, or a share (``5%``)."""
    match = _PERCENT.fullmatch(text)
    if match:
        return DeleteLimit(None, float(match[1]))
    if not text.isdecimal():
        raise UsageError(f"--max-deletes {text!r}: write a count, or a share such as 5%")
    return DeleteLimit(int(text))


def _limit(node: Marked) -> DeleteLimit:
    if isinstance(node.value, str):
        match = _PERCENT.fullmatch(node.value)
        if match is None:
            raise fields.wrong(node, 'a count, or a share such as "5%"')
        return DeleteLimit(None, float(match[1]))
    return DeleteLimit(fields.whole(0)(node))


def _journal(node: Marked) -> Journal:
    return fields.section(node, Journal, {"unchanged": fields.one_of("always", "daily")})


def _secrets(node: Marked) -> Secrets:
    form = "TYPE:POINTER, as in webhooks:/url, or TYPE/ID:POINTER for one alone"
    places = fields.matching(r"[a-z0-9_]+(/.+)?:.+", form)
    parts = {"file": fields.optional_text, "allow": places, "redact": places}
    return fields.section(node, Secrets, parts)


def _http(node: Marked) -> Http:
    parts = {
        "connect": fields.duration,
        "read": fields.duration,
        "total": fields.duration,
        "retries": fields.whole(0),
    }
    return fields.section(node, Http, parts)


def _types(node: Marked) -> dict[str, JSON]:
    found = fields.members(node)
    for member in found.values():
        fields.members(member)
    return {name: member.plain() for name, member in found.items()}
