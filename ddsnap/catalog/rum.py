"""The order of the retention filters of each RUM application."""

from __future__ import annotations

from ddsnap.core.resource_type import Call, IdPart, Ref, ResourceType, paths

RUM_RETENTION_FILTERS_ORDER = ResourceType(
    name="rum_retention_filters_order",
    area="rum",
    path="/api/v2/rum/applications/{application}/retention_filters",
    items="",
    envelope="",
    parent="rum_applications",
    # Datadog keeps no document of the order: it is the order in which the filters are listed.
    parts=(IdPart("application", at="$ddsnap.id", to="rum_applications"),),
    orders="rum_retention_filters",
    members="data[*].id",
    fields="data; data: id type",
    derived=paths("meta data[*].attributes data[*].meta data[*].relationships"),
    item_path="/api/v2/rum/applications/{application}/retention_filters",
    update=Call("PATCH", "/api/v2/rum/applications/{application}/relationships/retention_filters"),
    refs=(Ref("data[*].id", to=("rum_retention_filters",)),),
    permissions=("rum_apps_read", "rum_retention_filters_write"),
)
