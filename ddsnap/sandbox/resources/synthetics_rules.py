"""What Datadog demands of a synthetic test, what it fills in, and what it shows to nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Body, Json, reject
from ddsnap.sandbox.resources.common import author, check_roles, without
from ddsnap.sandbox.resources.synthetics_locations import managed
from ddsnap.sandbox.shapes import check_shape
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.sandbox.org import SandboxOrg
    from ddsnap.sandbox.router import Call
    from ddsnap.sandbox.shapes import Shape

_SUBTYPES: dict[str, set[str | None]] = {
    "api": {"dns", "grpc", "http", "icmp", "mcp", "multi", "ssl", "tcp", "udp", "websocket"},
    "browser": {None},
    "mobile": {None},
    "network": {"icmp", "tcp", "udp"},
}
_WRITABLE = ("name", "status", "type", "subtype", "tags", "config", "message", "options",
             "locations", "metadata", "steps")  # fmt: skip
FILLED = {"on_missing_data": "show_no_data", "notify_audit": False, "new_host_delay": 300,
           "include_tags": True}  # fmt: skip
_REQUEST: Shape = {
    "headers": "object",
    "basicAuth": "object",
    "certificate": {"cert": "object", "key": "object"},
    "files": ["object"],
}
_SHAPE: Shape = {
    "name~": "text",
    "message~": "text",
    "status": "text",
    "type": "text",
    "subtype~": "text",
    "tags~": ["text"],
    "locations~": ["text"],
    "options~": {
        "tick_every~": "whole",
        "monitor_options": {"renotify_interval~": "whole"},
        "restricted_roles~": ["text"],
        "device_ids~": ["text"],
    },
    "config~": {
        "assertions~": "list",
        "request": _REQUEST,
        "configVariables": [{"id~": "text", "name": "text", "type": "text", "secure~": "flag"}],
        "variables": [{"id~": "text", "name": "text", "type": "text", "secure~": "flag"}],
        "steps": [{"name~": "text", "request": _REQUEST, "subtestPublicId~": "text"}],
    },
    "steps": [{"name~": "text", "type~": "text", "params~": "object"}],
}
_STEP = {"browser": ("allowFailure", "isCritical", "noScreenshot", "exitIfSucceed",
                     "alwaysExecute"),
         "mobile": ("allowFailure", "isCritical", "noScreenshot")}  # fmt: skip
_USED = re.compile(r"\{\{\s*([A-Z][A-Z0-9_]*)\s*\}\}")


def check(call: Call, family: str, sent: Body) -> None:
    """Refuse a definition that Datadog would refuse; all that lacks is told at once."""
    check_shape(_SHAPE, sent)
    problems = [f"Required parameter '{name}' is missing" for name in _missing(family, sent)]
    config, options = sent.get("config") or {}, sent.get("options") or {}
    if sent.get("status") not in (None, "live", "paused"):
        problems.append("Parameter 'status' must be live or paused")
    if sent.get("type") not in (None, family):
        problems.append(f"Parameter 'type' must be {family}")
    if sent.get("subtype") not in _SUBTYPES[family]:
        problems.append("Parameter 'subtype' is invalid")
    if family == "api" and sent.get("subtype") != "multi" and not config.get("assertions"):
        text = "Minimum number of elements in parameter 'assertions' should be 1"
        problems.insert(0, text)
    if options and not isinstance(options.get("tick_every"), int):
        problems.append("Required parameter 'tick_every' is missing")
    if problems:
        raise reject(400, "\n".join(problems))
    _check_locations(call.org, sent.get("locations") or [])
    _check_variables(call.org, config)
    _check_subtests(call.org, sent)
    check_roles(call.org, options.get("restricted_roles"))


def stored(call: Call, family: str, id_: str, sent: Body) -> Body:
    """Return a definition as it is kept: secrets withheld, steps numbered, defaults filled in."""
    row: Body = {name: sent[name] for name in _WRITABLE if sent.get(name) is not None}
    row = {"status": "live", "tags": [], "type": family, **row}
    row["options"] = _options(row.get("options") or {}, new=call.method == "POST")
    row["config"] = _config(call, id_, sent)
    if row["type"] == "mobile":
        row.setdefault("locations", ["aws:us-west-2"])
    if row["type"] in _STEP:
        row["steps"] = [_step(call, row["type"], step) for step in sent.get("steps") or []]
    else:
        row.pop("steps", None)
    return row


def monitor_of_test(org: SandboxOrg, row: Body) -> Body:
    """Return the monitor that a test owns."""
    options = row["options"]
    name = options.get("monitor_name") or f"[Synthetics] {row['name']}"
    return {
        "id": row["monitor_id"],
        "org_id": org.number,
        "type": "synthetics alert",
        "name": name,
        "message": row.get("message", ""),
        "tags": [*row.get("tags", []), "probe_dc:all"],
        "query": "no_query",
        "options": {**options.get("monitor_options", {}), "synthetics_check_id": row["public_id"]},
        "multi": False,
        "priority": options.get("monitor_priority"),
        "restricted_roles": None,
        "created": row["created_at"],
        "modified": row["modified_at"],
        "deleted": None,
        "overall_state": "No Data",
        "overall_state_modified": None,
        "creator": row.get("creator", {}),
    }


def person(call: Call) -> Body:
    """Return how a test names the owner of the keys."""
    own = author(call)
    return {"name": own["name"], "handle": own["handle"], "email": own["email"]}


def _missing(family: str, sent: Body) -> list[str]:
    needed = ["name", "message", "options", "config"]
    needed += [] if family == "mobile" else ["locations"]
    return [name for name in needed if sent.get(name) is None]


def _check_locations(org: SandboxOrg, locations: list[Json]) -> None:
    for location in locations:
        text = str(location)
        private = text.startswith("pl:") and text in org.table("synthetics_private_locations")
        if text not in managed(org) and not private and not text.startswith("agent:"):
            raise reject(400, f"Location not found: {text}")


def _check_variables(org: SandboxOrg, config: Body) -> None:
    known = org.table("synthetics_global_variables")
    named = [*(config.get("configVariables") or []), *(config.get("variables") or [])]
    unknown = [str(one["id"]) for one in named if one.get("id") and one["id"] not in known]
    if unknown:
        raise reject(400, f"Global variable ids don't exist: {', '.join(unknown)}")


def _check_subtests(org: SandboxOrg, sent: Body) -> None:
    steps = [*((sent.get("config") or {}).get("steps") or []), *(sent.get("steps") or [])]
    for step in steps:
        id_ = step.get("subtestPublicId") or (step.get("params") or {}).get("subtestPublicId")
        if id_ and str(id_) not in org.table("synthetics_tests"):
            raise reject(400, f"Synthetics test not found: {id_}")


def _options(sent: Body, *, new: bool) -> Body:
    options = dict(sent)
    if new and isinstance(options.get("monitor_options"), dict):
        options["monitor_options"] = {**options["monitor_options"], **FILLED}
    return options


def _config(call: Call, id_: str, sent: Body) -> Body:
    config = hide_secrets(call.org.private("synthetics_tests", id_), sent.get("config") or {})
    if isinstance(config.get("request"), dict):
        config["request"] = _request(call, id_, config["request"])
        config = _with_used_variables(call.org, config)
    if "steps" in config:
        config["steps"] = [_api_step(call, id_, step) for step in config["steps"]]
    return config


def _with_used_variables(org: SandboxOrg, config: Body) -> Body:
    """Name the global variables that a request uses without having declared them."""
    if "configVariables" in config:
        return config
    used = [_USED.findall(str(value)) for value in config["request"].values()]
    by_name = {row["name"]: id_ for id_, row in org.table("synthetics_global_variables").items()}
    names = dict.fromkeys(name for found in used for name in found if name in by_name)
    if not names:
        return config
    added = [{"id": by_name[name], "name": name, "type": "global"} for name in names]
    return {**config, "configVariables": added}


def hide_secrets(hidden: Body, config: Body) -> Body:
    """Return a configuration as it is shown; what nobody is shown moves to ``hidden``.

    What is sent takes the place of what was hidden; what is not sent stays as it was.
    """
    kept: Body = {}
    shown = dict(config)
    for name in ("configVariables", "variables"):
        if shown.get(name) is not None:
            shown[name] = [_variable(one, f"config.{name}", hidden, kept) for one in shown[name]]
    for at, request in _requests(config):
        parts = request.get("certificate") or {}
        for part, content in ((name, parts.get(name) or {}) for name in ("cert", "key")):
            place = f"{at}.certificate.{part}.content"
            value = content.get("content", hidden.get(place))
            kept |= {} if value is None else {place: value}
    hidden.clear()
    hidden.update(kept)
    return shown


def _variable(sent: Body, at: str, hidden: Body, kept: Body) -> Body:
    if not sent.get("secure"):
        return sent
    for name in ("pattern", "example"):
        place = f"{at}.{sent.get('name')}.{name}"
        if name in sent or place in hidden:
            kept[place] = sent.get(name, hidden.get(place))
    return without(sent, "pattern", "example")


def _requests(config: Body) -> Iterator[tuple[str, Body]]:
    for at, holder in [("config", config), *((f"config.steps.{step.get('name')}", step)
                                              for step in config.get("steps") or [])]:  # fmt: skip
        if isinstance(holder.get("request"), dict):
            yield f"{at}.request", holder["request"]


def _api_step(call: Call, id_: str, sent: Body) -> Body:
    step = {**sent, "id": sent.get("id") or call.org.new_short()}
    if isinstance(step.get("request"), dict):
        step["request"] = _request(call, id_, step["request"])
    return step


def _request(call: Call, id_: str, sent: Body) -> Body:
    request = dict(sent)
    if "certificate" in request:
        parts = {name: request["certificate"].get(name) for name in ("cert", "key")}
        request["certificate"] = {n: without(part, "content") for n, part in parts.items() if part}
    if "files" in request:
        request["files"] = [_file(call, id_, one) for one in request["files"]]
    return request


def _file(call: Call, id_: str, sent: Body) -> Body:
    key = f"api-upload-file/{id_}/{iso(call.org.now())}_{call.org.new_uuid()}.json"
    return {"bucketKey": key, **without(sent, "content", "encoding")}


def _step(call: Call, family: str, sent: Body) -> Body:
    flags = {name: bool(sent.get(name, False)) for name in _STEP[family]}
    id_ = sent.get("public_id") or call.org.new_short()
    plain = without(sent, "hasNewStepElement", *_STEP[family])
    return {**plain, "public_id": id_, **flags}
