"""Who may do what: roles, users, teams and the policies on single objects."""

from __future__ import annotations

from ddsnap.catalog import pages, quirks, shared
from ddsnap.core.resource_type import (
    Call,
    Discover,
    IdPart,
    Named,
    Ref,
    ResourceType,
    Section,
    Write,
    paths,
)

PERMISSIONS = ResourceType(
    name="permissions",
    area="access",
    path="/api/v2/permissions",
    natural_key=("attributes.name",),
    direct=False,
)

# Without a word of it, a role that is written gets Datadog's default permissions too.
_ONLY_THESE = {"attributes.default_permissions_opt_out": True}

ROLES = ResourceType(
    name="roles",
    area="access",
    path="/api/v2/roles",
    title="attributes.name",
    pages=pages.COUNTED,
    hint="attributes.modified_at",
    # Permission ids differ between orgs; their names do not.
    named=(Named("relationships.permissions.data[*].id", lookup="permissions"),),
    fields="id type attributes relationships; attributes: name; relationships: permissions",
    provenance=paths(
        "attributes.created_at attributes.created_by_handle attributes.modified_at"
        " attributes.modified_by_handle"
    ),
    derived=("attributes.managed",),
    volatile=paths("attributes.user_count attributes.team_count"),
    unordered=("relationships.permissions.data",),
    created_at="attributes.created_at",
    modified_at="attributes.modified_at",
    modified_by="attributes.modified_by_handle",
    create=Write("POST", "/api/v2/roles", adds=_ONLY_THESE),
    update=Write("PATCH", "/api/v2/roles/{id}", adds=_ONLY_THESE),
    delete=Call("DELETE", "/api/v2/roles/{id}"),
    id_in_body=True,
    natural_key=("attributes.name",),
    built_in=(
        ("attributes.managed", True),
        ("attributes.name", "Datadog Admin Role"),
        ("attributes.name", "Datadog Standard Role"),
        ("attributes.name", "Datadog Read Only Role"),
    ),
    held="Datadog Admin Role",
    administers="user_access_manage",
    restricts=True,
    permissions=("user_access_read", "user_access_manage"),
)

_NEW_USER = paths("type attributes.email attributes.name attributes.title relationships.roles")
_ENABLED = {"attributes.disabled": False}

USERS = ResourceType(
    name="users",
    area="access",
    path="/api/v2/users",
    title="attributes.handle",
    pages=pages.COUNTED,
    hint="attributes.modified_at",
    sections=(
        Section(
            at="relationships.roles.data",
            read=Call("GET", "/api/v2/users/{id}", answer="data.relationships.roles.data"),
            add=Call("POST", "/api/v2/roles/{item}/users", envelope="data"),
            remove=Call("DELETE", "/api/v2/roles/{item}/users", envelope="data"),
        ),
    ),
    fields=(
        "id type attributes relationships; attributes: name email title disabled handle"
        " service_account; relationships: roles"
    ),
    identity=paths("attributes.uuid relationships.org relationships.other_orgs"),
    provenance=paths("attributes.created_at attributes.modified_at"),
    derived=paths("attributes.allowed_login_methods relationships.team_roles"),
    volatile=paths(
        "attributes.last_login_time attributes.status attributes.verified"
        " attributes.mfa_enabled attributes.icon"
    ),
    create_only=paths("attributes.handle attributes.service_account attributes.title"),
    unordered=("relationships.roles.data",),
    defaults={"attributes.name": ("", None), "attributes.title": ("", None)},
    created_at="attributes.created_at",
    modified_at="attributes.modified_at",
    # The handle is the e-mail at creation; a later e-mail leaves it.
    create=Write(
        "POST",
        "/api/v2/users",
        takes=_NEW_USER,
        instead={"attributes.email": "attributes.handle"},
        gives=_ENABLED,
        permissions=("user_access_invite",),
        pending=(
            "pending, and nobody was invited: Organization Settings > Users does that, or"
            " POST /api/v2/user_invitations"
        ),
    ),
    create_if=(
        (
            "attributes.service_account",
            True,
            Write(
                "POST",
                "/api/v2/service_accounts",
                takes=(*_NEW_USER, "attributes.service_account"),
                gives=_ENABLED,
                permissions=("service_account_write",),
            ),
        ),
    ),
    update=Write(
        "PATCH",
        "/api/v2/users/{id}",
        takes=paths("type attributes.name attributes.email attributes.disabled"),
        permissions=("user_access_manage", "service_account_write"),
    ),
    delete=Call("DELETE", "/api/v2/users/{id}"),
    disabled="attributes.disabled",
    irreversible="a deletion disables the user",
    id_in_body=True,
    natural_key=("attributes.handle",),
    # The handle of a service account is a uuid, and many may have one e-mail.
    key_if=(("attributes.service_account", True, paths("attributes.email attributes.name")),),
    refs=(Ref("relationships.roles.data[*].id", to=("roles",)),),
    permissions=paths(
        "user_access_read user_access_invite user_access_manage service_account_write"
    ),
)

