"""Templated paths to functions; each segment is decoded by itself, so ``%2F`` stays inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl, unquote

from ddsnap.sandbox.answers import Answer, Body, Json

if TYPE_CHECKING:
    from ddsnap.sandbox.faults import Fault
    from ddsnap.sandbox.org import SandboxOrg


@dataclass(frozen=True)
class Call:
    """A request whose keys and route were accepted."""

    org: SandboxOrg
    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Json = None
    agent: str = ""
    faults: tuple[Fault, ...] = ()


Handler: TypeAlias = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """One operation of the API."""

    method: str
    template: str
    handle: Handler
    app_key: bool = True


@dataclass(frozen=True)
class Match:
    """Where a request leads; without a route the path or the method is unknown."""

    route: Route | None
    params: dict[str, str]
    known_path: bool


class Router:
    """A tree of path segments; a literal segment wins over a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root: Body = {}
        for route in routes:
            node = self._root
            for segment in route.template.strip("/").split("/"):
                node = node.setdefault("{}" if segment.startswith("{") else segment, {})
            node.setdefault("", {})[route.method] = route

    def find(self, method: str, raw_path: str) -> Match:
        """Find the route of a path as it stood in the request line."""
        segments = [unquote(part) for part in raw_path.lstrip("/").split("/")]
        found = _descend(self._root, segments)
        if found is None:
            return Match(None, {}, known_path=False)
        route = found.get(method)
        return Match(route, _params(route, segments), known_path=True)


def _descend(node: Body, segments: list[str]) -> dict[str, Route] | None:
    if not segments:
        return node.get("")
    for key in (segments[0], "{}"):
        if key and key in node and (key != "{}" or segments[0]):
            found = _descend(node[key], segments[1:])
            if found is not None:
                return found
    return None


def _params(route: Route | None, segments: list[str]) -> dict[str, str]:
    if route is None:
        return {}
    names = route.template.strip("/").split("/")
    return {n[1:-1]: s for n, s in zip(names, segments, strict=True) if n.startswith("{")}


def read_query(text: str) -> dict[str, str]:
    """Read a query string; of a repeated name the last value counts."""
    return dict(parse_qsl(text, keep_blank_values=True))
