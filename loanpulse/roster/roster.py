"""Who works here: officers and branches by id, with their names and the days of their work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from streams.calculus.windows import Edges, instant

Kind = Literal["officer", "branch"]
KINDS: tuple[Kind, ...] = ("officer", "branch")
EARLIEST, LATEST = -(1 << 62), 1 << 62


@dataclass(frozen=True)
class Member:
    """An officer or a branch."""

    kind: Kind
    id: str
    name: str
    branch: str = ""
    """Of an officer: where he works, "" where the roster does not say."""
    first_day: date | None = None
    last_day: date | None = None
    """The last day at work, that day included; None: still here."""

    def time(self, zone: ZoneInfo) -> Edges:
        """From the first day to the end of the last, days being local."""
        since = EARLIEST if self.first_day is None else instant(self.first_day, zone)
        until = LATEST if self.last_day is None else instant(self.last_day + timedelta(days=1), zone)
        return Edges(since, until)


@dataclass(frozen=True)
class Roster:
    """All officers and branches; each id of a kind once."""

    members: tuple[Member, ...] = ()

    def of(self, kind: Kind) -> Iterator[Member]:
        return (member for member in self.members if member.kind == kind)

    @cached_property
    def names(self) -> Mapping[tuple[str, str], str]:
        """Names by kind and id."""
        return {(member.kind, member.id): member.name for member in self.members}

    def called(self, dimension: str, member: str) -> str:
        """As people are shown a member: with the name, if the roster has one."""
        name = self.names.get((dimension, member), "")
        return f"{name} ({member})" if name else member


NOBODY = Roster()


def encode_roster(roster: Roster) -> bytes:
    """As it is stored beside the board; nothing for an empty one."""
    return msgspec.json.encode(roster.members) if roster.members else b""


def decode_roster(stored: bytes) -> Roster:
    """Raises msgspec.DecodeError for what no roster was."""
    return Roster(_MEMBERS.decode(stored)) if stored else NOBODY


_MEMBERS = msgspec.json.Decoder(tuple[Member, ...])
