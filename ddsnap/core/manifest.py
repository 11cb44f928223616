"""``snapshot.json``: what a snapshot holds, of which org, and how completely it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ddsnap.core import canonical
from ddsnap.errors import StoreError, UnstorableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.values import JSON, JSONObject

NAME: Final = "snapshot.json"
FORMAT: Final = 1
_ALSO: Final = "run `ddsnap verify` to see what else is"

State: TypeAlias = Literal[
    "complete", "partial", "rotating", "harvested", "stale", "unavailable", "uncaptured"
]
STATES: Final[tuple[State, ...]] = (
    "complete", "partial", "rotating", "harvested", "stale", "unavailable", "uncaptured"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TypeState:
    """How completely a type was read, and why it was not."""

    state: State
    reason: str = ""
    unread: tuple[str, ...] = ()
    """Of a type without a listing: ids of which it is not known whether there is anything."""

    @property
    def whole(self) -> bool:
        """Whether a document that is missing here is known to be missing in the org."""
        return self.state in ("complete", "rotating", "harvested")


@dataclass(frozen=True, slots=True)
class OrgIdentity:
    """Which org a snapshot is of. ``public_id`` is empty where the keys cannot tell."""

    name: str
    public_id: str
    site: str

    def is_same(self, other: OrgIdentity) -> bool:
        """Whether both are one org: by what Datadog calls it, else by what ddsnap.yaml does."""
        if self.public_id and other.public_id:
            return self.public_id == other.public_id
        return self.name == other.name


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of ``snapshot.json``. It holds no time, no count and no duration."""

    org: OrgIdentity
    rules: int
    types: Mapping[str, TypeState]
    scope_types: tuple[str, ...] = ()
    filters: tuple[str, ...] = field(default=())

    def state_of(self, type_name: str) -> TypeState:
        """Return the state of a type; one that is not named was never captured."""
        return self.types.get(type_name, TypeState("uncaptured"))

    def to_bytes(self) -> bytes:
        """Return the file as it is stored."""
        types: JSONObject = {}
        for name, state in self.types.items():
            entry: JSONObject = {"state": state.state}
            entry |= {"reason": state.reason} if state.reason else {}
            types[name] = {**entry, "unread": [*state.unread]} if state.unread else entry
        return canonical.encode(
            {
                "format": FORMAT,
                "rules": self.rules,
                "org": {
                    "name": self.org.name,
                    "public_id": self.org.public_id,
                    "site": self.org.site,
                },
                "scope": {
                    "types": [*sorted(self.scope_types)],
                    "filters": [*sorted(self.filters)],
                },
                "types": types,
            }
        )


def parse_manifest(data: bytes | None, where: str) -> Manifest:
    """Read ``snapshot.json``; ``where`` names the revision in errors. Raises ``StoreError``."""
    if data is None:
        raise StoreError(
            f"{where} is no snapshot: it holds no {NAME}",
            "name an org, a commit of snapshots/<org>, or ORG@TIME; `ddsnap log` lists them",
        )
    try:
        body = canonical.decode(data)
    except UnstorableError as error:
        raise StoreError(f"{where}: {NAME} is damaged: {error.message}", _ALSO) from error
    if not isinstance(body, dict) or not isinstance(body.get("format"), int):
        raise StoreError(f"{where}: {NAME} is damaged", _ALSO)
    if body["format"] != FORMAT:
        raise StoreError(
            f"{where} is in snapshot format {body['format']}; this ddsnap reads format {FORMAT}",
            "install a newer ddsnap",
        )
    org, scope, types = (_object(body, name) for name in ("org", "scope", "types"))
    return Manifest(
        org=OrgIdentity(*(_text(org, name) for name in ("name", "public_id", "site"))),
        rules=rules if isinstance(rules := body.get("rules"), int) else 0,
        types={name: _state(entry) for name, entry in types.items()},
        scope_types=_texts(scope.get("types")),
        filters=_texts(scope.get("filters")),
    )


def _object(body: JSONObject, name: str) -> JSONObject:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _text(body: JSONObject, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _state(entry: JSON) -> TypeState:
    body = entry if isinstance(entry, dict) else {}
    found = _text(body, "state")
    state: State = next((state for state in STATES if state == found), "stale")
    return TypeState(state, _text(body, "reason"), _texts(body.get("unread")))
