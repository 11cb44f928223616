"""The order in which resources can be written: what is referred to comes first.

Where references run in a circle, the weakest of them is cut: it is written after its target exists.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ddsnap.core.values import Address


class Strength(IntEnum):
    """How firmly a reference holds: what it takes to write its document without it."""

    FIXED = 0
    """It is part of the document's id: nothing can be written without it."""
    HARD = 1
    LOOSE = 2
    """It is an element of a list, which can do without it for a while."""
    SOFT = 3


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """``source`` refers to ``target``."""

    source: Address
    target: Address
    strength: Strength = Strength.HARD


@dataclass(frozen=True, slots=True)
class Ordered:
    """What ``order`` answers.

    No edge but the ``cut`` ones leads within a layer or to a later one. ``cycles`` holds one path
    for each group of resources that had to be cut, ``stuck`` those that could not be: their first
    address is also their last.
    """

    layers: tuple[tuple[Address, ...], ...]
    cut: tuple[Edge, ...]
    cycles: tuple[tuple[Address, ...], ...]
    stuck: tuple[tuple[Address, ...], ...]


_Graph: TypeAlias = "list[dict[int, Strength]]"
"""For each node the nodes it refers to."""


def order(nodes: Iterable[Address], edges: Iterable[Edge]) -> Ordered:
    """Put ``nodes`` into layers, dependencies first; edges to other nodes are ignored."""
    names = sorted(set(nodes), key=lambda name: (name.type, name.id))
    graph = _graph(names, edges)
    stuck: list[list[int]] = []
    for group in _circles(graph, Strength.FIXED):
        stuck.append(_path(graph, group, Strength.FIXED))
        _drop_within(graph, group)
    cut: list[tuple[int, int, Strength]] = []
    paths: list[list[int]] = []
    for strength in (Strength.HARD, Strength.LOOSE, Strength.SOFT):
        for group in _circles(graph, strength):
            paths.append(_path(graph, group, strength))
            for source, target in _weakest(graph, group, strength):
                cut.append((source, target, graph[source].pop(target)))
    return Ordered(
        layers=tuple(tuple(names[node] for node in layer) for layer in _layers(graph)),
        cut=tuple(sorted(Edge(names[a], names[b], strength) for a, b, strength in cut)),
        cycles=tuple(tuple(names[node] for node in path) for path in paths),
        stuck=tuple(tuple(names[node] for node in path) for path in stuck),
    )


def _graph(names: Sequence[Address], edges: Iterable[Edge]) -> _Graph:
    number = {name: index for index, name in enumerate(names)}
    graph: _Graph = [{} for _ in names]
    for edge in edges:
        source, target = number.get(edge.source), number.get(edge.target)
        if source is not None and target is not None:
            known = graph[source].get(target, Strength.SOFT)
            graph[source][target] = min(known, edge.strength)
    return graph


def _circles(graph: _Graph, weakest: Strength) -> list[list[int]]:
    """The groups of nodes that reach one another over edges of at least this strength."""
    strong: _Graph = [
        {target: strength for target, strength in targets.items() if strength <= weakest}
        for targets in graph
    ]
    return sorted(
        sorted(group)
        for group in _components(strong)
        if len(group) > 1 or group[0] in strong[group[0]]
    )


def _components(graph: _Graph) -> Iterator[list[int]]:
    """Tarjan's strongly connected components, without recursion."""
    done = len(graph) + 1
    index, low, place = ([0] * len(graph) for _ in range(3))
    path: list[int] = []
    calls: list[tuple[int, Iterator[int]]] = []
    clock = 0
    for root in range(len(graph)):
        entering = None if index[root] else root
        while entering is not None or calls:
            if entering is not None:
                clock += 1
                index[entering] = low[entering] = clock
                place[entering] = len(path)
                path.append(entering)
                calls.append((entering, iter(graph[entering])))
            node, targets = calls[-1]
            entering = next((target for target in targets if not index[target]), None)
            if entering is None:
                calls.pop()
                low[node] = min(low[node], *(low[target] for target in graph[node]), done)
                if low[node] == index[node]:
                    group = path[place[node] :]
                    del path[place[node] :]
                    for member in group:
                        low[member] = done
                    yield group


def _weakest(graph: _Graph, group: list[int], strength: Strength) -> list[tuple[int, int]]:
    """The edges of ``strength`` to cut, so that none of the group's circles is left.

    Nodes are taken one by one, each when all that it holds firmer to is taken, and first those
    that wait for the fewest others; what a node still waits for then is cut.
    """
    members = set(group)
    firm, loose = dict.fromkeys(group, 0), dict.fromkeys(group, 0)
    referring: dict[int, list[int]] = {node: [] for node in group}
    for node in group:
        for target, held in graph[node].items():
            if target in members and held <= strength:
                waits = loose if held == strength else firm
                waits[node] += target != node
                referring[target].append(node)
    cut: list[tuple[int, int]] = []
    taken: set[int] = set()
    ready = [(loose[node], node) for node in group if not firm[node]]
    heapq.heapify(ready)
    while ready:
        waiting, node = heapq.heappop(ready)
        if node in taken or waiting != loose[node]:
            continue
        taken.add(node)
        cut += [
            (node, target)
            for target, held in graph[node].items()
            if held == strength and target in members and (target not in taken or target == node)
        ]
        for other in referring[node]:
            if other not in taken:
                waits = loose if graph[other][node] == strength else firm
                waits[other] -= 1
                if not firm[other]:
                    heapq.heappush(ready, (loose[other], other))
    return cut


def _drop_within(graph: _Graph, group: list[int]) -> None:
    members = set(group)
    for node in group:
        for target in members & graph[node].keys():
            del graph[node][target]


def _path(graph: _Graph, group: list[int], weakest: Strength) -> list[int]:
    """The shortest way from the group's first node back to it."""
    start, members = group[0], set(group)
    came_from: dict[int, int] = {}
    todo = deque([start])
    while todo:
        node = todo.popleft()
        for target in sorted(graph[node]):
            if target not in members or graph[node][target] > weakest:
                continue
            if target == start:
                way = [node]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return [*reversed(way), start]
            if target not in came_from:
                came_from[target] = node
                todo.append(target)
    return [start]


def _layers(graph: _Graph) -> Iterator[list[int]]:
    """Kahn's layers of a graph without circles."""
    waits = [len(targets) for targets in graph]
    referring: list[list[int]] = [[] for _ in graph]
    for node, targets in enumerate(graph):
        for target in targets:
            referring[target].append(node)
    layer = [node for node, count in enumerate(waits) if not count]
    while layer:
        yield layer
        following: list[int] = []
        for node in layer:
            for other in referring[node]:
                waits[other] -= 1
                if not waits[other]:
                    following.append(other)
        layer = sorted(following)