TEAMS = ResourceType(
    name="teams",
    area="access",
    path="/api/v2/team",
    title="attributes.name",
    pages=pages.TEAMS,
    hint="attributes.modified_at",
    fields=(
        "id type attributes relationships; attributes: name handle description avatar banner"
        " visible_modules hidden_modules"
    ),
    provenance=paths("attributes.created_at attributes.modified_at attributes.provisioned_by"),
    derived=paths(
        "attributes.summary attributes.is_managed attributes.color relationships.team_links"
        " relationships.user_team_permissions"
    ),
    volatile=paths("attributes.user_count attributes.link_count"),
    unordered=paths("attributes.visible_modules attributes.hidden_modules"),
    defaults={"attributes.avatar": ("", None), "attributes.description": ("", None)},
    created_at="attributes.created_at",
    modified_at="attributes.modified_at",
    create=Write("POST", "/api/v2/team", mend=quirks.without_nulls),
    update=Write("PATCH", "/api/v2/team/{id}", mend=quirks.without_nulls),
    clears={
        name: {name: []} for name in paths("attributes.visible_modules attributes.hidden_modules")
    },
    delete=Call("DELETE", "/api/v2/team/{id}"),
    natural_key=("attributes.handle",),
    built_in=(("attributes.is_managed", True),),
    owned="is managed elsewhere",
    permissions=("teams_read", "teams_manage"),
)

TEAM_MEMBERSHIPS = ResourceType(
    name="team_memberships",
    area="access",
    path="/api/v2/team/{team}/memberships",
    parent="teams",
    direct=False,
    pages=pages.TEAMS,
    parts=(
        IdPart("team", at="relationships.team.data.id", to="teams"),
        IdPart("user", at="relationships.user.data.id", to="users"),
    ),
    fields="id type attributes relationships; attributes: role; relationships: user team",
    identity=("id",),
    provenance=paths("attributes.provisioned_by attributes.provisioned_by_id"),
    defaults={"attributes.role": (None,)},
    create=Write(
        "POST",
        "/api/v2/team/{team}/memberships",
        takes=paths("type attributes.role relationships.user"),
    ),
    update=Write(
        "PATCH",
        "/api/v2/team/{team}/memberships/{user}",
        takes=paths("type attributes.role"),
    ),
    delete=Call("DELETE", "/api/v2/team/{team}/memberships/{user}"),
    natural_key=("relationships.team.data.id", "relationships.user.data.id"),
    # Those that a service account made are somebody's decision.
    built_in=(("attributes.provisioned_by", "saml_mapping"),),
    owned="comes from a SAML mapping",
    automatic=True,
    permissions=("teams_read", "teams_manage"),
)

RESTRICTION_POLICIES = ResourceType(
    name="restriction_policies",
    area="access",
    path="/api/v2/restriction_policy",
    discover=Discover(objects=shared.RESTRICTABLE),
    # An object without a policy answers 200 with no bindings.
    nothing_when_empty="attributes.bindings",
    fields="id type attributes; attributes: bindings",
    unordered=paths("attributes.bindings attributes.bindings[*].principals"),
    create=Call("POST", "/api/v2/restriction_policy/{id}"),
    update=Call("POST", "/api/v2/restriction_policy/{id}"),
    delete=Call("DELETE", "/api/v2/restriction_policy/{id}"),
    override={"allow_self_lockout": "true"},
    id_in_body=True,
    natural_key=("id",),
    refs=(
        Ref("id", prefixed={prefix: name for name, prefix in shared.RESTRICTABLE.items()}),
        Ref("attributes.bindings[*].principals[*]", prefixed=shared.PRINCIPALS),
    ),
    permissions=("user_access_read", "user_access_manage"),
)
