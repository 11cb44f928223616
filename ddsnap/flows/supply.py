"""Secrets that a replay is given: by variables of the environment, and by the secrets file."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ddsnap.config.secrets_file import load_secrets
from ddsnap.errors import ConfigError
from ddsnap.store.tracking import is_tracked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from ddsnap.config.secrets_file import Entry
    from ddsnap.core.values import Address
    from ddsnap.store.repository import Repository

PREFIX: Final = "DDSNAP_SECRET_"
_STAND_IN: Final = "stands-in-for-a-secret"


@dataclass(frozen=True, slots=True)
class Need:
    """A resource whose document holds markers: its source address, its title, their pointers.

    These are the places in the document as the transformations leave it, as the plan tells them;
    ``stood`` says of each where it is in the stored one, where that is sure.
    """

    address: Address
    title: str
    pointers: tuple[str, ...]
    stood: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Supplied:
    """Secrets by resource and pointer, as in `Need`."""

    values: Mapping[Address, Mapping[str, str]] = field(default_factory=dict, repr=False)
    known: frozenset[str] = field(default=frozenset(), repr=False)
    """Every value that was given, also where nothing needs it: none may be shown or stored."""
    unused: tuple[str, ...] = ()
    """The variables, and the places in the file, that no marker takes."""
    shared: frozenset[str] = frozenset()
    """The variables that name more than one place, and therefore none."""

    def at(self, address: Address) -> Mapping[str, str]:
        """Return what was given for a resource, by pointer."""
        return self.values.get(address, {})

    def with_stand_ins(self, lacking: Iterable[Need]) -> Supplied:
        """Return these and, for what nobody has given, a text that is no secret."""
        values = {address: dict(found) for address, found in self.values.items()}
        for need in lacking:
            stand_ins = dict.fromkeys(need.pointers, _STAND_IN)
            values[need.address] = stand_ins | values.get(need.address, {})
        return replace(self, values=values)

    def ask(self, address: Address, unknown: Sequence[str]) -> str:
        """Return how the secrets at these pointers can be given."""
        names = {at: variable(address.type, address.id, at) for at in unknown}
        clear = [name for name in names.values() if name not in self.shared]
        others = [at for at, name in names.items() if name in self.shared]
        told = [f"set {', '.join(clear)}"] if clear else []
        if others:
            file = "the file that secrets.file names"
            told.append(f"put {', '.join(others)} under '{address}' in {file}")
        return " and ".join(told)


def variable(type_name: str, name: str, pointer: str) -> str:
    """Return the variable of a secret: ``DDSNAP_SECRET_WEBHOOKS_DEPLOYS_URL``."""
    told = "_".join(_bare(text) for text in (type_name, name, pointer))
    return f"{PREFIX}{told}"


def supply(
    needs: Iterable[Need], env: Mapping[str, str], entries: Collection[Entry] = ()
) -> Supplied:
    """Find what was given for each need; the environment comes before the file, ids before titles.

    A title serves where only one of these resources of its type has it. A variable that could mean
    several places is not used; an entry of the file that could is refused.
    """
    needs = [*needs]
    titles = Counter((need.address.type, need.title) for need in needs if need.title)
    _refuse_shared(entries, needs, titles)
    wanted = [(need, at, _names(need, titles)) for need in needs for at in need.pointers]
    meant: defaultdict[str, set[tuple[Address, str]]] = defaultdict(set)
    for need, at, names in wanted:
        for name in names:
            meant[variable(need.address.type, name, at)].add((need.address, at))
    shared = frozenset(name for name, places in meant.items() if len(places) > 1)
    given = {n: value for n, value in env.items() if n.startswith(PREFIX) and value}
    filed = {(entry.type, entry.name, entry.pointer): entry.value for entry in entries}
    values: dict[Address, dict[str, str]] = {}
    for need, at, names in wanted:
        variables = [variable(need.address.type, name, at) for name in names]
        found = [given[name] for name in variables if name in given and name not in shared]
        keys = [(need.address.type, name, at) for name in names]
        found += [filed[key] for key in keys if key in filed]
        if found:
            values.setdefault(need.address, {})[at] = found[0]
    taken = {(need.address.type, name, at) for need, at, names in wanted for name in names}
    unused = [name for name in given if name not in meant]
    unused += [str(e.place) for e in entries if (e.type, e.name, e.pointer) not in taken]
    known = frozenset({*given.values(), *filed.values()})
    return Supplied(values, known, tuple(unused), shared)


def read_secrets_file(
    repo: Repository, path: Path, env: Mapping[str, str], types: Collection[str] = ()
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Read the secrets file, and what must be said about it; one that git tracks is refused."""
    if is_tracked(repo, path):
        raise ConfigError(
            f"git tracks the secrets file {path}, so that its secrets are in the history",
            "take it out (git rm --cached), ignore it, and revoke what was committed",
        )
    entries = load_secrets(path, env, types)
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return entries, (f"others may read the secrets file {path}: chmod 600 {path}",)
    return entries, ()


def _names(need: Need, titles: Mapping[tuple[str, str], int]) -> list[str]:
    """What a resource may be called where a secret is given."""
    alone = titles.get((need.address.type, need.title)) == 1
    return [need.address.id, *([need.title] if alone else [])]


def _refuse_shared(
    entries: Iterable[Entry], needs: Iterable[Need], titles: Mapping[tuple[str, str], int]
) -> None:
    ids = {(need.address.type, need.address.id) for need in needs}
    for entry in entries:
        count = titles.get((entry.type, entry.name), 0)
        if count > 1 and (entry.type, entry.name) not in ids:
            message = f"{count} {entry.type} are called {entry.name!r}"
            raise entry.place.error(message, "name the one that is meant by its id")


def _bare(text: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")
