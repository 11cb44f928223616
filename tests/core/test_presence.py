"""What is disabled, and the policy of what is gone: listed, and not there."""

from __future__ import annotations

from typing import Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.deletion import order_deletions
from ddsnap.core.directory import read_directory
from ddsnap.core.plan import make_plan
from ddsnap.core.presence import lives
from ddsnap.core.values import Address, Document


def doc(address: str, **body: Any) -> Document:
    there = Address.parse(address)
    return Document(there, {"id": there.id, **body})


def policy(object_: str) -> Document:
    bindings = [{"relation": "editor", "principals": ["role:r"]}]
    attributes = {"bindings": bindings}
    return doc(f"restriction_policies/{object_}", type="restriction_policy", attributes=attributes)


BOARD = doc("dashboards/d", title="Board", layout_type="ordered", widgets=[])
ROLE = doc("roles/r", type="roles", attributes={"name": "ops"})
USER = doc("users/u", type="users", attributes={"handle": "ada", "disabled": True})
COMPLETE = dict.fromkeys(CATALOG.names, "complete")


@pytest.mark.parametrize("board", [True, False])
def test_a_policy_is_there_with_what_it_protects(board: bool) -> None:
    documents = [policy("dashboard:d"), policy("workflow:w"), USER, *([BOARD] if board else [])]
    directory = read_directory(documents, CATALOG)
    there = {str(one) for one in directory.entries if lives(directory, one, CATALOG)}
    # What protects something of a type that nobody captures is taken on trust.
    others = {"dashboards/d", "restriction_policies/dashboard:d"} if board else set()
    assert there == {"restriction_policies/workflow:w", *others}
    assert not lives(directory, Address("roles", "other"), CATALOG)


@pytest.mark.parametrize("board", [True, False])
def test_a_policy_of_what_is_gone_holds_nobody(board: bool) -> None:
    documents = [ROLE, policy("dashboard:d"), *([BOARD] if board else [])]
    (step,) = order_deletions(read_directory(documents, CATALOG), {ROLE.address}, CATALOG)
    assert step.kind == ("blocked" if board else "delete")


@pytest.mark.parametrize(("state", "kind"), [("complete", "unchanged"), ("stale", "blocked")])
def test_nothing_is_done_about_the_policy_of_what_is_gone(state: str, kind: str) -> None:
    source, states = [ROLE, policy("dashboard:d")], COMPLETE | {"dashboards": state}
    plan = make_plan(lambda: source, lambda: [ROLE], {}, CATALOG, states=states)
    action = plan.action(Address("restriction_policies", "dashboard:d"))
    assert action is not None
    assert (action.kind, action.writes) == (kind, False)
    gone = ("dashboards/d is gone from the source",)
    assert (action.reasons == gone) is (state == "complete")
