"""Invented synthetic tests of every family, with variables and private locations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources.synthetics_rules import monitor_of_test
from ddsnap.sandbox.seed.words import (
    CHANNELS,
    DOMAINS,
    ENVIRONMENTS,
    PARTS,
    combinations,
    later,
    moment,
)
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

_SITES = ("Berlin office", "Dublin data center", "Ohio data center", "Tokyo office", "Lab")
_KINDS = ("api", "browser", "api", "network", "mobile", "multi")
_SECURE = ("TOKEN", "PASSWORD")
_PLAIN = ("BASE_URL", "ACCOUNT", "REGION")


def add_locations(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add private locations, some of them for one role alone."""
    for name, environment in combinations(rng, count, _SITES, ENVIRONMENTS):
        when = moment(rng)
        slug = name.lower().replace(" ", "-")
        id_ = f"pl:{slug}-{environment.replace(' ', '-')}-{org.new_uuid().replace('-', '')}"
        roles = [rng.choice(list(org.table("roles")))] if rng.random() < 0.3 else []
        org.table("synthetics_private_locations")[id_] = {
            "createdAt": iso(when),
            "modifiedAt": iso(later(when, rng)),
            "description": f"Workers in the {name.lower()}",
            "tags": [f"env:{environment}"],
            "name": f"{name} ({environment})",
            "metadata": {"restricted_roles": roles} if roles else None,
            "id": id_,
            "createdBy": _owner(org)["handle"],
        }


def add_variables(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add global variables, secure ones among them; one time password is drawn by its seed."""
    drawn = combinations(rng, count, DOMAINS, (*_SECURE, *_PLAIN))
    for place, (domain, kind) in enumerate(drawn):
        when, id_ = moment(rng), org.new_uuid()
        secure, owner = kind in _SECURE, _owner(org)
        row: Body = {
            "id": id_,
            "name": f"{domain}_{kind}".upper().replace(" ", "_"),
            "description": f"The {kind.lower()} of {domain}",
            "type": "variable",
            "tags": [f"service:{domain}-api"],
            "created_at": iso(when),
            "modified_at": iso(later(when, rng)),
            "last_error": None,
            "value": {"secure": secure},
            "creator": owner,
            "editor": owner,
        }
        if not secure:
            row["value"]["value"] = f"https://{domain}.acme.example"
        elif place % 3 == 2:
            totp = {"totp_parameters": {"digits": 6, "refresh_interval": 30}}
            row |= {"is_totp": True, "value": {"secure": True, "options": totp}}
        org.private("synthetics_global_variables", id_)["value"] = f"hidden-{rng.random():.12f}"
        org.table("synthetics_global_variables")[id_] = row


def add_tests(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add tests of all families in turn, each with the monitor that it owns."""
    for place, words in enumerate(combinations(rng, count, DOMAINS, PARTS, ENVIRONMENTS)):
        kind = _KINDS[place % len(_KINDS)]
        row = _test(org, rng, kind, words)
        org.table("synthetics_tests")[row["public_id"]] = row
        org.table("monitors of tests")[str(row["monitor_id"])] = monitor_of_test(org, row)


def _test(org: SandboxOrg, rng: random.Random, kind: str, words: tuple[str, ...]) -> Body:
    domain, part, environment = words
    when, owner = moment(rng), _owner(org)
    url = f"https://{domain}-{part}.{environment.replace(' ', '-')}.acme.example/health"
    row: Body = {
        "public_id": org.new_short(),
        "name": f"[{environment}] {domain}-{part} ({kind})",
        "status": rng.choice(("live", "live", "paused")),
        "type": "api" if kind == "multi" else kind,
        "tags": [f"service:{domain}-{part}", f"env:{environment}"],
        "created_at": iso(when),
        "modified_at": iso(later(when, rng)),
        "config": _config(org, rng, kind, url),
        "message": f"{domain} cannot be reached @slack-{rng.choice(CHANNELS)}",
        "options": {
            "tick_every": rng.choice((60, 300, 900)),
            "min_location_failed": 1,
            "retry": {"count": 1, "interval": 300},
            "monitor_options": {"renotify_interval": 120, "on_missing_data": "show_no_data",
                                "notify_audit": False, "new_host_delay": 300,
                                "include_tags": True},
        },
        "locations": _locations(org, rng),
        "monitor_id": org.new_int(),
        "creator": owner,
    }  # fmt: skip
    if kind in ("api", "multi", "network"):
        row["subtype"] = {"api": "http", "multi": "multi", "network": "tcp"}[kind]
    if kind in ("browser", "mobile"):
        row["steps"] = _steps(org, kind)
    return row


def _config(org: SandboxOrg, rng: random.Random, kind: str, url: str) -> Body:
    ok: Body = {"operator": "is", "target": 200, "type": "statusCode"}
    request: Body = {"method": "GET", "url": url, "timeout": 30}
    if kind == "mobile":
        return {"initialApplicationArguments": {"env": "test"}, "variables": []}
    if kind == "network":
        target = {"host": url.split("/")[2], "port": 443, "timeout": 10, "max_ttl": 30,
                  "e2e_queries": 50, "traceroute_queries": 3}  # fmt: skip
        slow = {"operator": "lessThan", "property": "avg", "target": 100, "type": "latency"}
        return {"assertions": [slow], "request": target}
    variables = [_named(row) for row in _some_variables(org, rng)]
    if kind == "browser":
        secret = {"name": "PIN", "type": "text", "secure": True}
        return {"assertions": [], "configVariables": variables, "request": request,
                "variables": [secret]}  # fmt: skip
    request["headers"] = {"Accept": "application/json"}
    if kind == "api":
        slow = {"operator": "lessThan", "target": rng.choice((500, 2000)), "type": "responseTime"}
        auth = {"type": "web", "username": "probe", "password": f"hidden-{rng.random():.12f}"}
        return {"assertions": [ok, slow], "configVariables": variables,
                "request": {**request, "basicAuth": auth}}  # fmt: skip
    steps = [{"name": name, "subtype": "http", "assertions": [ok], "request": dict(request),
              "allowFailure": False, "isCritical": True, "id": org.new_short()}
             for name in ("Log in", "Order", "Log out")]  # fmt: skip
    return {"configVariables": variables, "steps": steps}


def _steps(org: SandboxOrg, kind: str) -> list[Body]:
    flags = {"allowFailure": False, "isCritical": True, "noScreenshot": False}
    flags |= {"exitIfSucceed": False, "alwaysExecute": False} if kind == "browser" else {}
    names = (("Open the page", "goToUrl"), ("Click on pay", "click"),
             ("See the receipt", "assertElementContent"))  # fmt: skip
    return [
        {"name": name, "params": {}, "timeout": 0, "type": type_, "public_id": org.new_short(),
         **flags}
        for name, type_ in names
    ]  # fmt: skip


def _locations(org: SandboxOrg, rng: random.Random) -> list[str]:
    private = list(org.table("synthetics_private_locations"))
    own = [rng.choice(private)] if private and rng.random() < 0.5 else []
    return [*own, *rng.sample(("aws:eu-central-1", "aws:us-east-1", "gcp:us-west1"), 2)]


def _some_variables(org: SandboxOrg, rng: random.Random) -> list[Body]:
    known = list(org.table("synthetics_global_variables").values())
    return [rng.choice(known)] if known else []


def _named(row: Body) -> Body:
    return {"id": row["id"], "name": row["name"], "type": "global"}


def _owner(org: SandboxOrg) -> Body:
    own = org.table("users")[org.owner]["attributes"]
    return {"name": own["name"], "handle": own["handle"], "email": own["email"]}
