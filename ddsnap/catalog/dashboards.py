"""Dashboards and what is made of their widgets: powerpacks, notebooks; and lists of dashboards."""

from __future__ import annotations

from ddsnap.catalog import pages, quirks, shared
from ddsnap.core.resource_type import Call, Ref, ResourceType, Section, Shape, absent, paths

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
    defaults=absent(
        null="reflow_type",
        empty="notify_list restricted_roles tags template_variables template_variable_presets",
        blank="description",
    ),
    read_only=("is_read_only", "author_handle"),
    created_at="created_at",
    modified_at="modified_at",
    create=Call("POST", "/api/v1/dashboard"),
    update=Call("PUT", "/api/v1/dashboard/{id}"),
    delete=Call("DELETE", "/api/v1/dashboard/{id}"),
    undelete=Call(
        "PATCH", "/api/v1/dashboard", body={"data": [{"id": "{id}", "type": "dashboard"}]}
    ),
    refs=(
        Ref("restricted_roles[*]", to=("roles",)),
        Ref("notify_list[*]", to=("users",), by="attributes.handle", soft=True),
        Ref("tags[*]", to=("teams",), by="attributes.handle", starts="team:", soft=True),
        # A preset says what its variables stand for, and no more of them.
        *(
            Ref(
                f"template_variable_presets[*].template_variables[*].{name}",
                text=shared.RUM_VALUE,
                when=shared.OF_RUM,
                like="template_variables[*]",
            )
            for name in ("value", "values")
        ),
    ),
    # One handle that the org does not know, and it refuses the whole dashboard.
    sheds=("notify_list",),
    superseded=("restricted_roles",),
    permissions=("dashboards_read", "dashboards_write"),
)

_MEMBERS = "/api/v2/dashboard/lists/manual/{id}/dashboards"

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
            read=Call("GET", _MEMBERS, answer="dashboards"),
            write=Call("PUT", _MEMBERS, envelope="dashboards"),
            keep=("id", "type"),
        ),
    ),
    fields="id name dashboards",
    provenance=paths("author created"),
    created_at="created",
    derived=("type",),
    volatile=paths("dashboard_count is_favorite modified"),
    unordered=("dashboards",),
    defaults={"dashboards": ([], None)},
    create=Call("POST", "/api/v1/dashboard/lists/manual"),
    update=Call("PUT", "/api/v1/dashboard/lists/manual/{id}"),
    delete=Call("DELETE", "/api/v1/dashboard/lists/manual/{id}"),
    keeps_others=("dashboards",),
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

POWERPACKS = ResourceType(
    name="powerpacks",
    area="dashboards",
    path="/api/v2/powerpacks",
    title="attributes.name",
    pages=pages.POWERPACKS,
    fields=(
        "id type attributes relationships; attributes: name description group_widget tags"
        " template_variables; relationships: author; attributes.group_widget: definition layout"
        " live_span"
    ),
    provenance=("relationships.author",),
    # Widgets that are sent without a number are numbered anew, as on dashboards.
    volatile=("attributes.group_widget.definition.widgets[*].id",),
    unordered=("attributes.tags",),
    defaults=absent(
        null="attributes.group_widget.live_span",
        empty="attributes.tags attributes.template_variables",
        blank="attributes.description",
    ),
    create=Call("POST", "/api/v2/powerpacks"),
    update=Call("PATCH", "/api/v2/powerpacks/{id}"),
    delete=Call("DELETE", "/api/v2/powerpacks/{id}"),
    presets=True,
    permissions=("dashboards_read", "dashboards_write"),
)

NOTEBOOKS = ResourceType(
    name="notebooks",
    area="dashboards",
    path="/api/v1/notebooks",
    title="attributes.name",
    pages=pages.NOTEBOOKS,
    # In the order of creation, an edit moves no notebook to a page that was read already.
    query={"include_cells": "true", "sort_field": "created", "sort_dir": "asc"},
    also=({"is_template": "true"},),
    fields=(
        "id type attributes; attributes: name cells time template_variables status tags"
        " schema_version"
    ),
    provenance=paths("attributes.author attributes.created attributes.modified"),
    derived=paths("attributes.metadata attributes.deleted"),
    volatile=paths(
        "attributes.cells[*].id attributes.metadata.is_favorite attributes.author.icon"
        " attributes.author.title attributes.author.verified attributes.author.disabled"
        " attributes.author.status attributes.author.created_at"
    ),
    unordered=("attributes.tags",),
    injected={"attributes.tags": ("ai_generated", "ai_edited", "human_edited")},
    defaults=absent(
        null="attributes.deleted",
        empty="attributes.tags attributes.template_variables",
        values={"attributes.schema_version": (0, None)},
    ),
    created_at="attributes.created",
    modified_at="attributes.modified",
    create=Call("POST", "/api/v1/notebooks"),
    update=Call("PUT", "/api/v1/notebooks/{id}"),
    delete=Call("DELETE", "/api/v1/notebooks/{id}"),
    merges=("attributes",),
    clears={"attributes.schema_version": {}},
    permissions=("notebooks_read", "notebooks_write"),
)
