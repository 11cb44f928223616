"""Which org the keys belong to: asked in a way that proves both of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at
from ddsnap.errors import ApiError, AuthError

if TYPE_CHECKING:
    from ddsnap.api.session import Session
    from ddsnap.core.values import JSON

_USER = "/api/v2/current_user"
_ORGS = "/api/v1/org"
_VALIDATE = "/api/v1/validate"


@dataclass(frozen=True)
class OrgIdentity:
    """An org as the API names it; a field is empty where the keys may not see it."""

    public_id: str
    uuid: str
    name: str


def of_keys(session: Session) -> OrgIdentity:
    """Return the org of the session's keys.

    Any application key may ask who it belongs to, unless it is scoped to other things; the list
    of orgs needs a permission, so it is asked only for what the first answer leaves open.
    """
    try:
        user = _ask(session, _USER)
    except AuthError:
        raise _refused(session) from None
    uuid = _text(value_at(user, "data.relationships.org.data.id"))
    found = OrgIdentity("", uuid, "")
    for other in _objects(value_at(user, "included")):
        if other.get("type") == "orgs" and other.get("id") == uuid:
            public_id, name = value_at(other, "attributes.public_id"), other.get("attributes")
            found = OrgIdentity(_text(public_id), uuid, _text(value_at(name, "name")))
    if found.public_id:
        return found
    orgs = _ask(session, _ORGS)
    if user is None and orgs is None:
        raise _refused(session)
    return _from_list(found, orgs)


def _from_list(known: OrgIdentity, answer: JSON) -> OrgIdentity:
    """Complete an identity from the list of orgs; of several the name must tell which it is."""
    orgs = _objects(value_at(answer, "orgs"))
    if len(orgs) > 1:
        orgs = [org for org in orgs if known.name and org.get("name") == known.name]
    if len(orgs) != 1:
        return known
    return OrgIdentity(_text(orgs[0].get("public_id")), known.uuid, _text(orgs[0].get("name")))


def _ask(session: Session, path: str) -> JSON:
    """Return the answer, or ``None`` where these keys may not ask or the site has no such page."""
    answer = session.request("GET", path, path, expect=(403, 404))
    return answer.body if answer.status < 400 else None


def _refused(session: Session) -> AuthError:
    """Tell which of the keys is wrong: one endpoint asks for the API key alone."""
    try:
        session.request("GET", _VALIDATE, _VALIDATE)
    except AuthError as error:
        return error
    except ApiError as error:
        if error.status != 403:
            raise
        hint = "is it a key of this org, and is the site right?"
        return AuthError(f"the API key was refused by {session.base_url}", hint, status=403)
    return AuthError(
        f"the API key is good, but the application key was refused by {session.base_url}",
        "it must be an application key of the same org",
        status=403,
    )


def _objects(value: JSON) -> list[dict[str, JSON]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
