"""The map of ids in a journal: what a source's resources are called at this destination.

It is read strictly. A map that is taken for empty would let a replay make everything twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical, shapes
from ddsnap.core.id_map import Mapped
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.values import Address
from ddsnap.errors import Damaged, Refused, UnstorableError
from ddsnap.flows.journal import MAPS
from ddsnap.store.objects import BLOB
from ddsnap.store.trees import read_paths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.store.repository import Repository

FORMAT: Final = 1
_FILE: Final = ("format", "from", "to", "ids")
_ENTRY: Final = ("id", "origin", "aliases", "intended", "seen")
_SUFFIX: Final = ".json"


def read_map(
    repo: Repository, journal_tip: str | None, source: OrgIdentity, destination: OrgIdentity
) -> dict[Address, Mapped]:
    """Return the map of a source's ids that stands in a commit of the destination's journal.

    Raises ``Damaged`` where a file is not what ddsnap wrote, and ``Refused`` where it is of
    another pair of orgs or of a newer format.
    """
    if journal_tip is None:
        return {}
    folder = f"{MAPS}/{source.name}"
    mapped: dict[Address, Mapped] = {}
    for path, sha in read_paths(repo, journal_tip, folder).items():
        body = checked_map(repo.read(sha, BLOB), path, journal_tip, f"journal/{destination.name}")
        _check_pair(body, path, source, destination)
        type_name = path.removeprefix(f"{folder}/").removesuffix(_SUFFIX)
        mapped |= {Address(type_name, id_): entry for id_, entry in entries_of(body).items()}
    return mapped


def read_maps(
    repo: Repository, commit: str, *, skip: Collection[str] = ()
) -> dict[OrgIdentity, dict[Address, Mapped]]:
    """Return the whole maps that stand in a commit of a journal, by the orgs that they are from.

    Those from orgs of the names in ``skip`` are left out.
    """
    found: dict[OrgIdentity, dict[Address, Mapped]] = {}
    for path, sha in read_paths(repo, commit, MAPS).items():
        _, org, name = path.split("/", 2)
        if org in skip:
            continue
        body = checked_map(repo.read(sha, BLOB), path, commit, "the journal")
        entries = {Address(name.removesuffix(_SUFFIX), i): e for i, e in entries_of(body).items()}
        found.setdefault(OrgIdentity(org, str(body["from"]), ""), {}).update(entries)
    return found


def read_others(
    repo: Repository, journal_tip: str | None, source: OrgIdentity, destination: OrgIdentity
) -> dict[Address, str]:
    """Return what stands at the destination for other orgs' resources than ``source``'s, and which.

    The destination's map onto itself follows its own resources, and is no claim of another's.
    """
    maps = read_maps(repo, journal_tip, skip=(source.name, destination.name)) if journal_tip else {}
    return {
        Address(address.type, entry.id): f"{org.name}'s {address}"
        for org, entries in maps.items()
        if not org.is_same(source)  # by another name that it had
        for address, entry in entries.items()
    }


def map_files(mapped: IdMap, source: OrgIdentity, destination: OrgIdentity) -> dict[str, bytes]:
    """Return the files of a map, by path; a type that nothing is mapped of has none."""
    types: dict[str, JSONObject] = {}
    for address, entry in mapped.items():
        types.setdefault(address.type, {})[address.id] = _told(entry)
    head: JSONObject = {"format": FORMAT, "from": source.public_id, "to": destination.public_id}
    return {
        f"{MAPS}/{source.name}/{name}{_SUFFIX}": canonical.encode({**head, "ids": ids})
        for name, ids in sorted(types.items())
    }


def updated(
    mapped: IdMap, entries: Mapping[Address, Mapped], gone: Collection[Address] = ()
) -> dict[Address, Mapped]:
    """Return a map with newer entries, and without those of what is gone."""
    return {a: entry for a, entry in {**mapped, **entries}.items() if a not in gone}


def checked_map(data: bytes, path: str, commit: str, branch: str) -> JSONObject:
    """Return a file of a map, which must be whole and canonical; see ``read_map``."""
    try:
        body = _checked(canonical.decode(data), data)
    except (Damaged, UnstorableError) as error:
        raise Damaged(
            f"{path} in {branch} at {commit[:12]} is damaged: {error.message}",
            f"`git log {branch} -- {path}` shows its versions; `git branch -f {branch} COMMIT`"
            " goes back to one",
        ) from None
    format_ = body["format"]
    if format_ != FORMAT:
        raise Refused(
            f"{path} in {branch} at {commit[:12]} is in format {format_} of maps; this ddsnap"
            f" reads {FORMAT}",
            "install that version: an older one would lose what it holds",
        )
    return body


def entries_of(body: JSONObject) -> dict[str, Mapped]:
    """Return the entries of a checked file, by the source's id."""
    return {id_: _entry(id_, value) for id_, value in _ids(body).items()}


def _checked(value: JSON, data: bytes) -> JSONObject:
    body = shapes.as_object(value, "it")
    if shapes.number(body, "format") > FORMAT:
        return body  # what else a newer one holds is not known here
    shapes.exactly(body, _FILE, "it")
    for name in ("from", "to"):
        shapes.text(body, name)
    entries_of(body)
    if body["format"] != FORMAT:
        raise Damaged(f"there is no format {body['format']}")
    if canonical.encode(body) != data:
        raise Damaged("it is not in canonical form")
    return body


def _ids(body: JSONObject) -> JSONObject:
    return shapes.as_object(body["ids"], "its ids")


def _entry(id_: str, value: JSON) -> Mapped:
    body = shapes.as_object(value, f"its {id_}")
    try:
        shapes.exactly(body, _ENTRY, "it")
        mapped = Mapped(
            shapes.text(body, "id"),
            shapes.one_of(body, "origin", ("created", "adopted")),
            shapes.texts(body["aliases"], "aliases"),
            shapes.text(body, "intended"),
            shapes.text(body, "seen"),
        )
    except Damaged as error:
        raise Damaged(f"of {id_!r}, {error.message}") from None
    if not mapped.id:
        raise Damaged(f"of {id_!r}, its id is empty")
    return mapped


def _told(entry: Mapped) -> JSONObject:
    return {
        "id": entry.id,
        "origin": entry.origin,
        "aliases": dict(entry.aliases),
        "intended": entry.intended,
        "seen": entry.seen,
    }


def _check_pair(body: JSONObject, path: str, source: OrgIdentity, destination: OrgIdentity) -> None:
    """A name may have come to mean another org: its ids are worth nothing then."""
    pairs: Iterable[tuple[str, str, OrgIdentity]] = (
        ("from", str(body["from"]), source),
        ("to", str(body["to"]), destination),
    )
    for way, told, org in pairs:
        if told != org.public_id:
            raise Refused(
                f"{path} in journal/{destination.name} maps ids {way} org {told or 'unknown'},"
                f" but {org.name} is org {org.public_id or 'unknown'}",
                "a different org needs a name of its own in ddsnap.yaml",
            )
