"""Recurrences in local time (RFC 5545): when one happens next, and whether it happens now."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from dateutil import tz
from dateutil.rrule import rrulestr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

_UNTIL: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")
_DURATION: Final = re.compile(r"(\d+)([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MOST: Final = 100_000
"""More occurrences than this are not walked through: a rule by the second for years, say."""


@dataclass(frozen=True)
class Recurrence:
    """A rule, the local time of its first occurrence, how long each lasts, and where."""

    start: datetime
    rule: str
    length: timedelta
    zone: str

    @classmethod
    def parse(cls, start: str, rule: str, duration: str, zone: str) -> Recurrence:
        """Read what Datadog writes; ``ValueError`` where it is of another form."""
        match = _DURATION.fullmatch(duration)
        if match is None:
            raise ValueError(f"{duration!r} is no duration")
        begin, there = moment(start), _zone(zone)
        local = begin.astimezone(there) if begin.tzinfo else begin
        length = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
        found = cls(local.replace(tzinfo=None), rule, length, zone)
        next(found._occurrences(), None)  # a rule of another form shows itself
        return found

    def next_after(self, time: datetime) -> Recurrence | None:
        """Return the rest of it that begins at ``time`` or later; ``None`` once it has ended."""
        for passed, local in enumerate(self._occurrences()):
            if self.aware(local) >= time:
                return replace(self, start=local, rule=_less(self.rule, passed))
        return None

    def lasts_at(self, time: datetime) -> bool:
        """Whether ``time`` is within one of its occurrences."""
        return self.end_at(time) is not None

    def end_at(self, time: datetime) -> datetime | None:
        """Return when the occurrences that ``time`` is within are over; ``None`` for none."""
        end = None
        for local in self._occurrences():
            begin = self.aware(local)
            if begin > time:
                break
            if time < begin + self.length:
                end = begin + self.length
        return end

    def end(self) -> datetime | None:
        """Return when the last occurrence is over; ``None`` for never, or where nobody can tell."""
        if not {"COUNT", "UNTIL"} & _parts(self.rule).keys():
            return None
        last, number = None, 0
        for number, local in enumerate(self._occurrences(), 1):  # noqa: B007 - both are told
            last = local
        if number >= _MOST:
            return None
        return self.aware(self.start) if last is None else self.aware(last) + self.length

    def aware(self, local: datetime) -> datetime:
        """Return a local time with its place on the clock of all."""
        return local.replace(tzinfo=_zone(self.zone))

    def local(self, time: datetime) -> datetime:
        """Return a time as a clock there shows it."""
        return time.astimezone(_zone(self.zone)).replace(tzinfo=None)

    def _occurrences(self) -> Iterator[datetime]:
        """Yield the local times. The end is told apart from the rule, as it may be in UTC."""
        parts = _parts(self.rule)
        count, until = int(parts.pop("COUNT", _MOST)), parts.pop("UNTIL", "")
        last = self._until(until)
        text = ";".join(f"{name}={value}" for name, value in parts.items())
        for number, local in enumerate(rrulestr(text, dtstart=self.start)):
            if number >= min(count, _MOST) or (last is not None and self.aware(local) > last):
                return
            yield local

    def _until(self, text: str) -> datetime | None:
        match = _UNTIL.fullmatch(text)
        if match is None:
            return None
        read = datetime.strptime(match[1] + (match[2] or "235959"), "%Y%m%d%H%M%S")
        return read.replace(tzinfo=timezone.utc) if match[3] else self.aware(read)


def moment(text: str) -> datetime:
    """Read a time as the API writes it, with or without an offset."""
    return datetime.fromisoformat(re.sub("Z$", "+00:00", text))


def _zone(name: str) -> tzinfo:
    zone = tz.gettz(name)
    if zone is None:
        raise ValueError(f"{name!r} is no time zone")
    return zone


def _parts(rule: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in rule.removeprefix("RRULE:").split(";") if part)
    return {name.upper(): value for name, _, value in pairs}


def _less(rule: str, passed: int) -> str:
    """Return the rule with as many occurrences fewer."""
    return re.sub(r"\bCOUNT=(\d+)", lambda found: f"COUNT={int(found[1]) - passed}", rule)
