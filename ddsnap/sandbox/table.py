"""The bodies of one type by id, and which of them have a key in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Table(dict[str, Body]):
    """Bodies by id, in the order of creation.

    ``alike`` finds those of one key without looking at all of them. Who changes a body in place
    where its key comes from puts it back under its id, or calls ``forget``.
    """

    def __init__(self, keys: Callable[[Body], Iterable[str]]) -> None:
        super().__init__()
        self._keys = keys
        self._ids: dict[str, set[str]] | None = None
        self._keys_of: dict[str, tuple[str, ...]] = {}

    def alike(self, key: str) -> list[Body]:
        """Return the bodies that have a key."""
        if self._ids is None:
            self._ids, self._keys_of = {}, {}
            for id_, body in self.items():
                self._note(self._ids, id_, body)
        return [self[id_] for id_ in sorted(self._ids.get(key, ())) if id_ in self]

    def like(self, body: Body) -> list[Body]:
        """Return the bodies that share a key with another, which need not be here."""
        return [found for key in self._keys(body) for found in self.alike(key)]

    def forget(self) -> None:
        """Look at all bodies again when next asked for those of one key."""
        self._ids = None

    def __setitem__(self, id_: str, body: Body) -> None:
        super().__setitem__(id_, body)
        if self._ids is not None:
            self._drop(self._ids, id_)
            self._note(self._ids, id_, body)

    def _note(self, ids: dict[str, set[str]], id_: str, body: Body) -> None:
        self._keys_of[id_] = tuple(self._keys(body))
        for key in self._keys_of[id_]:
            ids.setdefault(key, set()).add(id_)

    def _drop(self, ids: dict[str, set[str]], id_: str) -> None:
        for key in self._keys_of.pop(id_, ()):
            ids[key].discard(id_)


def _name(body: Body) -> list[str]:
    return [str(body.get("name"))]


def _inner_name(body: Body) -> list[str]:
    return [str(body.get("attributes", {}).get("name"))]


def _handle(body: Body) -> list[str]:
    return [str(body.get("attributes", {}).get("handle"))]


def _team(body: Body) -> list[str]:
    own = body.get("attributes", {})
    return [f"handle {own.get('handle')}", f"name {own.get('name')}"]


def _silence(body: Body) -> list[str]:
    own = body["attributes"]
    told = [own.get("scope"), own.get("monitor_identifier"), own.get("schedule")]
    return [json.dumps(told, sort_keys=True)]


_KEYS: dict[str, Callable[[Body], list[str]]] = {
    "monitors": _name,
    "roles": _inner_name,
    "users": _handle,
    "teams": _team,
    "synthetics_global_variables": _name,
    "downtime_schedules": _silence,
}


def table_of(type_name: str) -> Table:
    """Return an empty table for a type, which knows what its bodies are told apart by."""
    return Table(_KEYS.get(type_name, _nothing))


def _nothing(_body: Body) -> list[str]:
    return []
