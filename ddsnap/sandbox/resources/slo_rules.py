"""What Datadog demands of an objective, and what it computes: displays, tags, the other query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Body, Json, Rejected, reject
from ddsnap.sandbox.shapes import check_shape

if TYPE_CHECKING:
    from ddsnap.sandbox.org import SandboxOrg
    from ddsnap.sandbox.shapes import Shape

_TYPE_IDS = {"monitor": 0, "metric": 1, "time_slice": 2}
_TIMEFRAMES = ("7d", "30d", "90d")
_COUNT: Shape = {
    "queries": [{"name": "text", "query": "text"}],
    "good_events_formula": {"formula": "text"},
    "bad_events_formula": {"formula": "text"},
    "total_events_formula": {"formula": "text"},
}
_SHAPE: Shape = {
    "name~": "text",
    "type~": "text",
    "description~": "text",
    "tags~": ["text"],
    "groups~": ["text"],
    "thresholds~": [{"timeframe~": "text", "target~": "number", "warning~": "number"}],
    "timeframe~": "text",
    "query~": {"numerator": "text", "denominator": "text"},
    "sli_specification~": {"count~": _COUNT, "time_slice~": "object"},
}
# An operator between two metric queries; braces and parentheses within a query do not count.
_OPERATOR = re.compile(r"\s+([-+*/])\s+(?=[a-z0-9_]+:)")


def check(org: SandboxOrg, sent: Body) -> None:
    """Refuse an objective that Datadog would refuse."""
    check_shape(_SHAPE, sent, _mistyped)
    if not isinstance(sent.get("name"), str) or not sent["name"]:
        raise _invalid("must specify name")
    if sent.get("type") not in _TYPE_IDS:
        raise _invalid("type must be one of monitor, metric, time_slice")
    _check_thresholds(sent)
    _CHECKS[sent["type"]](org, sent)


def derived(org: SandboxOrg, sent: Body) -> Body:
    """Return the objective as it is read, without its id and provenance."""
    thresholds = [_threshold(item) for item in sent["thresholds"]]
    frame = sent.get("timeframe") or thresholds[0]["timeframe"]
    primary = next(item for item in thresholds if item["timeframe"] == frame)
    row = {
        "name": sent["name"],
        "tags": list(sent.get("tags") or []),
        "monitor_tags": _monitor_tags(org, sent),
        "thresholds": thresholds,
        "type": sent["type"],
        "type_id": _TYPE_IDS[sent["type"]],
        "description": sent.get("description") or "",
        "timeframe": frame,
        "target_threshold": primary["target"],
    }
    if "warning" in primary:
        row["warning_threshold"] = primary["warning"]
    if sent["type"] == "metric":
        return {**row, **_both_queries(sent)}
    names = ("sli_specification",) if sent["type"] == "time_slice" else ("monitor_ids", "groups")
    return {**row, **{name: sent[name] for name in names if sent.get(name)}}


def _check_thresholds(sent: Body) -> None:
    thresholds = sent.get("thresholds")
    if not isinstance(thresholds, list) or not thresholds:
        raise _invalid("must specify at least one threshold")
    for item in thresholds:
        if not isinstance(item, dict) or item.get("timeframe") not in _TIMEFRAMES:
            raise _invalid(f"timeframe must be one of {', '.join(_TIMEFRAMES)}")
        target, warning = _number(item.get("target")), _number(item.get("warning"))
        if not 0 < target < 100:
            raise _invalid("target must be between 0 and 100")
        if item.get("warning") is not None and not target < warning < 100:
            raise _invalid("warning must be between target and 100")
    frames = [item["timeframe"] for item in thresholds]
    if len(frames) != len(set(frames)):
        raise _invalid("duplicate timeframes")
    if sent.get("timeframe") is not None and sent["timeframe"] not in frames:
        raise _invalid("timeframe must be that of a threshold")


def _check_monitors(org: SandboxOrg, sent: Body) -> None:
    ids = sent.get("monitor_ids")
    if not isinstance(ids, list) or not ids:
        raise _invalid("must specify monitor_ids")
    for id_ in ids:
        if isinstance(id_, bool) or not isinstance(id_, int) or not _is_monitor(org, id_):
            raise _invalid(f"monitor {id_} not found")
    if sent.get("groups") and len(ids) != 1:
        raise _invalid("groups can be specified for a single monitor only")


def _is_monitor(org: SandboxOrg, id_: int) -> bool:
    tests = org.table("synthetics_tests").values()
    return str(id_) in org.table("monitors") or any(row.get("monitor_id") == id_ for row in tests)


def _check_metric(_org: SandboxOrg, sent: Body) -> None:
    query, count = sent.get("query"), (sent.get("sli_specification") or {}).get("count")
    if query is None and count is None:
        raise _invalid("must specify the query for count types")
    if query is not None:
        for name in ("numerator", "denominator"):
            text = query.get(name) if isinstance(query, dict) else None
            if not isinstance(text, str) or ".as_count()" not in text:
                raise _invalid("Metric queries require the 'as count' modifier")
    elif not isinstance(count, dict) or not count.get("queries"):
        raise _invalid("sli_specification.count must hold queries")
    else:
        _check_count(count)


def _check_count(count: Body) -> None:
    others = {"total_events_formula", "bad_events_formula"} & count.keys()
    if "good_events_formula" not in count or len(others) != 1:
        raise _invalid("sli_specification.count must hold good_events_formula and one other")
    formulas = [count["good_events_formula"], *(count[name] for name in others)]
    complete = all("formula" in one for one in formulas)
    if not complete or any({"name", "query"} - one.keys() for one in count["queries"]):
        raise _invalid("sli_specification.count must name its queries and formulas")


def _check_slices(_org: SandboxOrg, sent: Body) -> None:
    slices = (sent.get("sli_specification") or {}).get("time_slice")
    if not isinstance(slices, dict):
        raise _invalid("must specify sli_specification.time_slice for time_slice types")
    for name in ("query", "comparator", "threshold"):
        if name not in slices:
            raise _invalid(f"sli_specification.time_slice must hold {name}")


_CHECKS = {"monitor": _check_monitors, "metric": _check_metric, "time_slice": _check_slices}


def _threshold(item: Body) -> Body:
    row = {"timeframe": item["timeframe"], **_shown("target", item["target"])}
    return {**row, **_shown("warning", item["warning"])} if item.get("warning") else row


def _shown(name: str, number: float) -> Body:
    # 98.0 is shown as "98."
    return {name: float(number), f"{name}_display": repr(float(number)).removesuffix("0")}


def _monitor_tags(org: SandboxOrg, sent: Body) -> list[str]:
    monitors = org.table("monitors")
    rows = [monitors[str(i)] for i in sent.get("monitor_ids") or [] if str(i) in monitors]
    return sorted({tag for row in rows for tag in row.get("tags") or []})


def _both_queries(sent: Body) -> Body:
    """A ratio is read as two texts and as named queries, whichever was sent."""
    if sent.get("query") is None:
        count = sent["sli_specification"]["count"]
        return {"query": _texts(count), "sli_specification": {"count": count}}
    names: dict[str, str] = {}
    good, total = (_formula(sent["query"][part], names) for part in ("numerator", "denominator"))
    queries = [{"data_source": "metrics", "name": n, "query": text} for text, n in names.items()]
    count = {
        "queries": queries,
        "good_events_formula": {"formula": good},
        "total_events_formula": {"formula": total},
    }
    return {"query": sent["query"], "sli_specification": {"count": count}}


def _formula(text: str, names: dict[str, str]) -> str:
    first, *rest = _OPERATOR.split(text.strip())
    formula = names.setdefault(first, f"query{len(names) + 1}")
    for operator, query in zip(rest[::2], rest[1::2], strict=True):
        name = names.setdefault(query, f"query{len(names) + 1}")
        formula = f"({formula} {operator} {name})"
    return formula


def _texts(count: Body) -> Body:
    queries = {item["name"]: item["query"] for item in count["queries"]}
    good = _filled(count["good_events_formula"], queries)
    if "total_events_formula" in count:
        return {"numerator": good, "denominator": _filled(count["total_events_formula"], queries)}
    bad = _filled(count["bad_events_formula"], queries)
    return {"numerator": good, "denominator": f"({good}) + ({bad})"}


def _filled(formula: Body, queries: dict[str, str]) -> str:
    return re.sub(r"\w+", lambda found: queries.get(found[0], found[0]), formula["formula"])


def _number(value: Json) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else -1.0


def _mistyped(at: str) -> Rejected:
    return _invalid(f"{at} is of the wrong type")


def _invalid(text: str) -> Rejected:
    return reject(400, f"Invalid payload: {text}")
