"""Filters that hold for nothing: a mistake on the command line, worth a warning in the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.paths import is_document_path
from ddsnap.core.select import Filter, Selection
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.capture_type import Draft
    from ddsnap.flows.outcome import CaptureResult


@dataclass(frozen=True)
class Watched(Selection):
    """A selection that notes which of its filters held for a document."""

    used: set[Filter] = field(default_factory=set, compare=False, repr=False)

    def keeps(self, type_: ResourceType, body: JSONObject) -> bool:
        """Whether a document is selected."""
        held = self.matching(type_, body)
        self.used.update(held)
        return bool(held) or not self.of(type_.name)


def refuse_unused(
    narrowing: Watched, result: CaptureResult, draft: Draft, catalog: Catalog
) -> None:
    """Raise ``UsageError`` where a filter of the command line holds for nothing."""
    for one in _unused(narrowing, result, draft, catalog):
        raise UsageError(
            f"no resource of {result.org} passes the filter {one.text}",
            f"`ddsnap show {result.org}` tells what there is",
        )


def unused_warnings(
    selection: Watched, result: CaptureResult, draft: Draft, catalog: Catalog
) -> list[str]:
    """Return a warning for each filter of the configuration that holds for nothing."""
    unused = _unused(selection, result, draft, catalog)
    return [f"no resource passes the filter {one.text} of capture.filters" for one in unused]


def _unused(
    selection: Watched, result: CaptureResult, draft: Draft, catalog: Catalog
) -> Iterator[Filter]:
    """Yield the filters that held for nothing that was read, nor for what needed no reading."""
    for one in selection.unused(dict.fromkeys(selection.used, 1)):
        about = [outcome for name, outcome in result.types.items() if one.names(name)]
        read = [outcome for outcome in about if outcome.refreshed and outcome.name in catalog]
        whole = all(outcome.state.whole or outcome.narrowed for outcome in read)
        if (
            read
            and whole
            and not any(_holds_for_stored(one, catalog[outcome.name], draft) for outcome in read)
        ):
            yield one


def _holds_for_stored(one: Filter, type_: ResourceType, draft: Draft) -> bool:
    for path in filter(is_document_path, draft.previous_files(type_.name)):
        body = canonical.decode(draft.read_previous(path) or b"{}")
        if isinstance(body, dict) and one.test(type_, body):
            return True
    return False
