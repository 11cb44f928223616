"""The ways in which Datadog cuts its listings into pages."""

from __future__ import annotations

from ddsnap.core.resource_type import Pages

MONITORS = Pages("after", param="id_offset", size_param="page_size", size=1000)
DASHBOARDS = Pages("offset", param="start", size_param="count", size=1000)
SYNTHETICS = Pages("number", param="page_number", size_param="page_size", size=100)
NUMBERED = Pages("number", param="page[number]", size_param="page[size]", size=100)
COUNTED = Pages("number", "page[number]", "page[size]", 100, total="meta.page.total_count")
TEAMS = Pages("number", "page[number]", "page[size]", 100, total="meta.pagination.total")
POWERPACKS = Pages("offset", param="page[offset]", size_param="page[limit]", size=1000)
# Whether the total that is told counts templates too is not documented: an empty page is proof.
NOTEBOOKS = Pages("offset", param="start", size_param="count", size=100)
SLOS = Pages("offset", "offset", "limit", 1000, total="metadata.page.total_count")
SLO_CORRECTIONS = Pages("offset", "offset", "limit", 100, total="meta.page.total_count")
DOWNTIMES = Pages(
    "offset", "page[offset]", "page[limit]", 100, total="meta.page.total_filtered_count"
)
