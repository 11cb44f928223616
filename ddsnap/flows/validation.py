"""Asking the destination whether it would take what is to be written, before anything is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddsnap.core.match import portable
from ddsnap.core.paths import document_path
from ddsnap.core.requests import check_request
from ddsnap.core.values import Address
from ddsnap.flows.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ddsnap.core.plan import Plan
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.errors import ApiError
    from ddsnap.flows.replay_source import ReplaySource
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View

_REFUSED = 400


def refusals(
    run: Run, plan: Plan, source: ReplaySource, before: View, now: datetime
) -> tuple[dict[Address, str], list[str]]:
    """Return what the org would refuse, and why; and what could not be asked, as warnings.

    What refers to something that is still to be made cannot be asked about.
    """
    asked: list[tuple[Address, Request]] = []
    open_ = 0
    for address, request in _requests(run, plan, source, before, now):
        if request is None:
            open_ += 1
        else:
            asked.append((address, request))
    refused: dict[Address, str] = {}
    failed: list[str] = []
    for (address, _), error in zip(asked, run.gateway.check(one for _, one in asked), strict=True):
        if error is None or _is_there(run.catalog[address.type], error):
            continue
        if error.status == _REFUSED:
            refused[address] = f"the destination would refuse it: {error.message}"
        else:
            failed.append(f"{address} could not be validated: {error.message}")
    if len(failed) > 1:
        failed = [f"{len(failed)} resources could not be validated; the first: {failed[0]}"]
    told = f"{open_} that name what is still to be made were not validated"
    return refused, [*failed, *([told] if open_ else [])]


def _is_there(type_: ResourceType, error: ApiError) -> bool:
    """Whether an equal one is there, which the write then adopts."""
    return bool(type_.duplicate) and re.search(type_.duplicate, error.message) is not None


def _requests(
    run: Run, plan: Plan, source: ReplaySource, before: View, now: datetime
) -> Iterator[tuple[Address, Request | None]]:
    """Yield the question about each resource that is written and can be asked about, if it can."""
    binding = Binding(plan)
    for action in plan.actions:
        type_ = run.catalog[action.address.type]
        if not type_.checks or not action.writes or action.kind == "delete":
            continue
        if action.base == "destination":
            continue
        _, document = source.load(action.address)
        if binding.missing(document):
            yield action.address, None
            continue
        found = None
        if action.kind != "create":
            there = Address(action.address.type, action.to)
            found = before.document(document_path(there), run.catalog)
        present = portable(type_, found.body) if found else None
        body = binding.written(document, present)
        request = check_request(type_, body, present, action.to, now=now)
        if request is not None:
            yield action.address, request
