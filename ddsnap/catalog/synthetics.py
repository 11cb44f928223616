"""Synthetic tests, the variables that they share, and the private locations they run from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.catalog import pages, quirks, shared
from ddsnap.core.resource_type import (
    Among,
    Call,
    Masked,
    Quiet,
    Ref,
    ResourceType,
    Shape,
    Variants,
    Write,
    absent,
    paths,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.values import JSON

_TESTS = "/api/v1/synthetics/tests"
_NETWORK_TESTS = "/api/v2/synthetics/tests/network"
_BASIC_AUTH = paths("password clientSecret secretKey sessionToken accessKey secret")
_MAPS = paths("headers metadata query form proxy.headers")
_REQUESTS = paths("config.request config.steps[*].request")
_CERTIFICATES = tuple(
    f"{at}.certificate.{part}.content" for at in _REQUESTS for part in ("cert", "key")
)
# Obfuscated, and so never answered: only a variable of this type may be.
_SECURE_TEXT: Final[Mapping[str, JSON]] = {"secure": True, "type": "text"}

SYNTHETICS_TESTS = ResourceType(
    name="synthetics_tests",
    area="synthetics",
    path=_TESTS,
    title="name",
    items="tests",
    envelope="",
    pages=pages.SYNTHETICS,
    query={"include_metadata": "true"},
    detail=True,  # the listing lacks the steps of browser and mobile tests
    hint="modified_at",
    id="public_id",
    variants=Variants(
        by="type",
        paths={
            "api": f"{_TESTS}/api",
            "browser": f"{_TESTS}/browser",
            "mobile": f"{_TESTS}/mobile",
            "network": _NETWORK_TESTS,
        },
        wrap={"network": "network"},
        deletes={
            "network": Call(
                "POST",
                "/api/v2/synthetics/tests/bulk-delete",
                body={
                    "data": {"type": "delete_tests_request", "attributes": {"public_ids": ["{id}"]}}
                },
            ),
        },
    ),
    fields=(
        "name type subtype status message tags locations config options steps metadata;"
        " config: assertions configVariables initialApplicationArguments request setCookie steps"
        " variables variablesFromScript"
    ),
    identity=paths("public_id monitor_id org_id config.steps[*].id steps[*].public_id"),
    provenance=paths("creator created_by created_at modified_at modified_by creation_source"),
    derived=paths(
        "deleted_at options.bits_ai_auto_investigate steps[*].context config.steps[*].subtest"
        " metadata.disaster_recovery.synced_at config.request.files[*].bucketKey"
        " config.steps[*].request.files[*].bucketKey steps[*].params.files[*].bucketKey"
    ),
    volatile=paths("overall_state overall_state_modified stepCount options.downtime_ids"),
    secrets=tuple(f"{at}.basicAuth.{name}" for at in _REQUESTS for name in _BASIC_AUTH),
    secret_maps=tuple(f"{at}.{name}" for at in _REQUESTS for name in _MAPS),
    masked=(
        Masked("config.configVariables[*].pattern", when=_SECURE_TEXT),
        Masked("config.variables[*].pattern", when=_SECURE_TEXT),
        *(Masked(at, when={}) for at in _CERTIFICATES),
    ),
    # Of a certificate the API answers the file's name alone; Datadog's own Terraform provider sends
    # the content only where that has changed.
    keeps_secrets=_CERTIFICATES,
    among=(Among("locations[*]", "locations", ("aws:", "azure:", "gcp:"), but=("type", "mobile")),),
    uploads=paths("config.request.files config.steps[*].request.files steps[*].params.files"),
    create_only=paths("type subtype"),
    immutable=paths("type subtype"),
    unordered=paths(
        "tags locations options.restricted_roles options.bindings[*].principals options.device_ids"
    ),
    defaults=absent(
        empty="tags",
        values={
            "steps": ([],),
            "options.monitor_options.include_tags": (True,),
            "options.monitor_options.new_host_delay": (300,),
            "options.monitor_options.notify_audit": (False,),
            "options.monitor_options.on_missing_data": ("show_no_data",),
        },
    ),
    created_at="created_at",
    modified_at="modified_at",
    modified_by="modified_by.handle",
    create=Write("POST", _TESTS, mend=quirks.placed_by_the_server),
    update=Write("PUT", f"{_TESTS}/{{id}}", mend=quirks.placed_by_the_server),
    delete=Call("POST", f"{_TESTS}/delete", body={"public_ids": ["{id}"]}),
    quiet=(Quiet("status", "paused"),),
    repeats=paths("type subtype"),
    natural_key=("metadata.disaster_recovery.source_public_id",),
    refs=(
        Ref("locations[*]", to=("synthetics_private_locations",), starts="pl:"),
        Ref("config.configVariables[*].id", to=("synthetics_global_variables",)),
        Ref("config.variables[*].id", to=("synthetics_global_variables",)),
        Ref("options.restricted_roles[*]", to=("roles",)),
        Ref("options.bindings[*].principals[*]", prefixed=shared.PRINCIPALS),
        Ref("options.rumSettings.applicationId", to=("rum_applications",)),
        Ref("options.rumSettings.clientTokenId", to=("rum_client_tokens",)),
        Ref("options.mobileApplication.applicationId", to=("synthetics_mobile_applications",)),
        Ref(
            "options.mobileApplication.referenceId",
            to=("synthetics_mobile_applications",),
            when=("referenceType", ("latest",)),
        ),
        Ref(
            "options.mobileApplication.referenceId",
            to=("synthetics_mobile_applications_versions",),
            when=("referenceType", ("version",)),
        ),
        *(
            Ref(f"config.{variables}[*].{name}", text=shared.TEST_MAIL)
            for variables in ("configVariables", "variables")
            for name in ("pattern", "example")
        ),
        Ref("message", text=shared.HANDLES),
        Ref("options.monitor_options.escalation_message", text=shared.HANDLES),
        Ref("tags[*]", to=("teams",), by="attributes.handle", starts="team:", soft=True),
    ),
    permissions=("synthetics_read", "synthetics_write"),
)

_VARIABLES = "/api/v1/synthetics/variables"
# Required, be they empty.
_DESCRIBED: Final[Mapping[str, JSON]] = {"description": "", "tags": []}

SYNTHETICS_GLOBAL_VARIABLES = ResourceType(
    name="synthetics_global_variables",
    area="synthetics",
    path=_VARIABLES,
    title="name",
    items="variables",
    envelope="",
    # What a test extracts moves with each of its runs.
    shape=Shape(read=quirks.without_extracted_value, write=quirks.without_its_type),
    fields=(
        "id name type description tags value parse_test_public_id parse_test_options is_fido"
        " is_totp attributes"
    ),
    provenance=paths("creator created_by editor created_at modified_at"),
    derived=paths("parse_test_name attributes.bindings"),
    volatile=paths("last_error parse_test_extracted_at"),
    masked=(
        Masked("value.value", when={"secure": True}, unless=("is_fido", "parse_test_public_id")),
    ),
    unordered=paths("tags attributes.restricted_roles"),
    defaults=absent(
        null="parse_test_name parse_test_options parse_test_public_id",
        empty="attributes.restricted_roles tags",
        blank="description",
        false="is_fido is_totp",
        values={"attributes": ({}, None)},
    ),
    created_at="created_at",
    modified_at="modified_at",
    modified_by="editor.handle",
    create=Write("POST", _VARIABLES, adds=_DESCRIBED, mend=quirks.with_empty_value),
    # A replacement would have to say the value of a secure variable, which nobody is shown.
    update=Write(
        "PATCH",
        "/api/v2/synthetics/variables/{id}/jsonpatch",
        patches="global_variables_json_patch",
    ),
    keeps_secrets=("value.value",),
    # How a test fills it and which test does: the creation says neither without the other.
    repeats=("parse_test_options",),
    delete=Call("DELETE", f"{_VARIABLES}/{{id}}"),
    natural_key=("name", "type"),
    refs=(
        Ref("parse_test_public_id", to=("synthetics_tests",)),
        Ref("attributes.restricted_roles[*]", to=("roles",)),
    ),
    permissions=("synthetics_global_variable_read", "synthetics_global_variable_write"),
)

_LOCATIONS = "/api/v1/synthetics/private-locations"

SYNTHETICS_PRIVATE_LOCATIONS = ResourceType(
    name="synthetics_private_locations",
    area="synthetics",
    # The listing holds Datadog's own locations too, and of each only its name.
    path="/api/v1/synthetics/locations",
    title="name",
    items="locations",
    envelope="",
    detail=True,
    keep=("id", "pl:"),
    beside="locations",
    item_path=f"{_LOCATIONS}/{{id}}",
    fields="id name description tags metadata; metadata: restricted_roles",
    identity=("pl_id",),
    provenance=paths("createdAt modifiedAt createdBy"),
    derived=paths("public_key_test ddr_metadata"),
    # The answer to a creation holds the worker's keys.
    volatile=paths("config secrets result_encryption"),
    unordered=paths("tags metadata.restricted_roles"),
    defaults={"metadata": ({"restricted_roles": []}, {}, None), "tags": ([], None)},
    created_at="createdAt",
    modified_at="modifiedAt",
    create=Write("POST", _LOCATIONS, answer="private_location", adds=_DESCRIBED),
    update=Write("PUT", f"{_LOCATIONS}/{{id}}", adds=_DESCRIBED),
    delete=Call("DELETE", f"{_LOCATIONS}/{{id}}"),
    irreversible="its workers lose their keys, and a new location has other ones",
    natural_key=("name",),
    refs=(
        Ref("metadata.restricted_roles[*]", to=("roles",)),
        Ref("tags[*]", to=("teams",), by="attributes.handle", starts="team:", soft=True),
    ),
    permissions=("synthetics_private_location_read", "synthetics_private_location_write"),
)
