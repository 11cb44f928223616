"""Which org the keys belong to: asked in a way that proves both of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at
from ddsnap.errors import ApiError, AuthError

if TYPE_CHECKING:
    from ddsnap.api.session import Session
    from ddsnap.core.values import JSON

_USER = "/api/v2/current_user"
_ORGS = "/api/v1/org"
_VALIDATE = "/api/v1/validate"
_VALIDATE_BOTH = "/api/v2/validate_keys"


@dataclass(frozen=True)
class OrgIdentity:
    """An org as the API names it; a field is empty where the keys may not see it."""

    public_id: str
    uuid: str
    name: str
    user: str = ""
    """The id of the keys' owner, as a user of the org."""
    handle: str = ""


def of_keys(session: Session) -> OrgIdentity:
    """Return the org of the session's keys; who may not list orgs may not see its public id.

    Any application key may ask who it belongs to, unless it is scoped to other things. Beside
    that answer the org's uuid can stand for its public id, so the documented list decides.
    """
    try:
        user = _ask(session, _USER)
    except AuthError:
        raise _refused(session) from None
    orgs = _ask(session, _ORGS)
    if user is None and orgs is None:
        if _ask(session, _VALIDATE_BOTH) is None:
            raise _refused(session)
        return OrgIdentity("", "", "")  # good keys, whose scopes are too narrow to tell
    beside = _beside(user)
    listed = _objects(value_at(orgs, "orgs"))
    if len(listed) > 1:  # the keys of a parent org list its children too
        listed = [org for org in listed if beside.name and org.get("name") == beside.name]
    if len(listed) != 1:
        return beside
    told = listed[0]
    return replace(beside, public_id=_text(told.get("public_id")), name=_text(told.get("name")))


def _beside(user: JSON) -> OrgIdentity:
    """Return what the answer about the keys' owner says of the org."""
    uuid = _text(value_at(user, "data.relationships.org.data.id"))
    me = _text(value_at(user, "data.id")), _text(value_at(user, "data.attributes.handle"))
    for other in _objects(value_at(user, "included")):
        if other.get("type") == "orgs" and other.get("id") == uuid:
            public_id = _text(value_at(other, "attributes.public_id"))
            name = _text(value_at(other, "attributes.name"))
            return OrgIdentity("" if public_id == uuid else public_id, uuid, name, *me)
    return OrgIdentity("", uuid, "", *me)


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
        "it must be an application key of the same org; with scopes, user_access_read among them",
        status=403,
    )


def _objects(value: JSON) -> list[dict[str, JSON]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


_RECOVERY = "/api/v2/hamr"


def recovery_state(session: Session) -> int | None:
    """Return the org's disaster-recovery state; ``None`` where it has none, or may not tell.

    The documentation and the OpenAPI file spell the member differently.
    """
    answer = session.request("GET", _RECOVERY, _RECOVERY, expect=(400, 403, 404))
    if answer.status >= 400:
        return None
    attributes = value_at(answer.body, "data.attributes")
    told = attributes if isinstance(attributes, dict) else {}
    for name in ("hamr_status", "HamrStatus"):
        value = told.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
