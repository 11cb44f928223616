"""Datadog's own description of its API: the operations, and the schemas of what they take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from orgs import contract_data

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """A method of a path; ``schema`` is what it takes, ``None`` where it takes no body."""

    method: str
    path: str
    version: str
    schema: Any
    required: bool

    @property
    def spec(self) -> dict[str, Any]:
        """The document that the schema's references point into."""
        return specification(self.version)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others, whatever its placeholders are called."""
        return self.method, nameless(self.path)


@cache
def specification(version: str) -> dict[str, Any]:
    """The whole description of a version of the API, read once for all tests."""
    text = (contract_data() / "openapi" / f"{version}.yaml").read_text()
    spec: dict[str, Any] = yaml.load(text, Loader=_LOADER)
    return spec


def resolved(spec: dict[str, Any], schema: Any) -> Any:
    """Follow references until a schema stands there."""
    while isinstance(schema, dict) and "$ref" in schema:
        found: Any = spec
        for step in schema["$ref"].split("/")[1:]:
            found = found[step]
        schema = found
    return schema


def nameless(path: str) -> str:
    """A templated path without the names of its placeholders."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def find_operation(method: str, path: str) -> Operation | None:
    """Find the operation of a path, filled or templated; a literal segment wins."""
    wanted = nameless(path).strip("/").split("/")
    known = [one for one in _operations().get((method, wanted[1]), ()) if _fits(one.path, wanted)]
    return min(known, key=lambda one: (-one.path.count("/"), one.path.count("{")), default=None)


def exact_operation(method: str, template: str) -> Operation | None:
    """Find the operation of a template, whatever its placeholders are called."""
    found = find_operation(method, template)
    return found if found is not None and found.key == (method, nameless(template)) else None


def _fits(template: str, wanted: list[str]) -> bool:
    steps = template.strip("/").split("/")
    # An id may hold slashes once its path is decoded.
    if len(wanted) > len(steps) and steps[-1].startswith("{"):
        wanted = [*wanted[: len(steps) - 1], "/".join(wanted[len(steps) - 1 :])]
    return len(wanted) == len(steps) and all(
        step.startswith("{") or step == part for step, part in zip(steps, wanted, strict=True)
    )


@cache
def _operations() -> dict[tuple[str, str], list[Operation]]:
    """The operations by method and version."""
    found: dict[tuple[str, str], list[Operation]] = {}
    for version in ("v1", "v2"):
        for path, verbs in specification(version)["paths"].items():
            for verb in set(verbs) & set(_VERBS):
                body = verbs[verb].get("requestBody", {})
                schema = body.get("content", {}).get("application/json", {}).get("schema")
                one = Operation(verb.upper(), path, version, schema, body.get("required", False))
                found.setdefault((one.method, version), []).append(one)
    return found
