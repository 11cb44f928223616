"""Synthetic tests in four families; each owns a monitor, and a listing shows no steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Json, reject
from ddsnap.sandbox.resources.common import (
    attributes_of,
    body_of,
    data_of,
    found,
    users_of_monitor,
    without,
)
from ddsnap.sandbox.resources.synthetics_rules import check, monitor_of_test, person, stored
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPE = "synthetics_tests"
_MISSING = "Synthetics test not found"
_OF_A_READER = ("org_id", "created_by", "modified_by", "deleted_at", "stepCount",
                "creation_source", "overall_state", "overall_state_modified")  # fmt: skip
_OF_NETWORK = ("config", "creation_source", "locations", "message", "name", "options", "public_id",
               "status", "subtype", "tags", "type")  # fmt: skip


def list_tests(call: Call) -> Answer:
    """All tests, or a page of them where one is asked for; no steps of browser or mobile."""
    rows = [_listed(call, row) for row in call.org.table(_TYPE).values()]
    if not {"page_number", "page_size"} & call.query.keys():
        return Answer({"tests": pages.whole(call, rows)})
    size = pages.number(call, "page_size", 100, least=1)
    first = pages.number(call, "page_number", 0) * size
    return Answer({"tests": pages.whole(call, rows)[first : first + size]})


def get_any(call: Call) -> Answer:
    """One test of the first API, without its steps."""
    return Answer(_seen(without(_row(call, "api", "browser", "mobile"), "steps")))


def get_network(call: Call) -> Answer:
    """One network test."""
    return _network(_row(call, "network"), without_source=True)


def set_status(call: Call) -> Answer:
    """Pause or resume; the time of the last change stays."""
    row = _row(call, "api", "browser", "mobile", "network")
    status = body_of(call).get("new_status")
    if status not in ("live", "paused"):
        raise reject(400, "Parameter 'new_status' must be live or paused")
    row["status"] = status
    return Answer(raw=b"true")


def delete_tests(call: Call) -> Answer:
    """Delete several tests of the first API, and their monitors."""
    sent = body_of(call)
    ids = sent.get("public_ids")
    _refuse_unknown(call, ids, "api", "browser", "mobile")
    _refuse_needed(call, ids, sent)
    now = iso(call.org.now())
    for id_ in ids or []:
        _drop(call, id_)
    return Answer({"deleted_tests": [{"public_id": id_, "deleted_at": now} for id_ in ids or []]})


def delete_any(call: Call) -> Answer:
    """Delete several tests of any family, and their monitors."""
    sent = attributes_of(data_of(call, "delete_tests_request"))
    ids = sent.get("public_ids")
    _refuse_unknown(call, ids, "api", "browser", "mobile", "network")
    _refuse_needed(call, ids, sent)
    for id_ in ids or []:
        _drop(call, id_)
    gone = [{"id": id_, "type": "delete_tests_response"} for id_ in ids or []]
    return Answer({"data": gone})


def _getter(family: str) -> Callable[[Call], Answer]:
    def get(call: Call) -> Answer:
        return Answer(_seen(_row(call, family)))

    return get


def _creator(family: str) -> Callable[[Call], Answer]:
    def create(call: Call) -> Answer:
        return _created(call, family, body_of(call))

    return create


def _updater(family: str) -> Callable[[Call], Answer]:
    def update(call: Call) -> Answer:
        return _updated(call, _row(call, family), body_of(call))

    return update


def create_network(call: Call) -> Answer:
    """Create a network test."""
    return _network(_row_of(call, _created(call, "network", _attributes(call))))


def update_network(call: Call) -> Answer:
    """Replace a network test."""
    row = _row(call, "network")
    return _network(_row_of(call, _updated(call, row, _attributes(call))))


def update_any(call: Call) -> Answer:
    """Replace a test of the first API, whose status may be left out."""
    row = _row(call, "api", "browser", "mobile")
    return _updated(call, row, {"status": row["status"], **body_of(call)})


def _created(call: Call, family: str, sent: Body) -> Answer:
    check(call, family, sent)
    id_, now, who = call.org.new_short(), iso(call.org.now()), person(call)
    row = {"public_id": id_, **stored(call, family, id_, sent), "created_at": now,
           "modified_at": now, "monitor_id": call.org.new_int(), "creator": who,
           "created_by": who, "modified_by": who}  # fmt: skip
    if "terraform" in call.agent:
        row["creation_source"] = "terraform"
    call.org.table(_TYPE)[id_] = row
    call.org.table("monitors of tests")[str(row["monitor_id"])] = monitor_of_test(call.org, row)
    return Answer(_written(call, row))


def _updated(call: Call, row: Body, sent: Body) -> Answer:
    check(call, row["type"], sent)
    if sent.get("subtype") != row.get("subtype"):
        raise reject(400, "Updating sub-type is forbidden")
    id_ = row["public_id"]
    own = ("public_id", "created_at", "monitor_id", "creator", "created_by", "creation_source")
    kept = {name: row[name] for name in own if name in row}
    # What was loaded from elsewhere may not say which monitor the test owns.
    kept = {"monitor_id": call.org.new_int(), "created_at": iso(call.org.now()), **kept}
    new = {**kept, **stored(call, row["type"], id_, sent), "modified_at": iso(call.org.now()),
           "modified_by": person(call)}  # fmt: skip
    call.org.table(_TYPE)[id_] = new
    call.org.table("monitors of tests")[str(new["monitor_id"])] = monitor_of_test(call.org, new)
    told = {"overall_state": 2, "overall_state_modified": iso(call.org.now())}
    return Answer({**without(_written(call, new), "deleted_at"), **told})


def _row(call: Call, *families: str) -> Body:
    row = found(call, _TYPE, call.params["public_id"], reject(404, _MISSING))
    if row["type"] not in families:
        raise reject(404, _MISSING)
    return row


def _row_of(call: Call, answer: Answer) -> Body:
    return call.org.table(_TYPE)[answer.body["public_id"]]


def _attributes(call: Call) -> Body:
    data = body_of(call).get("data")
    if not isinstance(data, dict) or data.get("type") not in ("network", "network_test"):
        raise reject(400, "Invalid request body: type must be 'network'")
    return attributes_of(data)


def _listed(call: Call, row: Body) -> Body:
    shown = without(_seen(row), "steps")
    if call.query.get("include_metadata") != "true":
        return without(shown, "metadata")
    return {**shown, "options": {**shown["options"], "downtime_ids": []}}


def _seen(row: Body) -> Body:
    return without(row, *_OF_A_READER)


def _written(call: Call, row: Body) -> Body:
    shown = {**without(row, "creator", "metadata"), "deleted_at": None, "org_id": call.org.number}
    if "steps" in row:
        checks = sum(str(step.get("type", "")).startswith("assert") for step in row["steps"])
        counts = {"assertions": checks, "subtests": 0, "total": len(row["steps"])}
        shown["stepCount"] = {**counts, "nested_steps": 0}
    shown["options"] = {**row["options"], "bits_ai_auto_investigate": False}
    return shown


def _network(row: Body, *, without_source: bool = False) -> Answer:
    names = _OF_NETWORK[:1] + _OF_NETWORK[2:] if without_source else _OF_NETWORK
    attributes = {name: row[name] for name in names if name in row}
    attributes["options"] = without(row["options"], "httpVersion")
    data = {"type": "network_test", "attributes": attributes, "id": row["public_id"]}
    return Answer({"data": data})


def _refuse_unknown(call: Call, ids: object, *families: str) -> None:
    table = call.org.table(_TYPE)
    if not isinstance(ids, list) or not ids:
        raise reject(400, "Required parameter 'public_ids' is missing")
    for id_ in ids:
        if not isinstance(id_, str) or id_ not in table or table[id_]["type"] not in families:
            raise reject(404, _MISSING)


def _refuse_needed(call: Call, ids: Json, sent: Body) -> None:
    """Refuse to delete what composites and objectives rest on, unless that is forced."""
    if sent.get("force_delete_dependencies") is True:
        return
    for id_ in ids:
        users = users_of_monitor(call.org, call.org.table(_TYPE)[id_].get("monitor_id", 0))
        if users:
            raise reject(400, f"Synthetics test {id_} is referenced in [{', '.join(users)}]")


def _drop(call: Call, id_: str) -> None:
    row = call.org.table(_TYPE).pop(id_)
    call.org.private(_TYPE, id_).clear()
    call.org.table("monitors of tests").pop(str(row.get("monitor_id")), None)
    call.org.table("restriction_policies").pop(f"synthetics-test:{id_}", None)


_ALL = "/api/v1/synthetics/tests"
_NETWORK = "/api/v2/synthetics/tests/network"
ROUTES = (
    Route("GET", _ALL, list_tests),
    Route("POST", _ALL + "/delete", delete_tests),
    Route("GET", _ALL + "/{public_id}", get_any),
    Route("PUT", _ALL + "/{public_id}", update_any),
    Route("PUT", _ALL + "/{public_id}/status", set_status),
    *(Route("POST", f"{_ALL}/{kind}", _creator(kind)) for kind in ("api", "browser", "mobile")),
    *(
        route
        for kind in ("api", "browser", "mobile")
        for route in (
            Route("GET", f"{_ALL}/{kind}/{{public_id}}", _getter(kind)),
            Route("PUT", f"{_ALL}/{kind}/{{public_id}}", _updater(kind)),
        )
    ),
    Route("POST", _NETWORK, create_network),
    Route("GET", _NETWORK + "/{public_id}", get_network),
    Route("PUT", _NETWORK + "/{public_id}", update_network),
    Route("POST", "/api/v2/synthetics/tests/bulk-delete", delete_any),
)
