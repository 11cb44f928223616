"""What changed between two documents: for people as changes, for machines as RFC 6902 patches.

Elements of lists are aligned first, so that an insertion is one change and not one per element
behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

import jsonpatch

from ddsnap.core.alignment import Alignment, align
from ddsnap.core.canonical import decode, encode, same
from ddsnap.core.pointers import PointerError, get, join, parse
from ddsnap.errors import DdsnapError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ddsnap.core.values import JSON, JSONObject

# Some releases raise TypeError where a scalar stands in the way.
_FAILURES = (
    DdsnapError,
    jsonpatch.JsonPatchException,
    jsonpatch.JsonPointerException,
    TypeError,
)
_NO_SUCH_PLACE = (jsonpatch.JsonPatchPathNotFound, jsonpatch.JsonPointerException, TypeError)

Path: TypeAlias = "tuple[str | int, ...]"
Unordered: TypeAlias = "Callable[[Path], bool]"

_PLAIN = (str, int, bool, type(None))
"""Of these, equal values of one type have the same bytes."""

_DEEPEST = 50
"""Below this depth a difference is one replacement of the whole value."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change; ``pointer`` leads into the new document, for a removal into the old one.

    Only a move has a ``from_pointer``, which leads into the old document. A moved element that
    was edited too is followed by the changes inside it.
    """

    kind: Literal["add", "remove", "replace", "move"]
    pointer: str
    old: JSON = None
    new: JSON = None
    from_pointer: str | None = None


class PatchError(DdsnapError):
    """An operation of a patch failed: ``index`` counts from 0, ``operation`` is as written."""

    def __init__(self, reason: str, index: int = 0, operation: JSON = None) -> None:
        op, path = "?", "?"
        if isinstance(operation, dict):
            op, path = str(operation.get("op", "?")), str(operation.get("path", "?"))
        super().__init__(f"operation {index + 1} ({op} {path or 'the whole document'}): {reason}")
        self.reason = reason
        self.index = index
        self.operation = operation


# --- for people --------------------------------------------------------------------------------


def changes(old: JSON, new: JSON, *, unordered: Unordered | None = None) -> list[Change]:
    """List what changed from ``old`` to ``new``; nothing exactly if they are the ``same``.

    ``unordered`` says of the path of a list (in the new document) that its order means nothing:
    then no element of it ever moves.
    """
    return list(_compare(old, new, (), (), unordered or (lambda _: False)))


def _compare(
    old: JSON, new: JSON, old_at: Path, new_at: Path, unordered: Unordered
) -> Iterator[Change]:
    shallow = len(new_at) < _DEEPEST
    if isinstance(old, dict) and isinstance(new, dict) and shallow:
        for key in sorted(old.keys() | new.keys()):
            if key not in new:
                yield Change("remove", join((*old_at, key)), old=old[key])
            elif key not in old:
                yield Change("add", join((*new_at, key)), new=new[key])
            else:
                inner = (*old_at, key), (*new_at, key)
                yield from _compare(old[key], new[key], *inner, unordered)
    elif same(old, new):
        return
    elif isinstance(old, list) and isinstance(new, list) and shallow:
        yield from _compare_lists(old, new, old_at, new_at, unordered)
    else:
        yield Change("replace", join(new_at), old, new)


def _compare_lists(
    old: list[JSON], new: list[JSON], old_at: Path, new_at: Path, unordered: Unordered
) -> Iterator[Change]:
    aligned = align(old, new, ordered=not unordered(new_at))
    for i in aligned.removed:
        yield Change("remove", join((*old_at, i)), old=old[i])
    for j, value in enumerate(new):
        pointer = join((*new_at, j))
        if j not in aligned.old_of:
            yield Change("add", pointer, new=value)
            continue
        i = aligned.old_of[j]
        if j in aligned.moved:
            yield Change("move", pointer, old[i], value, join((*old_at, i)))
        if j in aligned.edited:
            yield from _compare(old[i], value, (*old_at, i), (*new_at, j), unordered)


# --- for machines ------------------------------------------------------------------------------


def json_patch(old: JSON, new: JSON) -> list[JSONObject]:
    """Return the RFC 6902 operations that turn ``old`` into exactly ``new``.

    That is one replacement of the whole where the operations would be longer.
    """
    there, wanted = encode(old), encode(new)
    if there == wanted:
        return []
    steps = list(_steps(old, new, ()))
    patch = [step.to_json() for step in steps]
    whole: list[JSONObject] = [{"op": "replace", "path": "", "value": new}]
    shorter = _size(patch) <= _size(whole)
    return patch if shorter and encode(_taken(steps, decode(there))) == wanted else whole


def _size(patch: list[JSONObject]) -> int:
    return len(encode(cast("JSON", patch)))


class _Step(NamedTuple):
    """An operation, with the places that it names in parts."""

    op: Literal["add", "remove", "replace", "move"]
    at: Path
    value: JSON = None
    source: Path = ()

    def to_json(self) -> JSONObject:
        if self.op == "move":
            return {"op": "move", "from": join(self.source), "path": join(self.at)}
        told: JSONObject = {"op": self.op, "path": join(self.at)}
        return told if self.op == "remove" else {**told, "value": self.value}


def _taken(steps: list[_Step], result: Any) -> JSON:
    """Return what the steps make of the document that they were found for, which is used up."""
    for step in steps:
        if not step.at:
            return step.value  # the whole is another
        holder, last, value = _holder(result, step.at), step.at[-1], step.value
        if step.op == "remove":
            del holder[last]
            continue
        if step.op == "move":
            value = _holder(result, step.source).pop(step.source[-1])
        if step.op != "replace" and isinstance(holder, list):
            holder.insert(int(last), value)
        else:
            holder[last] = value
    return cast("JSON", result)


def _holder(document: Any, at: Path) -> Any:
    for part in at[:-1]:
        document = document[part]
    return document


def _steps(old: JSON, new: JSON, at: Path) -> Iterator[_Step]:
    shallow = len(at) < _DEEPEST
    if isinstance(old, dict) and isinstance(new, dict) and shallow:
        for key in sorted(old.keys() - new.keys()):
            yield _Step("remove", (*at, key))
        for key in sorted(new):
            if key not in old:
                yield _Step("add", (*at, key), new[key])
            elif not _identical(old[key], new[key]):
                yield from _steps(old[key], new[key], (*at, key))
    elif isinstance(old, list) and isinstance(new, list) and shallow:
        aligned = align(old, new)
        yield from _arrange(len(old), new, aligned, at)
        for j, i in sorted(aligned.old_of.items()):
            if not _identical(old[i], new[j]):
                yield from _steps(old[i], new[j], (*at, j))
    elif not _identical(old, new):
        yield _Step("replace", at, new)


def _identical(old: JSON, new: JSON) -> bool:
    """Whether two values have the same bytes; mostly a look is enough to tell."""
    if type(old) is type(new) and type(old) in _PLAIN:
        return old == new
    try:
        return old == new and encode(old) == encode(new)
    except RecursionError:  # of the look alone
        return encode(old) == encode(new)


def _arrange(length: int, new: list[JSON], aligned: Alignment, at: Path) -> Iterator[_Step]:
    """Yield the removals, insertions and moves that bring a list into its new order."""
    present = list(range(length))  # the old indexes, as they stand after each operation
    for i in reversed(aligned.removed):
        yield _Step("remove", (*at, i))
        del present[i]
    last = -1  # where the element before the current one stands
    for j, value in enumerate(new):
        i = aligned.old_of.get(j, -1)
        if i < 0:
            yield _Step("add", (*at, last + 1), value)
        elif j in aligned.moved:
            source = present.index(i)
            del present[source]
            last -= source <= last
            if source != last + 1:
                yield _Step("move", (*at, last + 1), source=(*at, source))
        else:
            last = present.index(i, last + 1)
            continue
        last += 1
        present.insert(last, i)


def apply_patch(doc: JSON, patch: Sequence[JSONObject]) -> JSON:
    """Return ``doc`` after the RFC 6902 operations, or raise ``PatchError``; ``doc`` stays."""
    result = decode(encode(doc))
    for index, operation in enumerate(patch):
        result = _apply(result, index, operation)
    return result


def _apply(doc: JSON, index: int, operation: JSONObject) -> JSON:
    try:
        own = _own(operation)
        result: JSON = jsonpatch.JsonPatch([own]).apply(doc, in_place=True)
        # Some releases of the library take true for 1 here.
        if own["op"] == "test" and not same(get(doc, str(own["path"])), own["value"]):
            raise jsonpatch.JsonPatchTestFailed
    except _FAILURES as error:
        raise PatchError(_reason(error, operation), index, operation) from None
    except RecursionError:
        raise PatchError("its value is nested too deep", index, operation) from None
    return result


def _own(operation: JSONObject) -> JSONObject:
    """Return a copy, so that no later operation reaches into the patch."""
    copy = decode(encode(operation))
    if not isinstance(copy, dict):
        raise jsonpatch.InvalidJsonPatch("an operation must be an object")
    return copy


def _reason(error: Exception, operation: JSON) -> str:
    """Say what went wrong without the values of the document, which errors here may quote."""
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return "what is there is not what it tests for"
    if isinstance(error, _NO_SUCH_PLACE):
        try:
            for member in ("path", "from"):
                if isinstance(operation, dict):
                    parse(str(operation.get(member, "")))
        except PointerError as malformed:
            return malformed.message
        return "there is no such place in the document"
    return str(error)
