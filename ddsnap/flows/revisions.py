"""What a user may call a state of an org: a git revision, an org's name, ORG@TIME, live:ORG."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from ddsnap.core.normalize import title_of
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.errors import Damaged, StoreError, UsageError
from ddsnap.flows.at_time import parse_moment, snapshot_at
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.damage import LACKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddsnap.core.manifest import Manifest
    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository

LIVE: Final = "live:"
_ORG: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,39})((?:[~^][0-9]*)*)")
_AT: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,39})@([^{].*)")
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot by the name that the user gave it."""

    label: str
    commit: str
    manifest: Manifest


def find_snapshot(repo: Repository, revision: str, now: datetime | None = None) -> Snapshot:
    """Find the snapshot that ``revision`` names.

    An org's name (``us1``, ``us1~2``) is its branch, ``us1@TIME`` what was in force then; all else
    is git's to resolve. Raises ``UsageError`` where there is no such revision, and ``StoreError``
    where it is no snapshot.
    """
    timed = _AT.fullmatch(revision)
    if timed and repo.branch(f"snapshots/{timed[1]}"):
        now = now or datetime.now().astimezone()
        moment = parse_moment(timed[2], now)
        if moment > now:
            raise UsageError(
                f"{revision} is yet to come", f"{timed[1]} alone means its last snapshot"
            )
        commit = snapshot_at(repo, timed[1], moment)
        return Snapshot(revision, commit, manifest_of(repo, commit, revision))
    match = _ORG.fullmatch(revision)
    tip = repo.branch(f"snapshots/{match[1]}") if match else None
    name = f"{tip}{match[2]}" if match and tip else revision
    try:
        commit = repo.resolve(name)
    except Damaged:
        raise
    except StoreError as error:
        if match and tip and not match[2]:
            told = f"the repository lacks {tip}, which snapshots/{match[1]} leads to"
            raise Damaged(told, LACKING) from error
        raise UsageError(
            f"{revision!r} names neither an org with a snapshot nor a git revision",
            "`ddsnap capture` makes the first snapshot, `ddsnap log` lists those there are",
        ) from error
    return Snapshot(revision, commit, manifest_of(repo, commit, revision))


def find_resources(view: View, catalog: Catalog, wanted: Iterable[str]) -> list[Address]:
    """Find the resources that ``TYPE/ID`` or ``TYPE/TITLE`` name. Raises ``UsageError``."""
    return [_find(view, catalog, text) for text in wanted]


def _find(view: View, catalog: Catalog, text: str) -> Address:
    address = Address.parse(text)
    type_ = catalog.get(address.type)
    if type_ is None or not address.id:
        raise no_resource(text, catalog)
    if view.read(document_path(address)) is not None:
        return address
    titles = [
        (title_of(type_, document.body), document.address)
        for document in view.documents(catalog, only=type_.name)
    ]
    titled = [found for title, found in titles if title == address.id]
    if not titled:
        raise UsageError(
            f"{view.label} holds no {text}{nearest(address, (title for title, _ in titles))}",
            f"`ddsnap show {view.label} {type_.name}` lists them",
        )
    if len(titled) > 1:
        ids = ", ".join(str(found) for found in titled[:_MOST_NAMED])
        raise UsageError(
            f"{len(titled)} {type_.name} are titled {address.id!r}", f"name one: {ids}"
        )
    return titled[0]


def no_resource(text: str, catalog: Catalog) -> UsageError:
    """Return the error for what is no ``TYPE/ID``: its type may be misspelt."""
    type_name, slash, rest = text.partition("/")
    if not slash or type_name in catalog:
        return UsageError(
            f"{text!r} names no resource: write TYPE/ID or TYPE/TITLE",
            "`ddsnap types` shows the types",
        )
    near = get_close_matches(type_name, catalog.names, n=1)
    guess = f" (did you mean '{near[0]}/{rest}'?)" if near else ""
    return UsageError(
        f"{text!r} names no resource: no type is called '{type_name}'{guess}",
        "`ddsnap types` shows the types",
    )


def nearest(wanted: Address, titles: Iterable[str]) -> str:
    """Return a guess at what a misspelt title was meant to be, in brackets; empty for none."""
    by_lower = {title.casefold(): title for title in titles if title}
    near = get_close_matches(wanted.id.casefold(), by_lower, n=_MOST_NAMED)
    names = " or ".join(f"'{wanted.type}/{by_lower[one]}'" for one in near)
    return f" (did you mean {names}?)" if near else ""
