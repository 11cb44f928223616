"""Integrations."""

from __future__ import annotations

from ddsnap.core.resource_type import Call, Discover, Ref, ResourceType, absent

_WEBHOOKS = "/api/v1/integration/webhooks/configuration/webhooks"

WEBHOOKS = ResourceType(
    name="webhooks",
    area="integrations",
    path=_WEBHOOKS,
    title="name",
    envelope="",
    id="name",
    # There is no listing: names come from @webhook- handles and from the configuration.
    discover=Discover(mentions=True),
    fields="name url payload custom_headers encode_as auth_method_id",
    # A webhook's address is its password as a rule.
    secrets=("url",),
    secret_maps=("custom_headers",),
    defaults=absent(null="custom_headers payload", values={"encode_as": ("json",)}),
    create=Call("POST", _WEBHOOKS),
    update=Call("PUT", f"{_WEBHOOKS}/{{id}}"),
    delete=Call("DELETE", f"{_WEBHOOKS}/{{id}}"),
    natural_key=("name",),
    refs=(Ref("auth_method_id", to=("webhook_oauth2_auth_methods",)),),
    permissions=("integrations_read", "manage_integrations"),
)
