"""What Datadog demands of a monitor's definition, and what it fills in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Body, reject
from ddsnap.sandbox.resources.common import check_roles, held_roles, monitors_of
from ddsnap.sandbox.shapes import check_shape
from ddsnap.sandbox.shapes import invalid as _invalid

if TYPE_CHECKING:
    from ddsnap.sandbox.org import SandboxOrg
    from ddsnap.sandbox.shapes import Shape

# Datadog API v1, schema MonitorType; "synthetics alert" belongs to its test and is never written.
_TYPES = {
    "composite", "event alert", "log alert", "metric alert", "process alert", "query alert",
    "rum alert", "service check", "trace-analytics alert", "slo alert", "event-v2 alert",
    "audit alert", "ci-pipelines alert", "ci-tests alert", "error-tracking alert",
    "database-monitoring alert", "network-performance alert", "cost alert", "data-quality alert",
    "network-path alert", "data-jobs alert", "llm-observability alert",
}  # fmt: skip
_SIMPLE_GROUPS = {
    "log alert", "rum alert", "trace-analytics alert", "audit alert", "event-v2 alert",
    "ci-pipelines alert", "ci-tests alert", "error-tracking alert", "database-monitoring alert",
}  # fmt: skip
_GROUPED = re.compile(r" by \{[^}]+\}|\.by\([^)]+\)")
_COMPARED = re.compile(r"(?:>=|<=|>|<|==|!=)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$", re.IGNORECASE)
_TOKEN = re.compile(r"\s*(?:(\d+)|(&&|\|\||!|\(|\)))")


_SHAPE: Shape = {
    "type~": "text",
    "query~": "text",
    "name~": "text",
    "message~": "text",
    "tags~": ["text"],
    "priority~": "whole",
    "restricted_roles~": ["text"],
    "draft_status~": "text",
    "assets~": [
        {
            "name": "text",
            "url": "text",
            "category": "text",
            "resource_key~": "text",
            "resource_type~": "text",
        }
    ],
    "restriction_policy~": {"bindings": ["object"]},
    "options~": {
        "escalation_message~": "text",
        "evaluation_delay~": "whole",
        "groupby_simple_monitor~": "flag",
        "include_tags~": "flag",
        "locked~": "flag",
        "new_group_delay~": "whole",
        "new_host_delay~": "whole",
        "no_data_timeframe~": "whole",
        "notify_audit~": "flag",
        "notify_by~": ["text"],
        "notify_no_data~": "flag",
        "on_missing_data~": "text",
        "renotify_interval~": "whole",
        "renotify_occurrences~": "whole",
        "renotify_statuses~": ["text"],
        "require_full_window~": "flag",
        "scheduling_options~": {"custom_schedule~": "object", "evaluation_window~": "object"},
        "silenced~": "object",
        "threshold_windows~": "object",
        "thresholds~": "object",
        "timeout_h~": "whole",
        "variables~": ["object"],
    },
}
_ASSETS = (None, "notebook")
_DRAFTS = (None, "draft", "published")
_MISSING = (None, "show_no_data", "show_and_notify_no_data", "resolve", "default")


def check(org: SandboxOrg, sent: Body, *, new: bool) -> None:
    """Refuse a definition that Datadog would refuse."""
    check_shape(_SHAPE, sent)
    for name in ("type", "query"):
        if not isinstance(sent.get(name), str) or not sent[name].strip():
            raise reject(400, f"Missing required attribute: {name}")
    if sent["type"] not in _TYPES:
        raise _invalid("type")
    if sent["type"] == "composite":
        _check_composite(org, sent["query"])
    if sent["type"] == "slo alert":
        _check_slo(org, sent["query"])
    if sent["type"] == "service check":
        _check_groups(sent)
    if sent.get("priority") not in (None, 1, 2, 3, 4, 5):
        raise _invalid("priority")
    check_roles(org, sent.get("restricted_roles"))
    if new:
        _refuse_unheld(org, sent.get("restricted_roles") or [])
    if sent.get("draft_status") not in _DRAFTS:
        raise _invalid("draft_status")
    _check_assets(sent.get("assets") or [])
    _check_options(sent)


def filled(row: Body) -> Body:
    """Return a definition as it is stored: trimmed, thresholds as floats, defaults added."""
    name, message = row.get("name") or "", row.get("message") or ""
    kind = _stored_type(row["type"], row["query"])
    return {
        "type": kind,
        "name": name.strip(),
        "message": message.strip(),
        "tags": row.get("tags") or [],
        "query": row["query"],
        "options": _options(kind, row.get("options") or {}),
        "multi": _GROUPED.search(row["query"]) is not None,
        "priority": row.get("priority"),
        "restricted_roles": row.get("restricted_roles") or None,
        "draft_status": row.get("draft_status") or "published",
    }


def composite_ids(query: str) -> list[int]:
    """Return the ids that a composite query names; refuse what is no such query."""
    tokens, rest = [], query.strip()
    while rest:
        token = _TOKEN.match(rest)
        if token is None:
            raise _invalid("query")
        tokens.append(token)
        rest = rest[token.end() :].lstrip()
    if not _well_formed([token[1] or token[2] for token in tokens]):
        raise _invalid("query")
    return [int(token[1]) for token in tokens if token[1]]


def members(row: Body) -> set[int]:
    """Return the monitors that a stored composite rests on; none for any other monitor."""
    if row.get("type") != "composite":
        return set()
    return {int(digits) for digits in re.findall(r"\d+", row.get("query", ""))}


def _check_composite(org: SandboxOrg, query: str) -> None:
    ids = composite_ids(query)
    if len(set(ids)) < 2 or len(set(ids)) > 10:
        raise _invalid("query")
    if any(str(id_) not in monitors_of(org) for id_ in ids):
        raise reject(400, "Some monitor IDs are invalid")


def _check_groups(sent: Body) -> None:
    if _GROUPED.search(sent["query"]) is None and not (sent.get("options") or {}).get("groupby"):
        raise reject(400, "A service check needs a query with groups")


def _check_slo(org: SandboxOrg, query: str) -> None:
    named = re.match(r"\s*(?:error_budget|burn_rate)\([\"']([^\"']+)[\"']\)", query)
    if named is None:
        raise _invalid("query")
    if named[1] not in org.table("service_level_objectives"):
        raise reject(400, f"SLO not found: {named[1]} not found")


def _well_formed(tokens: list[str]) -> bool:
    depth, operand_next = 0, True
    for token in tokens:
        opens = token in ("!", "(")
        if (opens or token.isdigit()) != operand_next:
            return False
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth < 0:
            return False
        operand_next = opens or token in ("&&", "||")
    return depth == 0 and not operand_next


def _check_assets(assets: list[Body]) -> None:
    """Datadog API v1, schema MonitorAsset; one that is said to be a notebook must name it."""
    for asset in assets:
        if asset.get("category") != "runbook" or asset.get("resource_type") not in _ASSETS:
            raise _invalid("assets")
        if asset.get("resource_type") and not asset.get("resource_key"):
            raise _invalid("assets")
        if not asset.get("name") or not asset.get("url"):
            raise reject(400, "Missing required attribute: assets")


def _refuse_unheld(org: SandboxOrg, roles: list[str]) -> None:
    """A creation is refused where nobody holds a role; an update was recorded that is not."""
    held = held_roles(org) if roles else set()
    for role in roles:
        if role not in held:
            raise reject(400, f"Invalid role: {role} has no active users")


def _check_options(sent: Body) -> None:
    options = sent.get("options") or {}
    thresholds = options.get("thresholds") or {}
    if options.get("on_missing_data") not in _MISSING:
        raise _invalid("options.on_missing_data")
    for name, value in thresholds.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise reject(400, f"Threshold '{name}' is not a number")
    _check_thresholds(sent, thresholds)
    schedule = (options.get("scheduling_options") or {}).get("custom_schedule")
    if schedule and options.get("on_missing_data") is None:
        raise reject(400, "Custom schedules need the option 'on_missing_data'")
    if options.get("notify_by") == ["*"] and not _is_grouped(sent["query"], options):
        raise reject(400, "The option 'notify_by' needs a query with groups")


def _is_grouped(query: str, options: Body) -> bool:
    variables = options.get("variables") or []
    return _GROUPED.search(query) is not None or any(one.get("group_by") for one in variables)


def _check_thresholds(sent: Body, thresholds: Body) -> None:
    for name in ("warning", "critical"):
        recovery = thresholds.get(f"{name}_recovery")
        if recovery is not None and thresholds.get(name) is None:
            raise reject(400, f"A {name} recovery threshold needs a {name} threshold")
    compared = _COMPARED.search(sent["query"])
    critical = thresholds.get("critical")
    if sent["type"] in ("service check", "composite") or compared is None or critical is None:
        return
    if float(compared[1]) != float(critical):
        raise reject(
            400,
            f"Alert threshold ({float(critical)}) does not match that used in the query "
            f"({float(compared[1])}).",
        )


def _stored_type(kind: str, query: str) -> str:
    # Datadog keeps metric and query alerts apart by their query, not by what is sent.
    if kind not in ("metric alert", "query alert"):
        return kind
    if "(current_" in query or "anomalies(" in query or "outliers(" in query:
        return "query alert"
    return "metric alert" if query.startswith("formula(") else kind


def _options(kind: str, sent: Body) -> Body:
    options = dict(sent)
    if "thresholds" in options:
        options["thresholds"] = _thresholds(kind, options["thresholds"] or {})
    if "on_missing_data" not in options:
        options.setdefault("notify_no_data", False)
    options.setdefault("notify_audit", False)
    options.setdefault("new_host_delay", 300)
    options.setdefault("include_tags", True)
    if kind in _SIMPLE_GROUPS:
        options.setdefault("groupby_simple_monitor", False)
    options["silenced"] = options.get("silenced") or {}
    return options


def _thresholds(kind: str, sent: Body) -> Body:
    present = {name: value for name, value in sent.items() if value is not None}
    if kind == "service check":
        return present
    return {name: float(value) for name, value in present.items()}
