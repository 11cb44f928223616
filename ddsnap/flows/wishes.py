"""What a replay was asked to do, as the journal keeps it: enough to ask for the same again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ddsnap.core.directory import foreign_types
from ddsnap.core.id_map import Mapped
from ddsnap.core.select import Selection, parse_filter
from ddsnap.core.values import Address
from ddsnap.errors import UsageError
from ddsnap.flows.revisions import find_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.select import Filter
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.view import View


@dataclass(frozen=True)
class Wishes:
    """``words`` are types, ``TYPE/ID`` or ``TYPE/TITLE``; ``filters`` as on the command line.

    ``transforms`` are the rules that were named, ``adopt`` counterparts as ``TYPE/ID=ID``.
    """

    words: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    transforms: tuple[str, ...] = ()
    adopt: tuple[str, ...] = ()
    dependencies: bool = True
    live: bool = False
    delete: bool = False
    delete_adopted: bool = False
    max_deletes: str = ""
    create_similar: bool = False
    validate: bool = False
    strict: bool = False
    allow_unmatched: bool = False
    allow_self_lockout: bool = False
    allow_unprotected: bool = False
    undo: str = ""
    """The run that is taken back; then nothing else counts."""
    unmute: bool = False
    """Only what a migration silenced is to be heard again, with ``resume_tests`` tests too."""
    resume_tests: bool = False

    def to_json(self) -> JSONObject:
        """Return what differs from the defaults."""
        told: JSONObject = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                told[field.name] = list(value) if isinstance(value, tuple) else value
        return told

    def command_line(self) -> list[str]:
        """Return it as it stands on the command line."""
        told = [*self.words]
        for text in self.filters:
            told += text.split(" ", 1) if text.startswith("--") else ["--filter", text]
        for name, value in self.to_json().items():
            if name not in ("words", "filters"):
                told += _option(name, value)
        return told

    @classmethod
    def from_json(cls, body: Mapping[str, JSON]) -> Wishes:
        """Read what ``to_json`` wrote; members of newer versions are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(
            **{  # type: ignore[arg-type]
                name: tuple(value) if isinstance(value, list) else value
                for name, value in body.items()
                if name in known
            }
        )

    @property
    def types(self) -> frozenset[str]:
        """The types that were named as a whole."""
        return frozenset(word for word in self.words if "/" not in word)

    @property
    def narrowed(self) -> bool:
        """Whether less than the whole snapshot is wanted."""
        return bool(self.words or self.filters)

    @property
    def is_whole(self) -> bool:
        """Whether the run has to do with all that the snapshot holds."""
        return not (self.narrowed or self.undo or self.unmute)

    def adopted(self, source: View, catalog: Catalog) -> dict[Address, str]:
        """Return the counterparts that were named by hand. Raises ``UsageError``."""
        foreign = foreign_types(catalog)
        return {
            find_resources(source, catalog, [word])[0]: id_
            for word, id_ in self._counterparts()
            if Address.parse(word).type not in foreign
        }

    def foreign(self, catalog: Catalog) -> dict[Address, Mapped]:
        """Return the counterparts of what documents refer to, and nobody captures."""
        foreign = foreign_types(catalog)
        pairs = ((Address.parse(word), id_) for word, id_ in self._counterparts())
        return {one: Mapped(id_, "adopted") for one, id_ in pairs if one.type in foreign}

    def _counterparts(self) -> Iterator[tuple[str, str]]:
        for text in self.adopt:
            word, equals, id_ = text.rpartition("=")
            if not equals or not id_:
                raise UsageError(
                    f"--adopt {text!r}: write TYPE/ID=ID", "the second is the destination's"
                )
            yield word, id_

    def selection(self, source: View, catalog: Catalog) -> Callable[[Address], bool] | None:
        """Return which resources are wanted; ``None`` where nothing narrows them.

        Raises ``UsageError`` for names that the snapshot does not hold, and where nothing is left.
        """
        if not self.narrowed:
            return None
        wanted = set(find_resources(source, catalog, [word for word in self.words if "/" in word]))
        unknown = [name for name in sorted(self.types) if name not in catalog]
        if unknown:
            raise UsageError(f"no type is called '{unknown[0]}'", "`ddsnap types` shows the types")
        passed = self._passed(source, catalog)

        def select(address: Address) -> bool:
            if address in wanted:
                return True
            if passed is not None and address not in passed:
                return False
            return address.type in self.types if self.words else passed is not None

        return select

    def _passed(self, source: View, catalog: Catalog) -> set[Address] | None:
        """Return what the filters select; ``None`` where there are none."""
        if not self.filters:
            return None
        selection = Selection(tuple(parse_filter(text, catalog) for text in self.filters))
        used: Counter[Filter] = Counter()
        passed: set[Address] = set()
        for document in source.documents(catalog):
            type_ = catalog.get(document.address.type)
            matching = selection.matching(type_, document.body) if type_ else ()
            used.update(matching)
            if matching:
                passed.add(document.address)
        for filter_ in selection.unused(used):
            raise UsageError(
                f"{source.label} holds nothing that the filter {filter_.text} selects",
                f"`ddsnap show {source.label} TYPE` lists what it holds",
            )
        return passed


def _option(name: str, value: JSON) -> list[str]:
    """Return an option as it is given: one that is alone, one with a value, or several."""
    if name == "dependencies":
        return ["--no-dependencies"]
    option = "--transform" if name == "transforms" else f"--{name.replace('_', '-')}"
    values = value if isinstance(value, list) else [value]
    return [word for one in values for word in ((option,) if one is True else (option, str(one)))]
