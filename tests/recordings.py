"""Recorded exchanges with the real service: what was sent and accepted, and what was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml
from orgs import contract_data

from ddsnap.catalog import CATALOG
from ddsnap.core.fields import FieldPath, field_path, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Recording:
    """One exchange; ``sent`` is the request's body."""

    type: str
    name: str
    form: str
    method: str
    path: str
    status: int
    sent: Any
    answered: Any

    @property
    def accepted(self) -> bool:
        """Whether the service took the request."""
        return self.status < 300

    def items(self) -> Iterator[dict[str, Any]]:
        """Yield the resources that the answer shows whole, without their envelope."""
        body, type_ = self.answered, CATALOG[self.type]
        if not self.accepted or self.form not in ("list_item", "get", "create", "update"):
            return
        if self.form == "create" and type_.create and type_.create.answer:
            body = value_at(body, type_.create.answer)
        elif self.type == "synthetics_tests" and "data" in body:
            body = body["data"]["attributes"]
        elif self.form != "list_item" and type_.envelope:
            body = body[type_.envelope]
        yield from body if isinstance(body, list) else [body]


@cache
def recordings(type_name: str) -> tuple[Recording, ...]:
    """Everything that is recorded of a type."""
    paths = sorted((contract_data() / "samples" / type_name).glob("*.json"))
    return tuple(_read(type_name, path.stem, json.loads(path.read_text())) for path in paths)


def _read(type_name: str, name: str, raw: dict[str, Any]) -> Recording:
    return Recording(
        type=type_name,
        name=name,
        form=raw["form"],
        method=raw["request"]["method"],
        path=raw["request"]["path"],
        status=raw["status"],
        sent=raw["request_body"],
        answered=raw["response"],
    )


@cache
def not_sent(type_name: str) -> tuple[FieldPath, ...]:
    """What is answered and not sent: the service's own fields, and what has an API of its own."""
    type_ = CATALOG[type_name]
    facts = next(one for one in _facts()["peer_types"] if one["name"] == type_name)
    told = [path for paths in (facts.get("server_fields") or {}).values() for path in paths]
    ours = (*type_.identity, *type_.provenance, *type_.derived, *type_.volatile)
    return tuple(map(field_path, (*told, *ours, *(section.at for section in type_.sections))))


@cache
def _facts() -> dict[str, Any]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    facts: dict[str, Any] = yaml.load((contract_data() / "catalogue.yaml").read_text(), loader)
    return facts
