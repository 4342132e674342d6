"""Events from files: JSON lines as they are, or CSV through a mapping; either may be gzipped."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from loanpulse.intake.files import PackedFile
from loanpulse.intake.mapping import Mapping
from loanpulse.intake.mapping_file import built_in
from loanpulse.intake.naming import encode
from loanpulse.intake.table import Table
from loanpulse.lab.failures import InputError
from schemas.fields import time_ms
from schemas.registry import EVENT_TYPES, TOPICS

LONGEST_LINE = 8 * 1024 * 1024
"""Bytes; events above 1 MiB are rejected, so a line much longer than that is a file of another kind."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Raw(NamedTuple):
    """One record for Kafka, not judged yet."""

    topic: str
    """Without the deployment's prefix. What names no known type goes to the first topic."""
    key: bytes | None
    value: bytes
    at: int | None
    """UTC ms of the event, or None where it cannot be read."""
    timestamp_ms: int | None = None
    """What Kafka is told as the time of sending, UTC ms; None leaves it to the producer."""


class _Data(msgspec.Struct):
    customer_id: object = None
    officer_id: object = None


class _Glance(msgspec.Struct):
    type: object = None
    time: object = None
    data: _Data | list[object] | str | int | float | bool | None = None


_GLANCE = msgspec.json.Decoder(_Glance)
_TOPIC_OF = {name: event_type.topic for name, event_type in EVENT_TYPES.items()}
_STAFF = TOPICS[2]


def raw_of(value: bytes) -> Raw:
    """Where a record belongs, found without judging it: the engine dead-letters what breaks a rule."""
    try:
        glance = _GLANCE.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Raw(TOPICS[0], None, value, None)
    topic = _TOPIC_OF.get(glance.type) if isinstance(glance.type, str) else None
    return Raw(topic or TOPICS[0], _key(topic, glance.data), value, _at(glance.time))


def _key(topic: str | None, data: object) -> bytes | None:
    """EVENTS.md: customer_id, or officer_id in staff-activity, `unassigned` where that is absent."""
    if topic is None or not isinstance(data, _Data):
        return None
    key = (
        (data.officer_id if data.officer_id is not None else "unassigned")
        if topic == _STAFF
        else data.customer_id
    )
    return key.encode("utf-8", "surrogatepass") if isinstance(key, str) else None


def _at(time: object) -> int | None:
    try:
        return time_ms(time) if isinstance(time, str) else None
    except ValueError:
        return None


class EventFile:
    """The records of a file, in its order; iterating again reads it again.

    InputError: the file cannot be read, is of another kind, or lacks a column of the mapping.
    """

    def __init__(self, path: Path, mapping: Mapping | None, zone: ZoneInfo) -> None:
        self.path = path
        self.ignored = 0
        """Rows of the last reading that the mapping has no event for."""
        self._file = PackedFile(path)
        self._table = None if mapping is None else Table(self._file, mapping, zone)

    def __iter__(self) -> Iterator[Raw]:
        self.ignored = 0
        return self._lines() if self._table is None else self._rows(self._table)

    def fraction_read(self) -> float:
        """How much of the file the running reading has passed, 0 to 1."""
        return self._file.fraction_read()

    def _rows(self, table: Table) -> Iterator[Raw]:
        for line in table:
            self.ignored += not line.events
            yield from (raw_of(encode(event)) for event, _ in line.events)

    def _lines(self) -> Iterator[Raw]:
        with self._file.opened() as stream:
            yield from self._read_lines(stream)

    def _read_lines(self, stream: BinaryIO) -> Iterator[Raw]:
        if {".csv", ".tsv"} & set(self.path.suffixes):
            raise InputError(f"CSV needs --mapping (built in: {', '.join(built_in())})", file=str(self.path))
        number = 0
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise InputError(
                    "longer than 8 MiB: is this a file of JSON lines?", file=str(self.path), line=number
                )
            value = line.strip() if number > 1 else line.removeprefix(_BYTE_ORDER_MARK).strip()
            if number == 1 and (value == b"[" or value.startswith(b"[{")):
                raise InputError(
                    "a JSON array; one event a line is read (jq -c '.[]')", file=str(self.path), line=1
                )
            if value:
                yield raw_of(value)


def read_events(path: Path, mapping: Mapping | None, zone: ZoneInfo) -> EventFile:
    """Records from JSON lines or, with a mapping, from CSV rows; `zone` is for times without an offset."""
    return EventFile(path, mapping, zone)
