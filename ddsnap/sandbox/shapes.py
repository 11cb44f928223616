"""What members of a body must look like, before anything is made of them.

A shape is the name of a plain type, a list of one shape, or an object of shapes by member: a
member may be missing; ``tags~`` may be null too; members that are not named may be anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, Union

from ddsnap.sandbox.answers import reject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ddsnap.sandbox.answers import Json, Rejected

Shape: TypeAlias = Union[str, "list[Shape]", "Mapping[str, Shape]"]


def invalid(name: str) -> Rejected:
    """Make the usual refusal of one member."""
    return reject(400, f"The value provided for parameter '{name}' is invalid")


def check_shape(
    shape: Shape, value: Json, refuse: Callable[[str], Rejected] = invalid, at: str = ""
) -> None:
    """Refuse a value that has another shape, by the place that is wrong."""
    if isinstance(shape, str):
        if not _PLAIN[shape](value):
            raise refuse(at)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise refuse(at)
        for index, item in enumerate(value):
            check_shape(shape[0], item, refuse, f"{at}[{index}]")
    else:
        if not isinstance(value, dict):
            raise refuse(at)
        for key, inner in shape.items():
            name = key.rstrip("~")
            if name in value and (value[name] is not None or name == key):
                check_shape(inner, value[name], refuse, f"{at}.{name}" if at else name)


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_PLAIN: dict[str, Callable[[Json], bool]] = {
    "any": lambda _: True,
    "flag": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "text": lambda value: isinstance(value, str),
    "whole": lambda value: _is_number(value) and isinstance(value, int),
}
