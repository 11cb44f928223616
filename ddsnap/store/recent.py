"""What was read a moment ago, kept as long as there is room."""

from __future__ import annotations

from collections import OrderedDict


class Recent:
    """Objects by name, up to ``room`` bytes in all; the one used longest ago goes first."""

    def __init__(self, room: int) -> None:
        self._largest = room // 8
        self._room = room
        self._held: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, sha: bytes) -> bytes | None:
        """Return an object's content if it is still here."""
        data = self._held.get(sha)
        if data is not None:
            self._held.move_to_end(sha)
        return data

    def put(self, sha: bytes, data: bytes) -> None:
        """Keep an object, unless it would push out most of the others."""
        if len(data) > self._largest or sha in self._held:
            return
        self._held[sha] = data
        self._room -= len(data)
        while self._room < 0:
            _, gone = self._held.popitem(last=False)
            self._room += len(gone)
