"""What many types share: references known by their name, and the grammars of references in text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.resource_type import Ref, TextRef

if TYPE_CHECKING:
    from collections.abc import Mapping

# A link counts as Datadog's when it is relative, or stands on one of its hosts.
_HOST: Final = r"(?:datadoghq\.(?:com|eu)|ddog-gov\.com|(?<![\w./-]))"
_SHORT_ID: Final = r"(?P<id>[a-z0-9]{3}-[a-z0-9]{3}-[a-z0-9]{3})(?![\w-])"
_NUMBER: Final = r"(?P<id>\d+)(?![\w-])"
_UUID: Final = r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?![\w-])"

# A handle ends before the punctuation of the sentence that it stands in.
_WORD: Final = r"(?P<id>[\w-]+(?:[.:/][\w-]+)*)"


def _link(path: str, id_: str, to: str, wanted: str = "") -> TextRef:
    return TextRef(f"{_HOST}{path}{id_}", (to,), soft=True, wanted=wanted or path)


def _handle(kind: str, by: str, *to: str) -> TextRef:
    return TextRef(rf"(?<![\w@.])@{kind}-{_WORD}", to, by=by, soft=True, wanted=f"@{kind}-")


URLS: Final = (
    _link("/dashboard/", _SHORT_ID, "dashboards"),
    _link("/notebooks?/", _NUMBER, "notebooks", "/notebook"),
    _link("/monitors[/#]", _NUMBER, "monitors", "/monitors"),
    _link("/synthetics/details/", _SHORT_ID, "synthetics_tests"),
    _link("/workflow/", _UUID, "workflows"),
    TextRef(
        r"[?&]slo_id=(?P<id>[0-9a-f]{32})(?![\w-])",
        ("service_level_objectives",),
        soft=True,
        wanted="slo_id=",
    ),
)
"""Links to the app, absolute or not, in any string of any document."""

HANDLES: Final = (
    _handle("team", "attributes.handle", "teams"),
    _handle("webhook", "name", "webhooks"),
    _handle("slack", "account-name", "slack_channels"),
    _handle("pagerduty", "service_name", "pagerduty_services"),
    _handle("opsgenie", "attributes.name", "opsgenie_services"),
    _handle(
        "teams",
        "attributes.name",
        "ms_teams_tenant_based_handles",
        "ms_teams_workflows_webhook_handles",
    ),
    _handle("hangouts", "attributes.name", "google_chat_organization_handles"),
    _handle("googlechat", "attributes.name", "google_chat_organization_handles"),
    _handle("workflow", "attributes.spec.handle", "workflows"),
    _handle("case", "attributes.key", "case_management_projects"),
    _handle("oncall", "attributes.handle", "teams"),
    _handle("jira", "attributes.name", "jira_issue_templates"),
    _handle("servicenow", "attributes.handle_name", "servicenow_handles"),
    _handle("victorops", "name", "victorops_handles"),
    _handle("sns", "name", "sns_topics"),
    _handle("statuspage", "name", "statuspage_handles"),
    TextRef(
        r"(?<![\w@.])@(?P<id>[\w.+'-]+@[\w-]+(?:\.[\w-]+)+)",
        ("users",),
        by="attributes.email",
        soft=True,
        wanted="@",
    ),
    TextRef(  # Without a service it calls the one that the integration has.
        r"(?<![\w@.])@(?P<id>pagerduty)(?![\w@-]|\.\w)",
        ("pagerduty_integrations",),
        by="name",
        soft=True,
        wanted="@pagerduty",
    ),
)
"""Whom a message notifies: people, teams and integrations; ``@all`` and ``@here`` are whoever is
there. The text stays valid without them, so they never block."""

COMPOSITE: Final = (TextRef(r"(?<![\w.])(?P<id>\d+)(?![\w.])", ("monitors", "synthetics_tests")),)
"""The integers of a composite monitor's query; a test is named there by its own monitor's id."""

SLO_ALERT: Final = (
    TextRef(
        r"\b(?:error_budget|burn_rate)\(\s*[\"'](?P<id>[^\"']+)[\"']",
        ("service_level_objectives",),
    ),
)

RUM_QUERY: Final = (
    TextRef(
        _UUID,
        ("rum_applications",),
        # One value, quoted or not, in a text that may itself be quoted; or several in brackets.
        within=r"@application\.id:(?:\([^)]*\)|\\?[\"']?[^\s(){},]+)",
        wanted="@application.id:",
    ),
)

RUM_VALUE: Final = (TextRef(rf"^{_UUID}$", ("rum_applications",)),)
"""What a template variable stands for."""

OF_RUM: Final = ("prefix", ("@application.id",))
"""Which template variables stand for applications."""

LOG_INDEXES: Final = (
    TextRef(
        r"[\"'](?P<id>[^\"'*]+)[\"']",
        ("logs_indexes",),
        within=r"\.index\([^)]*\)",
        soft=True,
        wanted=".index(",
    ),
)

TEST_MAIL: Final = (
    TextRef(
        rf"(?<![\w-]){_SHORT_ID}\.[^@]*@synthetics\.dtdg\.",
        ("synthetics_tests",),
        soft=True,
        wanted="@synthetics.dtdg.",
    ),
)
"""The address at which a test gets mail, which begins with the test's own id."""

