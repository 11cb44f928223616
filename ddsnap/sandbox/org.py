"""The state of one org: its tables, its ids, its clock, and who owns its keys."""

from __future__ import annotations

import copy
import random
import string
import threading
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import TYPE_CHECKING

from ddsnap.sandbox import disorder, edits, furnish, seed, snapshot, state
from ddsnap.sandbox.table import Table, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddsnap.sandbox.answers import Body

_MOST = 10**12
_SHORT = string.ascii_lowercase.replace("l", "").replace("o", "") + "23456789"


class SandboxOrg:
    """One organization; what happens to it happens under its lock."""

    def __init__(self, name: str) -> None:
        digest = sha256(name.encode()).digest()
        self.name = name
        self.api_key = f"sandbox-api-{name}"
        self.app_key = f"sandbox-app-{name}"
        self.number = 100_000 + int.from_bytes(digest[:4], "big")
        self.public_id = digest.hex()[:11]
        self.lock = threading.RLock()
        self.owner = ""
        self.recovery: Body | None = None
        """The state of disaster recovery: ``{"status": 0..5, "spelling": "hamr_status"}``."""
        self.locations: tuple[str, ...] = ()
        """Datadog's own locations of tests, where they are other ones than usual."""
        self.disorder: random.Random | None = None
        self.bin: dict[str, Body] = {}
        self.burnt: list[str] = []
        self.members: dict[str, dict[str, str]] = {}
        self._ids = random.Random(f"ids of {name}")
        self._next_int = 10_000_000 + int.from_bytes(digest[4:8], "big") % 200_000_000
        self._now = datetime(2000, 1, 1, tzinfo=timezone.utc)
        self._tables: dict[str, Table] = {}
        self._private: dict[tuple[str, str], Body] = {}
        self.uuid = self.new_uuid()
        furnish.furnish(self)

    def load(self, type_name: str, bodies: list[Body]) -> None:
        """Take bodies in as the org's own state: ids and values as they are, nothing checked."""
        with self.lock:
            state.load(self, type_name, bodies)

    def load_snapshot(self, documents: Iterable[tuple[str, Body]]) -> None:
        """Take in a snapshot's documents, by type: ids are kept, what was left out is made up.

        The keys then belong to a person of the snapshot, if it has one who can log in.
        """
        with self.lock:
            snapshot.load_snapshot(self, documents)
            self._forget()

    def skip_ids(self, taken: Iterable[int]) -> None:
        """Give ids from now on that nothing loaded from elsewhere has."""
        self._ids = random.Random(f"more ids of {self.name}")
        self._next_int = max([self._next_int, *(id_ for id_ in taken if id_ < _MOST)])

    def resources(self, type_name: str) -> dict[str, Body]:
        """Return the live bodies of a type by id."""
        table = self.table(type_name)
        table.forget()  # whoever asks may change them
        return table

    def hidden(self, type_name: str, id_: str) -> Body:
        """Return a copy of what the server knows of a resource and answers to nobody."""
        with self.lock:
            return copy.deepcopy(self._private.get((type_name, id_), {}))

    def edit(self, rng: random.Random, count: int) -> list[str]:
        """Make plausible changes as people do; one line of text for each."""
        with self.lock:
            done = edits.edit(self, rng, count)
            self._forget()
            return done

    def shuffle(self, rng: random.Random) -> None:
        """From now on, answer what has no order in any order, and move what is volatile."""
        self.disorder = rng

    def grow(self, number: int, size: int) -> None:
        """Fill the org with an invented, interlinked configuration of about ``size`` resources."""
        with self.lock:
            seed.grow(self, random.Random(number), size)
            self._forget()

    def view(self, body: Body) -> Body:
        """Return an answer's body as a reader sees it today."""
        return body if self.disorder is None else disorder.disordered(body, self.disorder)

    def table(self, type_name: str) -> Table:
        """Return the bodies of a type by id, in the order of creation."""
        table = self._tables.get(type_name)
        if table is None:
            table = self._tables[type_name] = table_of(type_name)
        return table

    def private(self, type_name: str, id_: str) -> Body:
        """Return what the server knows of a resource and does not show when it is read."""
        return self._private.setdefault((type_name, id_), {})

    def now(self) -> datetime:
        """Return the time, later at each call."""
        self._now = max(datetime.now(timezone.utc), self._now + timedelta(microseconds=1))
        return self._now

    def new_int(self) -> int:
        """Return the next integer id."""
        self._next_int += self._ids.randint(1, 7)
        return self._next_int

    def new_uuid(self) -> str:
        """Return a new uuid."""
        text = f"{self._ids.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def new_short(self) -> str:
        """Return a new id of the form abc-def-ghi."""
        text = "".join(self._ids.choices(_SHORT, k=9))
        return f"{text[:3]}-{text[3:6]}-{text[6:]}"

    def new_widget(self) -> int:
        """Return a new widget id of 16 digits."""
        return self._ids.randrange(10**15, 9 * 10**15)

    def _forget(self) -> None:
        for table in self._tables.values():
            table.forget()
