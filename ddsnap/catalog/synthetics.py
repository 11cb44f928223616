"""Synthetic tests."""

from __future__ import annotations

from ddsnap.catalog import pages, shared
from ddsnap.core.resource_type import Call, Ref, ResourceType, Variants, paths

_TESTS = "/api/v1/synthetics/tests"
_BASIC_AUTH = paths("password clientSecret secretKey sessionToken accessKey")

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
            "network": "/api/v2/synthetics/tests/network",
        },
        wrap={"network": "network"},
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
    secrets=(
        *(f"config.request.basicAuth.{name}" for name in _BASIC_AUTH),
        *(f"config.steps[*].request.basicAuth.{name}" for name in _BASIC_AUTH),
    ),
    create_only=paths("type subtype"),
    unordered=paths(
        "tags locations options.restricted_roles options.bindings[*].principals options.device_ids"
    ),
    defaults={
        "steps": ([],),
        "tags": ([], None),
        "options.monitor_options.include_tags": (True,),
        "options.monitor_options.new_host_delay": (300,),
        "options.monitor_options.notify_audit": (False,),
        "options.monitor_options.on_missing_data": ("show_no_data",),
    },
    modified_at="modified_at",
    modified_by="modified_by.handle",
    create=Call("POST", _TESTS),
    update=Call("PUT", f"{_TESTS}/{{id}}"),
    delete=Call("POST", f"{_TESTS}/delete", body={"public_ids": ["{id}"]}),
    natural_key=("metadata.disaster_recovery.source_public_id",),
    refs=(
        Ref("locations[*]", to=("synthetics_private_locations",), starts="pl:"),
        Ref("config.configVariables[*].id", to=("synthetics_global_variables",)),
        Ref("config.variables[*].id", to=("synthetics_global_variables",)),
        Ref("options.restricted_roles[*]", to=("roles",)),
        Ref("options.bindings[*].principals[*]", prefixed=shared.PRINCIPALS),
        Ref("options.rumSettings.applicationId", to=("rum_applications",)),
        Ref("message", text=shared.HANDLES),
        Ref("options.monitor_options.escalation_message", text=shared.HANDLES),
        Ref("tags[*]", to=("teams",), by="attributes.handle", starts="team:", soft=True),
    ),
    permissions=("synthetics_read", "synthetics_write"),
)