PRINCIPALS: Final[Mapping[str, str]] = {
    "role": "roles",
    "user": "users",
    "team": "teams",
    "org": "organization",
}
"""Who may be named in a binding, by the prefix of the principal."""

RESTRICTABLE: Final[Mapping[str, str]] = {
    "dashboards": "dashboard",
    "notebooks": "notebook",
    "service_level_objectives": "slo",
    "monitors": "monitor",
    "powerpacks": "powerpack",
    "synthetics_tests": "synthetics-test",
    "synthetics_global_variables": "synthetics-global-variable",
    "synthetics_private_locations": "synthetics-private-location",
    "security_monitoring_rules": "security-rule",
    "workflows": "workflow",
    "app_builder_apps": "app-builder-app",
    "action_connections": "connection",
    "rum_applications": "rum-application",
    "org_connections": "cross-org-connection",
    "on_call_schedules": "on-call-schedule",
    "on_call_escalation_policies": "on-call-escalation-policy",
    "on_call_routing_rules": "on-call-team-routing-rules",
    "logs_pipelines": "logs-pipeline",
    "case_management_projects": "case-management-project",
    "reference_tables": "reference-table",
    "monitor_notification_rules": "monitor-notification-rule",
    "webhooks": "integration-webhook",
}
"""The types that a restriction policy can protect, with the prefix of the policy's own id."""

_LOG_SOURCES: Final = (
    "data_source",
    ("logs", "logs_stream", "logs_pattern_stream", "logs_transaction_stream"),
)

KNOWN_REFS: Final = (
    # A synthetic test is named by the id of its own monitor.
    Ref("alert_id", to=("monitors", "synthetics_tests")),
    Ref("monitor_id", to=("monitors", "synthetics_tests")),
    Ref("monitor_ids", to=("monitors", "synthetics_tests")),
    Ref("slo_id", to=("service_level_objectives",)),
    Ref("slo_ids", to=("service_level_objectives",)),
    Ref("powerpack_id", to=("powerpacks",)),
    Ref("workflow_id", to=("workflows",)),
    Ref("subtestPublicId", to=("synthetics_tests",)),
    Ref("parse_test_public_id", to=("synthetics_tests",)),
    Ref("connectionId", to=("action_connections",)),
    Ref("restricted_roles", to=("roles",)),
    Ref("principals", prefixed=PRINCIPALS),
    Ref("indexes", to=("logs_indexes",), when=_LOG_SOURCES, soft=True),
    Ref("indexes", to=("logs_indexes",), when=("type", ("log_stream",)), soft=True),
    Ref("log_query.index", to=("logs_indexes",), soft=True),
    Ref(
        "table_name",
        to=("reference_tables",),
        by="attributes.table_name",
        when=("data_source", ("reference_table",)),
        soft=True,
    ),
    Ref("default", text=RUM_VALUE, when=OF_RUM),
    Ref("defaults", text=RUM_VALUE, when=OF_RUM),
    Ref("available_values", text=RUM_VALUE, when=OF_RUM),
    Ref("tags", by="attributes.handle", prefixed={"team": "teams"}, soft=True),
    Ref("message", text=HANDLES),
    Ref("escalation_message", text=HANDLES),
    Ref("**", text=(*URLS, *RUM_QUERY)),
)
"""References known by the member's name, in every type; ``**`` are grammars for any string."""
