"""The operations of a rule's ``patch``: RFC 6902, checked where they stand in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.config import fields
from ddsnap.core import canonical
from ddsnap.core.pointers import PointerError, parse
from ddsnap.core.resource_type import ResourceType
from ddsnap.core.secrets import scan
from ddsnap.core.unchangeable import why_not
from ddsnap.core.values import RESERVED
from ddsnap.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ddsnap.config.marked import Marked
    from ddsnap.core.values import JSON, JSONObject

_MEMBERS: Final = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}
"""What each operation needs; none may say more."""

_ANYTHING: Final = ResourceType(name="rule", area="", path="", constant_id="rule")


def operations(node: Marked, types: Iterable[ResourceType]) -> tuple[JSONObject, ...]:
    """Return the operations of a patch on resources of any of ``types``."""
    if not isinstance(node.value, list):
        raise fields.wrong(node, "a list of operations", "write - {op: ..., path: ...}")
    kinds = tuple(types)
    return tuple(_operation(item, kinds) for item in node.value)


def _operation(node: Marked, types: tuple[ResourceType, ...]) -> JSONObject:
    given = fields.members(node)
    if "op" not in given:
        raise node.place.error(f"{node.name} has no op", f"one of: {', '.join(_MEMBERS)}")
    op = fields.one_of(*_MEMBERS)(given["op"])
    needed = _MEMBERS[op]
    for name, member in given.items():
        if name not in ("op", *needed):
            raise fields.unknown(member, name, ("op", *needed))
    for name in needed:
        if name not in given:
            raise node.place.error(f"{node.name} has no {name}", f"{op} needs it (RFC 6902)")
    _check_places(op, given, types)
    if "value" in given:
        _check_value(given)
    return {"op": op, **{name: given[name].plain() for name in needed}}


def _check_places(op: str, given: Mapping[str, Marked], types: tuple[ResourceType, ...]) -> None:
    for name in ("path", "from"):
        if name not in given:
            continue
        node = given[name]
        pointer = node.value
        if not isinstance(pointer, str):
            raise fields.wrong(node, "a JSON pointer", 'write it as /options/timeout_h, "" is all')
        try:
            parse(pointer)
        except PointerError as error:
            raise node.place.error(f"{node.name}: {error.message}", "see RFC 6901") from None
        if op == "test" or (op == "copy" and name == "from"):
            continue
        why = next(filter(None, (why_not(type_, pointer) for type_ in types)), "")
        if why:
            raise node.place.error(f"{node.name}: {why}", "rules change what people decide")


def _check_value(given: Mapping[str, Marked]) -> None:
    """Refuse what no document may hold; a value under a telling name may be a secret."""
    node = given["value"]
    value = node.plain()
    try:
        canonical.encode(value)
    except UnstorableError as error:
        raise node.place.error(f"{node.name}: {error.message}") from None
    if _holds_reserved(value):
        raise node.place.error(f"{node.name} holds {RESERVED}, which is ddsnap's own member")
    parts = reversed(parse(str(given["path"].value)))
    name = next((part for part in parts if part != "-" and not part.isdigit()), "")
    found = scan(_ANYTHING, {name: value})
    if found:
        hint = "take it out; one that was committed must be revoked"
        raise node.place.error(f"{node.name} looks like a secret: {found[0].why}", hint)


def _holds_reserved(value: JSON) -> bool:
    if isinstance(value, dict):
        return RESERVED in value or any(map(_holds_reserved, value.values()))
    return isinstance(value, list) and any(map(_holds_reserved, value))
