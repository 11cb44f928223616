"""Dashboards and the lists that hold them."""

from __future__ import annotations

from ddsnap.catalog import pages, quirks
from ddsnap.core.resource_type import Call, Ref, ResourceType, Section, Shape, paths

DASHBOARDS = ResourceType(
    name="dashboards",
    area="dashboards",
    path="/api/v1/dashboard",
    title="title",
    items="dashboards",
    envelope="",
    pages=pages.DASHBOARDS,
    detail=True,  # the listing omits the widgets
    hint="modified_at",
    shape=Shape(read=quirks.tabs_by_position, write=quirks.as_it_is),
    fields=(
        "id title description layout_type reflow_type notify_list restricted_roles tabs tags"
        " template_variables template_variable_presets widgets"
    ),
    provenance=paths("author_handle author_name created_at modified_at"),
    derived=paths("url deleted_at experience_type is_read_only"),
    # The server numbers widgets anew whenever they are sent without a number.
    volatile=paths("widgets[*].id widgets[*].definition.widgets[*].id"),
    unordered=paths("restricted_roles notify_list tags"),
    defaults={
        "description": ("", None),
        "notify_list": ([], None),
        "reflow_type": (None,),
        "restricted_roles": ([], None),
        "tags": ([], None),
        "template_variables": ([], None),
        "template_variable_presets": ([], None),
    },
    modified_at="modified_at",
    create=Call("POST", "/api/v1/dashboard"),
    update=Call("PUT", "/api/v1/dashboard/{id}"),
    delete=Call("DELETE", "/api/v1/dashboard/{id}"),
    refs=(
        Ref("restricted_roles[*]", to=("roles",)),
        Ref("notify_list[*]", to=("users",), by="attributes.handle", soft=True),
        Ref("tags[*]", to=("teams",), by="attributes.handle", starts="team:", soft=True),
    ),
    permissions=("dashboards_read", "dashboards_write"),
)

DASHBOARD_LISTS = ResourceType(
    name="dashboard_lists",
    area="dashboards",
    path="/api/v1/dashboard/lists/manual",
    title="name",
    items="dashboard_lists",
    envelope="",
    # The name lives in one API, the members in another.
    sections=(
        Section(
            at="dashboards",
            read=Call("GET", "/api/v2/dashboard/lists/manual/{id}/dashboards", answer="dashboards"),
            write=Call("PUT", "/api/v2/dashboard/lists/manual/{id}/dashboards"),
            keep=("id", "type"),
        ),
    ),
    hint="modified",
    fields="id name dashboards",
    provenance=paths("author created"),
    derived=("type",),
    volatile=paths("dashboard_count is_favorite modified"),
    unordered=("dashboards",),
    defaults={"dashboards": ([], None)},
    create=Call("POST", "/api/v1/dashboard/lists/manual"),
    update=Call("PUT", "/api/v1/dashboard/lists/manual/{id}"),
    delete=Call("DELETE", "/api/v1/dashboard/lists/manual/{id}"),
    refs=(
        # Other kinds of members are Datadog's own dashboards and keep their ids.
        Ref(
            "dashboards[*].id",
            to=("dashboards",),
            when=("type", ("custom_timeboard", "custom_screenboard")),
        ),
    ),
    permissions=("dashboards_read", "dashboards_write"),
)
