from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.sandbox.table import table_of

if TYPE_CHECKING:
    from collections.abc import Callable

names = st.sampled_from("abc")
ids = st.sampled_from("123456")
steps = st.lists(st.tuples(st.sampled_from(["put", "drop", "rename", "clear", "ask"]), ids, names))


@given(steps)
@settings(deadline=None, max_examples=150)
def test_those_of_one_key_are_those_that_a_look_at_all_finds(steps: list[Any]) -> None:
    table = table_of("monitors")
    for step, id_, name in steps:
        _STEPS[step](table, id_, name)
        for key in "abc":
            scan = [row["id"] for row in table.values() if row["name"] == key]
            assert [row["id"] for row in table.alike(key)] == sorted(scan)


def _rename(table: Any, id_: str, name: str) -> None:
    if id_ in table:
        table[id_]["name"] = name
        table[id_] = table[id_]


_STEPS: dict[str, Callable[[Any, str, str], object]] = {
    "put": lambda table, id_, name: table.__setitem__(id_, {"id": id_, "name": name}),
    "drop": lambda table, id_, _: table.pop(id_, None),
    "rename": _rename,
    "clear": lambda table, _id, _name: table.clear(),
    "ask": lambda table, _id, _name: table.forget(),
}


def test_a_body_that_was_changed_in_place_is_found_after_forgetting() -> None:
    table = table_of("teams")
    table["1"] = {"attributes": {"handle": "h", "name": "n"}}
    assert table.alike("handle h")
    table["1"]["attributes"]["handle"] = "other"
    table.forget()
    assert not table.alike("handle h")
    assert table.alike("handle other") == table.alike("name n")
