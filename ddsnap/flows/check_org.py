"""Can an org be captured? Its keys, its identity, its clock, and a glance at every type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ddsnap.api.gateway import Unreadable
from ddsnap.core.paths import parse_document_path
from ddsnap.errors import ApiError, AuthError, ExitCode, Refused
from ddsnap.flows.finding import Finding
from ddsnap.flows.identity import check_identity
from ddsnap.flows.live import Seen, harvest
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.snapshots import list_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.manifest import Manifest
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.flows.finding import Level
    from ddsnap.flows.run import Run

SKEW: Final = 5.0
"""Seconds by which a clock may be wrong before somebody should know."""
_ROUNDING: Final = 1.0
"""Seconds that a date in an answer leaves out."""


class OrgCheck:
    """The check-up of one org; ``public_id`` is known once it has answered."""

    def __init__(self, run: Run, types: Collection[str], *, named: bool) -> None:
        self._run = run
        self._types = types
        self._named = named
        self._tip = run.repo.branch(run.snapshots)
        self._seen = Seen({name: self._stored(name)[:1] for name in types})
        self._skews: list[float] = []
        self.public_id = ""

    def findings(self) -> Iterator[Finding]:
        """Yield what was found, check by check; keys that are refused end it."""
        try:
            yield from self._identity()
            for type_ in self._run.catalog.types:
                if type_.name in self._types:
                    yield self._type(type_)
                    self._note_time()
            yield self._clock()
        except (ApiError, Refused) as error:
            yield Finding.failed("identity", error, self._run.org)

    def _identity(self) -> Iterator[Finding]:
        run = self._run
        identity = run.gateway.identity()
        self._note_time()
        name = f" '{identity.name}'" if identity.name else ""
        who = f" {identity.public_id}" if identity.public_id else ""
        yield self._found("ok", "keys", f"both keys are accepted: org{name}{who}")
        before = manifest_of(run.repo, self._tip, run.snapshots) if self._tip else None
        for warning in check_identity(run, identity.public_id, before):
            hint = "give the application key the scope user_access_read or org_management"
            yield self._found("warn", "identity", warning, hint)
        self.public_id = identity.public_id
        if self.public_id:
            yield self._pin(before)

    def _pin(self, before: Manifest | None) -> Finding:
        run = self._run
        if run.public_id:
            return self._found("ok", "pin", f"ddsnap.yaml pins {run.public_id}, which it is")
        if before and before.org.public_id:
            return self._found("ok", "pin", "it is the org of the last snapshot; it is not pinned")
        mend = f"ddsnap doctor {run.org} --pin"
        return self._found("warn", "pin", "nothing says yet which org it must be", mend)

    def _type(self, type_: ResourceType) -> Finding:
        """Look at one type with a single small request."""
        try:
            tried = self._try(type_)
        except AuthError:
            raise
        except ApiError as error:
            return self._trouble(type_, error.status, error.message)
        text = f"{type_.name} can be read" if tried else f"{type_.name}: nothing is there to try"
        return self._found("ok", "type", text)

    def _try(self, type_: ResourceType) -> bool:
        """Ask for one resource; return whether there was anything to ask for."""
        gateway = self._run.gateway
        if type_.discover:
            ids = harvest(type_, self._seen)
            reading = gateway.read(type_, ids[0]) if ids else None
            if isinstance(reading, Unreadable):
                raise ApiError(reading.reason, status=reading.status)
            return bool(ids)
        parents = self._seen.ids.get(type_.parent, [])
        if type_.parent and not parents:
            return False
        first = next(gateway.list(_smallest(type_), parents=parents[:1]), None)
        if not type_.constant_id:
            self._seen.ids[type_.name] = [] if first is None else [gateway.id_of(type_, first)]
        return True

    def _trouble(self, type_: ResourceType, status: int, message: str) -> Finding:
        """Say what to do about a type that cannot be read, and how bad that is."""
        kept = bool(self._stored(type_.name))
        absent: Level = "fail" if kept or self._named else "warn"
        if status == 403:
            wanted = _to_read(type_)
            text = f"{type_.name} cannot be read: the application key lacks {wanted} ({message})"
            mend = f"give the key's scopes, if it has any, and its owner's role {wanted}"
            return self._found(absent, "type", text, mend)
        if status == 404:
            text = f"{type_.name} is not to be had here ({message})"
            mend = f"if that is right: capture: {{exclude: [{type_.name}]}}"
            return self._found(absent, "type", text, mend)
        return Finding.failed("type", ApiError(f"{type_.name}: {message}"), self._run.org)

    def _stored(self, name: str) -> list[str]:
        """Return the ids that the last snapshot has of a type, as far as its paths tell them."""
        files = list_folder(self._run.repo, self._tip, name) if self._tip else {}
        ids = (parse_document_path(f"{name}/{file}")[1] for file in files)
        return [id_ for id_ in ids if id_ is not None]

    def _note_time(self) -> None:
        told = self._run.gateway.server_time()
        if told is not None:
            self._skews.append(told - self._run.clock().timestamp())

    def _clock(self) -> Finding:
        if not self._skews:
            text = "the server does not tell the time, so the clock here is believed"
            return self._found("warn", "clock", text)
        skew = max(self._skews) + _ROUNDING / 2  # what an answer took to come makes it less
        if abs(skew) <= SKEW + _ROUNDING / 2:
            return self._found("ok", "clock", "the clock here agrees with the server's")
        way = "behind" if skew > 0 else "ahead of"
        text = f"the clock here is {abs(skew):.0f} s {way} the server's"
        return self._found("warn", "clock", text, "set it, and keep it with NTP")

    def _found(self, level: Level, check: str, text: str, mend: str = "") -> Finding:
        code = ExitCode.FAILED if level == "fail" else ExitCode.DONE
        return Finding(level, check, text, mend, self._run.org, code)


def _smallest(type_: ResourceType) -> ResourceType:
    """Return the type with a listing of which one request gives an item, whatever it is."""
    pages = replace(type_.pages, size=1) if type_.pages and not type_.parent else None
    return replace(type_, pages=pages, also=(), skip=None, keep=None, detail=True)


def _to_read(type_: ResourceType) -> str:
    """Return the permissions that reading a type needs."""
    reading = [name for name in type_.permissions if "read" in name]
    return " and ".join(reading or type_.permissions[:1]) or "a permission"
