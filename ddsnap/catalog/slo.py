"""Service level objectives and the times that are left out of them."""

from __future__ import annotations

from ddsnap.catalog import pages
from ddsnap.core.resource_type import Call, Demand, Ref, ResourceType, absent, paths

# "Metric queries require the 'as count' modifier", which older objectives lack. Those that count
# the values of a distribution are counts by themselves.
_COUNT = r"\.as_count\(\)|\bcount[:(]"
_NO_COUNT = "has no .as_count(), and Datadog refuses that today; a transformation can add it"

SERVICE_LEVEL_OBJECTIVES = ResourceType(
    name="service_level_objectives",
    area="slo",
    path="/api/v1/slo",
    title="name",
    pages=pages.SLOS,
    fields=(
        "id name type description tags monitor_ids groups thresholds query sli_specification"
        " timeframe target_threshold warning_threshold"
    ),
    provenance=paths("creator created_at modified_at"),
    derived=paths(
        "error type_id monitor_tags configured_alert_ids"
        " thresholds[*].target_display thresholds[*].warning_display"
    ),
    create_only=("type",),
    immutable=("type",),
    unordered=paths("tags monitor_ids monitor_tags groups thresholds configured_alert_ids"),
    defaults=absent(empty="groups tags", blank="description"),
    created_at="created_at",
    modified_at="modified_at",
    # What is written is answered as a list of one.
    create=Call("POST", "/api/v1/slo", envelope="", answer="data[*]"),
    update=Call("PUT", "/api/v1/slo/{id}", envelope="", answer="data[*]"),
    delete=Call("DELETE", "/api/v1/slo/{id}"),
    repeats=("type",),
    demands=(
        Demand("query.numerator", _COUNT, _NO_COUNT),
        Demand("query.denominator", _COUNT, _NO_COUNT),
    ),
    refs=(Ref("monitor_ids[*]", to=("monitors", "synthetics_tests")),),
    permissions=("slos_read", "slos_write"),
)

SLO_CORRECTIONS = ResourceType(
    name="slo_corrections",
    area="slo",
    path="/api/v1/slo/correction",
    title="attributes.description",
    pages=pages.SLO_CORRECTIONS,
    ends="attributes.end",
    fields=(
        "id type attributes; attributes: category description slo_id slo_query start end duration"
        " rrule timezone"
    ),
    provenance=paths(
        "attributes.creator attributes.modifier attributes.created_at attributes.modified_at"
    ),
    create_only=("attributes.slo_id",),
    # What is null in an answer is refused in a request ("Field may not be null").
    defaults={f"attributes.{n}": (None,) for n in paths("slo_id slo_query end duration rrule")},
    created_at="attributes.created_at",
    modified_at="attributes.modified_at",
    modified_by="attributes.modifier.data.attributes.handle",
    create=Call("POST", "/api/v1/slo/correction"),
    update=Call("PATCH", "/api/v1/slo/correction/{id}"),
    delete=Call("DELETE", "/api/v1/slo/correction/{id}"),
    clears={
        "attributes.description": {"attributes.description": ""},
        **{f"attributes.{name}": {} for name in paths("slo_query end duration rrule")},
    },
    irreversible="what a deleted correction left out counts again",
    refs=(Ref("attributes.slo_id", to=("service_level_objectives",)),),
    permissions=("slos_read", "slos_corrections"),
)
