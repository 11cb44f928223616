"""What of a document a request says, and in which words: taken, cleared, mended, wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.match import portable
from ddsnap.core.normalize import is_secret
from ddsnap.core.pointers import join
from ddsnap.core.resource_type import Write
from ddsnap.core.values import clone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from ddsnap.core.resource_type import Call, ResourceType
    from ddsnap.core.values import JSON, JSONObject

_PLAIN = Write("", "")


def creation(type_: ResourceType, body: JSONObject) -> Call | None:
    """Return the call that creates such a resource."""
    for path, value, call in type_.create_if:
        if canonical.same(value_at(body, path), value):
            return call
    return type_.create


def told(type_: ResourceType, call: Call, body: JSONObject) -> JSONObject:
    """Return as much of a document as its creation tells."""
    whole, words = portable(type_, body), _words(call)
    for path, other in words.instead.items():
        if value_at(whole, other) is not None:
            field_path(path).put(whole, value_at(whole, other))
    if words.takes:
        return _picked(whole, words.takes)
    return _dropped(whole, (*type_.update_only, *(section.at for section in type_.sections)))


def created(type_: ResourceType, call: Call, body: JSONObject) -> JSONObject:
    """Return the document of a resource that was just created."""
    made = told(type_, call, body)
    for path, value in _words(call).gives.items():
        field_path(path).put(made, value)
    return made


def tells_all(type_: ResourceType, call: Call) -> bool:
    """Whether a creation leaves nothing to be said by an update."""
    words = _words(call)
    rest = (type_.sections, type_.update_only, type_.timely, words.takes, words.gives)
    return not any((*rest, words.instead))


def updatable(type_: ResourceType, body: JSONObject) -> JSONObject:
    """Return what of a document an update can change."""
    whole = portable(type_, body)
    _dropped(whole, (*type_.create_only, *(section.at for section in type_.sections)))
    takes = _words(type_.update).takes
    return _picked(whole, takes) if takes else whole


def timely(
    type_: ResourceType, wanted: JSONObject, there: JSONObject | None, now: datetime
) -> JSONObject:
    """Return the document as it can be written now."""
    return type_.timely(wanted, there, now) if type_.timely else wanted


def as_there(
    type_: ResourceType, wanted: JSONObject, there: JSONObject, now: datetime | None
) -> JSONObject:
    """Return the document with what only time has made another at the destination as it is there.

    That is no difference: an update would leave it alone.
    """
    if type_.timely is None or now is None:
        return wanted
    timed, same = type_.timely(wanted, there, now), clone(wanted)
    for path in type_.spares:
        if _same_at(path, timed, there):
            field_path(path).put(same, value_at(there, path))
    return same


def update_of(
    type_: ResourceType, wanted: JSONObject, there: JSONObject, id_: str, whole: JSONObject
) -> JSONObject:
    """Return what an update says that turns ``there`` into ``wanted``, a part of ``whole``."""
    sent = clone(wanted)
    for path, value in _cleared(type_, wanted, there):
        field_path(path).put(sent, value)
    _dropped(sent, [path for path in type_.spares if _same_at(path, wanted, there)])
    _dropped(sent, [path for path in type_.keeps_secrets if _both_secret(path, wanted, there)])
    for path in type_.repeats:
        if value_at(whole, path) is not None:
            field_path(path).put(sent, value_at(whole, path))
    if type_.id_in_body:
        sent[type_.id] = id_
    return sent


def worded(type_: ResourceType, call: Call, sent: JSONObject) -> JSONObject:
    """Return what is sent in the form that the call takes."""
    words = _words(call)
    for path, value in words.adds.items():
        if value_at(sent, path) is None:
            field_path(path).put(sent, value)
    if words.mend:
        sent = words.mend(sent)
    return type_.shape.write(sent) if type_.shape else sent


def patching(type_: ResourceType, kind: str, there: JSONObject, wanted: JSONObject) -> JSONObject:
    """Return the JSON Patch, in its envelope, that turns ``there`` into ``wanted``.

    Lists are replaced as a whole: the server may hold a set in another order.
    """
    write = type_.shape.write if type_.shape else clone
    changes = list(_operations(write(there), write(wanted), ""))
    named = {operation["path"] for operation in changes}
    for path in type_.repeats if changes else ():
        pointer, value = join(field_path(path).steps), value_at(wanted, path)
        if value is not None and pointer not in named:
            changes.append({"op": "add", "path": pointer, "value": value})
    operations: list[JSON] = [*changes]
    return {"data": {"type": kind, "attributes": {"json_patch": operations}}}


def _operations(there: JSONObject, wanted: JSONObject, way: str) -> Iterator[JSONObject]:
    for name in sorted(there.keys() | wanted.keys()):
        path = f"{way}{join([name])}"
        old, new = there.get(name), wanted.get(name)
        if name not in wanted:
            yield {"op": "remove", "path": path}
        elif isinstance(old, dict) and isinstance(new, dict) and not is_secret(new):
            yield from _operations(old, new, path)
        elif name not in there or not canonical.same(old, new):
            # To add what is there replaces it.
            yield {"op": "add", "path": path, "value": new}


def wrapped(sent: JSONObject, envelope: str, kind: str = "") -> JSONObject:
    """Put an item into its envelope; ``kind`` is the JSON:API type that stands beside it there."""
    if kind:
        sent = {"type": kind, envelope.rpartition(".")[2]: sent}
        envelope = envelope.rpartition(".")[0]
    for name in reversed(envelope.split(".") if envelope else []):
        sent = {name: sent}
    return sent


def merged_objects(type_: ResourceType) -> tuple[str, ...]:
    """Return the objects of which an update leaves alone what it does not name."""
    if type_.merges is not None or type_.update is None:
        return type_.merges or ()
    return ("attributes",) if type_.update.method == "PATCH" else ()


def _cleared(
    type_: ResourceType, wanted: JSONObject, there: JSONObject
) -> Iterator[tuple[str, JSON]]:
    """Yield what says that fields which the destination has shall be gone."""
    for holder in merged_objects(type_):
        have, want = value_at(there, holder), value_at(wanted, holder)
        kept = want.keys() if isinstance(want, dict) else ()
        for name in have if isinstance(have, dict) else ():
            path = f"{holder}.{name}" if holder else name
            if name not in kept and path not in type_.clears:
                yield path, type_.defaults.get(path, (None,))[0]
    for path, words in type_.clears.items():
        if value_at(there, path) is not None and value_at(wanted, path) is None:
            yield from words.items()


def _both_secret(path: str, wanted: JSONObject, there: JSONObject) -> bool:
    return is_secret(value_at(wanted, path)) and is_secret(value_at(there, path))


def _same_at(path: str, one: JSONObject, other: JSONObject) -> bool:
    return canonical.same(value_at(one, path), value_at(other, path))


def _words(call: Call | None) -> Write:
    return call if isinstance(call, Write) else _PLAIN


def _dropped(body: JSONObject, paths: Iterable[str]) -> JSONObject:
    for path in paths:
        field_path(path).remove(body)
    return body


def _picked(body: JSONObject, paths: Iterable[str]) -> JSONObject:
    picked: JSONObject = {}
    for path in map(field_path, paths):
        for slot in path.find(body):
            path.put(picked, slot.value)
    return picked
