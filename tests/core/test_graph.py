from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.graph import Edge, Strength, order
from ddsnap.core.values import Address


def node(name: str) -> Address:
    return Address("t", name)


def edges(text: str, strength: Strength = Strength.HARD) -> list[Edge]:
    """``ab bc``: a refers to b, b refers to c."""
    return [Edge(node(pair[0]), node(pair[1]), strength) for pair in text.split()]


def names(addresses: tuple[Address, ...]) -> str:
    return "".join(address.id for address in addresses)


def layers(ordered) -> list[str]:
    return [names(layer) for layer in ordered.layers]


def test_dependencies_come_first_and_ties_by_type_and_id():
    nodes = [Address("b", "1"), Address("a", "2"), Address("a", "1"), Address("z", "0")]
    ordered = order(nodes, [Edge(Address("a", "1"), Address("z", "0"))])
    assert ordered.layers == (
        (Address("a", "2"), Address("b", "1"), Address("z", "0")),
        (Address("a", "1"),),
    )


def test_edges_to_unknown_nodes_are_ignored():
    assert layers(order([node("a")], edges("ab ba"))) == ["a"]


def test_a_circle_is_cut_once_and_named_with_its_path():
    ordered = order(map(node, "abc"), edges("ab bc ca"))
    assert len(ordered.cut) == 1
    assert names(ordered.cycles[0]) == "abca"
    assert sum(map(len, ordered.layers)) == 3


def test_the_soft_edge_of_a_circle_is_cut():
    ordered = order(map(node, "abc"), edges("ab ca") + edges("bc", Strength.SOFT))
    assert ordered.cut == (Edge(node("b"), node("c"), Strength.SOFT),)
    assert layers(ordered) == ["b", "a", "c"]


def test_an_edge_that_is_soft_and_hard_counts_as_hard():
    both = edges("ab", Strength.SOFT) + edges("ab") + edges("ba", Strength.SOFT)
    assert order(map(node, "ab"), both).cut == (Edge(node("b"), node("a"), Strength.SOFT),)


def test_a_reference_to_itself_is_cut():
    ordered = order([node("a")], edges("aa"))
    assert ordered.cut == (Edge(node("a"), node("a")),)
    assert names(ordered.cycles[0]) == "aa"


def test_a_part_of_an_id_is_never_cut():
    ordered = order(map(node, "ab"), edges("ab", Strength.FIXED) + edges("ba"))
    assert ordered.cut == (Edge(node("b"), node("a")),)
    assert layers(ordered) == ["b", "a"]
    assert ordered.stuck == ()


def test_a_circle_of_id_parts_is_stuck_and_named():
    ordered = order(map(node, "abc"), edges("ab ba cc", Strength.FIXED) + edges("cb"))
    assert [names(path) for path in ordered.stuck] == ["aba", "cc"]
    assert ordered.cut == ()
    assert layers(ordered) == ["ab", "c"]


def test_who_only_depends_on_a_circle_keeps_its_edges():
    ordered = order(map(node, "abx"), edges("xa ab ba"))
    assert {edge.source.id for edge in ordered.cut} <= {"a", "b"}
    assert layers(ordered) == ["a", "bx"]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(list(Strength))),
        max_size=40,
    )
)
@settings(max_examples=200, deadline=None)
def test_any_graph_is_layered_with_few_cuts(links):
    given_edges = [
        # parts of ids lead one way here, so that nothing is stuck
        Edge(node(str(a)), node(str(b)), strength if a > b else Strength(max(strength, 1)))
        for a, b, strength in links
    ]
    ordered = order([node(str(n)) for n in range(10)], given_edges)
    assert ordered == order([node(str(n)) for n in reversed(range(10))], given_edges[::-1])
    layer = {name: depth for depth, row in enumerate(ordered.layers) for name in row}
    assert len(layer) == 10
    cut = {(edge.source, edge.target) for edge in ordered.cut}
    assert ordered.stuck == ()
    assert all(edge.strength is not Strength.FIXED for edge in ordered.cut)
    for edge in given_edges:
        if (edge.source, edge.target) not in cut:
            assert layer[edge.target] < layer[edge.source]
    assert bool(ordered.cut) == bool(ordered.cycles)


def test_hard_edges_are_kept_where_only_soft_ones_close_circles():
    ordered = order(map(node, "abcd"), edges("ab bc cd") + edges("da ca ba", Strength.SOFT))
    assert {edge.strength for edge in ordered.cut} == {Strength.SOFT}


def test_twenty_thousand_nodes_in_one_circle_and_in_one_chain():
    count = 20_000
    ring = [Edge(node(str(n)), node(str((n + 1) % count))) for n in range(count)]
    ordered = order([node(str(n)) for n in range(count)], ring)
    assert len(ordered.cut) == 1
    assert len(ordered.cycles[0]) == count + 1
    assert len(ordered.layers) == count
    chain = order([node(str(n)) for n in range(count)], ring[:-1])
    assert len(chain.layers) == count
    assert chain.cut == ()
