"""Doing a run within one org again: its name means another snapshot once it was captured anew."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.flows.history import lives_of, new_ids
from ddsnap.flows.interrupted import to_repeat
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.history import path_history
from ddsnap.store.trees import changed_paths

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ddsnap.flows.prepared import Order
    from ddsnap.flows.takeover import Begun
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Meant:
    """The snapshot that an org's name means for a run, and what of it by the names it had then."""

    commit: str
    words: tuple[str, ...]


def left_open(
    repo: Repository, org: str, words: Sequence[str], filters: Sequence[str] = ()
) -> Meant | None:
    """Return what the org's last run onto itself used, unless that brought back all.

    It holds for what that run was asked for, or less: the name alone means a state of the org as it
    was left half-way.
    """
    begun = to_repeat(repo, org)
    tip = repo.branch(f"snapshots/{org}")
    if begun is None or tip is None or begun.wishes.undo or begun.wishes.unmute:
        return None
    ours, theirs = manifest_of(repo, begun.commit).org, manifest_of(repo, tip).org
    if ours.public_id != theirs.public_id or not _as_narrow(begun, words, filters):
        return None
    named = [_named_then(repo, org, begun, word) for word in words]
    known = tuple(name for name in named if name)
    return Meant(begun.commit, known) if len(known) == len(named) else None


def again(order: Order, org: str) -> str:
    """Return the command that asks an org for the same again, whatever was captured meanwhile.

    Empty where a run repeats itself: between two orgs it does not touch the snapshots it is of.
    """
    if order.source.manifest.org.name != org or order.wishes.undo or order.wishes.unmute:
        return ""
    words = ["ddsnap", order.kind, (order.source.commit or "")[:12], *order.wishes.command_line()]
    return shlex.join([*words, *(() if order.kind == "restore" else ("--to", org))])


def gone_before(view: View, types: Collection[str]) -> str:
    """Say how much of some types earlier snapshots held that did not come back; empty for none."""
    org, told = view.manifest.org.name, []
    for name in sorted(types):
        count = len(_gone(view, org, name))
        if count:
            what = f"{count} {name} were" if count > 1 else f"one of {name} was"
            told.append(f"{what} deleted in earlier snapshots: `ddsnap log {org} {name}`")
    return "; ".join(told)


def _gone(view: View, org: str, type_name: str) -> set[str]:
    repo, gone = view.repo, set[str]()
    for version in path_history(repo, view.commit or "", type_name):
        for parent in version.commit.parents[:1]:
            changed = changed_paths(repo, parent, version.commit.sha)
            gone |= {path for path, _, new in changed if new is None}
    present = {*view.paths(only=type_name)}
    for old, new in new_ids(repo, org, type_name).items():
        if document_path(Address(type_name, new)) in present:
            gone.discard(document_path(Address(type_name, old)))
    return {path for path in gone - present if path.startswith(f"{type_name}/")}


def _as_narrow(begun: Begun, words: Sequence[str], filters: Sequence[str]) -> bool:
    wishes = begun.wishes
    if not wishes.narrowed:
        return True
    return {*wishes.filters} == {*filters} and (bool(words) or not wishes.words)


def _named_then(repo: Repository, org: str, begun: Begun, word: str) -> str:
    """Return by which name the earlier run knew what a word names; empty where it did not."""
    wishes = begun.wishes
    if word in wishes.words or (not wishes.words and "/" not in word):
        return word
    for life in lives_of(repo, org, Address.parse(word)) if "/" in word else ():
        asked = not wishes.words or life.type in wishes.types or str(life) in wishes.words
        if asked and repo.read_file(begun.commit, document_path(life)) is not None:
            return str(life)
    return ""
