"""Private locations among Datadog's own; only their creation answers the worker's keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, reject
from ddsnap.sandbox.resources.common import author, body_of, check_roles, found
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from ddsnap.sandbox.org import SandboxOrg

_TYPE = "synthetics_private_locations"
_AWS = (
    "af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1"
    " ap-southeast-2 ap-southeast-3 ca-central-1 eu-central-1 eu-north-1 eu-south-1 eu-west-1"
    " eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2"
)
_GCP = "asia-northeast1 europe-west3 us-east4 us-south1 us-west1 us-west2"
_SHAPE: Shape = {
    "name~": "text",
    "description~": "text",
    "tags~": ["text"],
    "metadata": {"restricted_roles~": ["text"]},
}
_MANAGED = tuple(
    f"{cloud}:{region}"
    for cloud, regions in (("aws", _AWS), ("azure", "eastus"), ("gcp", _GCP))
    for region in regions.split()
)


def managed(org: SandboxOrg) -> tuple[str, ...]:
    """Return Datadog's own locations, as far as the sandbox has them."""
    return org.locations or _MANAGED


def list_locations(call: Call) -> Answer:
    """All locations, private ones last; of each no more than its name."""
    own = call.org.table(_TYPE).values()
    rows = [{"id": id_, "name": id_.partition(":")[2]} for id_ in managed(call.org)]
    rows += [{"id": row["id"], "name": row["name"]} for row in own]
    return Answer({"locations": pages.whole(call, rows)})


def get_location(call: Call) -> Answer:
    """One private location."""
    return Answer(_row(call))


def create_location(call: Call) -> Answer:
    """Create; the keys of its worker are answered now or never."""
    sent = _checked(call)
    now = iso(call.org.now())
    id_ = f"pl:{_slug(sent['name'])}-{call.org.new_uuid().replace('-', '')}"
    row = {"createdAt": now, "modifiedAt": now, **_stored(sent), "id": id_,
           "createdBy": author(call)["handle"]}  # fmt: skip
    call.org.table(_TYPE)[id_] = row
    keys = {"accessKey": "sandbox-access", "secretAccessKey": "sandbox-secret",
            "privateKey": "sandbox-private", "publicKey": {"pem": "sandbox-public"}}  # fmt: skip
    config = {"id": id_, "site": "datadoghq.com", **keys}
    encryption = {"id": "sandbox", "key": "sandbox-public"}
    secrets = {"authentication": {"id": "sandbox", "key": "sandbox-key"}}
    shown = {**row, "secrets": secrets, "config": {"site": "datadoghq.com"}}
    return Answer({"private_location": shown, "config": config, "result_encryption": encryption})


def update_location(call: Call) -> Answer:
    """Replace what people decide."""
    row = _row(call)
    row.update(_stored(_checked(call)), modifiedAt=iso(call.org.now()))
    return Answer(row)


def delete_location(call: Call) -> Answer:
    """Delete."""
    id_ = _row(call)["id"]
    del call.org.table(_TYPE)[id_]
    call.org.table("restriction_policies").pop(f"synthetics-private-location:{id_}", None)
    return NO_CONTENT


def _row(call: Call) -> Body:
    id_ = call.params["location_id"]
    missing = reject(404, f"Synthetics Private Location: {id_} not found")
    return found(call, _TYPE, id_, missing)


def _checked(call: Call) -> Body:
    sent = body_of(call)
    check_shape(_SHAPE, sent)
    for name in ("name", "description", "tags"):
        if sent.get(name) is None:
            raise reject(400, f"Required parameter '{name}' is missing")
    check_roles(call.org, (sent.get("metadata") or {}).get("restricted_roles"))
    return sent


def _stored(sent: Body) -> Body:
    return {"description": sent["description"], "tags": sent["tags"], "name": sent["name"],
            "metadata": sent.get("metadata") or None}  # fmt: skip


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())


_ONE = "/api/v1/synthetics/private-locations/{location_id}"
ROUTES = (
    Route("GET", "/api/v1/synthetics/locations", list_locations),
    Route("POST", "/api/v1/synthetics/private-locations", create_location),
    Route("GET", _ONE, get_location),
    Route("PUT", _ONE, update_location),
    Route("DELETE", _ONE, delete_location),
)
