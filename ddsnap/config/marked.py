"""YAML whose every value knows its file, line and column, so that a mistake can be pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from ddsnap.errors import ConfigError

if TYPE_CHECKING:
    from ddsnap.core.values import JSON

_TAG = "tag:yaml.org,2002:"
_SCALARS = frozenset({"null", "bool", "int", "float", "str"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def error(self, message: str, hint: str = "") -> ConfigError:
        """Return the error that points here."""
        return ConfigError(f"{self}: {message}", hint)


Value: TypeAlias = Union[bool, int, float, str, "list[Marked]", "dict[str, Marked]", None]


@dataclass(frozen=True, slots=True)
class Marked:
    """A value, its dotted name, where it stands, and where its key does."""

    value: Value
    name: str
    place: Place
    key: Place

    def plain(self) -> JSON:
        """Return the value without its marks."""
        if isinstance(self.value, dict):
            return {name: member.plain() for name, member in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def read(source: bytes, file: str) -> Marked:
    """Read the one YAML document in ``source``; ``file`` is its name in messages."""
    yaml, node = compose(source, file)
    top = Place(file, 1, 1)
    try:
        return Marked(None, "", top, top) if node is None else _Reader(yaml, file).mark(node, "")
    except RecursionError:
        raise top.error("a value is nested too deeply, or within itself") from None


def compose(source: bytes, file: str) -> tuple[Any, Any]:
    """Return the YAML reader and the top node of ``source`` (``None`` where nothing stands)."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - slow to import
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - slow to import

    yaml = YAML(typ="safe", pure=True)
    try:
        text = source.decode()
        return yaml, yaml.compose(text)
    except UnicodeDecodeError as error:
        line, column = _position(source[: error.start].decode())
        raise Place(file, line, column).error("this is not UTF-8 text") from None
    except YAMLError as error:
        raise _broken(error, text, file) from None
    except RecursionError:
        raise Place(file, 1, 1).error("a value is nested too deeply") from None


class _Reader:
    """Turns the nodes of one file into marked values."""

    def __init__(self, yaml: Any, file: str) -> None:
        self.yaml = yaml
        self.file = file

    def mark(self, node: Any, name: str, key: Place | None = None) -> Marked:
        place = Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        return Marked(self._value(node, name, place), name, place, key or place)

    def _value(self, node: Any, name: str, place: Place) -> Value:
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "map":
            return self._members(node, name)
        if kind == "seq":
            return [self.mark(item, f"{name}[{index}]") for index, item in enumerate(node.value)]
        if kind not in _SCALARS:
            return str(node.value) if kind == "timestamp" else _unusual(place, kind)
        try:
            value: Value = self.yaml.constructor.construct_object(node)
        except ValueError:
            raise place.error(f"this is no {kind}") from None
        return value

    def _members(self, node: Any, name: str) -> dict[str, Marked]:
        members: dict[str, Marked] = {}
        for key_node, value_node in node.value:
            key = self.mark(key_node, name)
            if not isinstance(key.value, str):
                raise key.place.error("a key must be a text", "put it in quotes")
            if key.value in members:
                first = members[key.value].key.line
                raise key.place.error(f"duplicate name '{key.value}' (first on line {first})")
            inner = f"{name}.{key.value}" if name else key.value
            members[key.value] = self.mark(value_node, inner, key.place)
        return members


def _unusual(place: Place, kind: str) -> Value:
    if kind == "merge":
        raise place.error("merge keys (<<) are not used here", "write the members out")
    raise place.error(f"the YAML tag '{kind}' is not used here")


def _broken(error: Any, text: str, file: str) -> ConfigError:
    """Say what YAML says; never its excerpt of the file, which may hold a key."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return Place(file, mark.line + 1, mark.column + 1).error(f"not YAML: {error.problem}")
    line, column = _position(text[: getattr(error, "position", 0)])
    return Place(file, line, column).error("not YAML: a character that no YAML file may hold")


def _position(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
