"""Which places of a document hold what was a secret in an earlier one, or in what it was made of.

Here a doubt counts for the secret: rather one place too many than one that shows it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.behind import IDENTITIES, fits, holds_marker
from ddsnap.core.normalize import is_secret
from ddsnap.core.secrets import holds_something

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.fields import Parts
    from ddsnap.core.values import JSON, JSONObject


def still_secret(veiled: JSONObject, clear: JSONObject) -> Iterator[Parts]:
    """Yield the places in ``clear`` that hold something, and where ``veiled`` holds a marker."""
    yield from _places(veiled, clear, ())


def _places(veiled: JSON, clear: JSON, at: Parts) -> Iterator[Parts]:
    if is_secret(veiled):
        if holds_something(clear):
            yield at
    elif isinstance(veiled, dict) and isinstance(clear, dict):
        for name in veiled.keys() & clear.keys():
            yield from _places(veiled[name], clear[name], (*at, name))
    elif isinstance(veiled, list) and isinstance(clear, list) and holds_marker(veiled):
        for n, m in _elements(veiled, clear):
            yield from _places(veiled[n], clear[m], (*at, m))


def _elements(veiled: list[JSON], clear: list[JSON]) -> Iterator[tuple[int, int]]:
    """Yield the elements with markers, each with all that it may have become."""
    ours, theirs = [*map(canonical.digest, veiled)], [*map(canonical.digest, clear)]
    equal = Counter(ours) & Counter(theirs)
    former, rest = _without(ours, equal), _without(theirs, equal)
    for n in former:
        if holds_marker(veiled[n]):
            alike = [m for m in rest if fits(veiled[n], clear[m])]
            place = [m for m in rest if m == n and len(veiled) == len(clear)]
            named = [m for m in rest if _share_a_name(veiled[n], clear[m])]
            yield from ((n, m) for m in alike or {*place, *named} or rest)


def _without(digests: list[str], equal: Counter[str]) -> list[int]:
    """Return the positions of what is left when elements that both lists hold are taken out."""
    left, taken = list[int](), Counter[str]()
    for n, digest in enumerate(digests):
        if taken[digest] < equal[digest]:
            taken[digest] += 1
        else:
            left.append(n)
    return left


def _share_a_name(one: JSON, other: JSON) -> bool:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return any(one.get(name) and canonical.same(one[name], other.get(name)) for name in IDENTITIES)
