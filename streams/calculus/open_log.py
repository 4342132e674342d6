"""The log of open cases: what panes are to observations. A row states what a case shows a watch from now on; the last one
counts. A row without spans says that the case is open no more.

Panes `o0` to `o15` share the cases out. A row: name's length and watch (u16), spans (u8, 3 bytes of nothing), group and
pauses (i32), since and paused since (i64); seven i64 for each span; the case's id. Little-endian.
"""

from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from streams.calculus.open_cases import OpenCase, Span
from streams.calculus.panes import Groups

OPEN = "o"
SHARDS = 16

_HEAD = Struct("<HHB3xiiqq")
_SPAN = Struct("<7q")


class OpenRow(NamedTuple):
    """A row as it is written; `group` is the ledger's number. No spans: open no more."""

    watch: int
    case: bytes
    group: int
    since: int = 0
    paused_since: int = 0
    pauses: int = 0
    spans: tuple[Span, ...] = ()


def shard_of(case: bytes) -> str:
    """The pane that has a case's rows."""
    return f"{OPEN}{crc32(case) % SHARDS}"


def is_open_log(pane: str) -> bool:
    return pane[0] == OPEN


class OpenDeltas:
    """What a batch changes: the last state of each case and watch."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._rows: dict[tuple[int, bytes], OpenRow] = {}

    def set(self, watch: int, case: bytes, found: OpenCase | None) -> None:
        group = 0 if found is None else self._groups.index(found.group)
        self._rows[watch, case] = (
            OpenRow(watch, case, group) if found is None else OpenRow(watch, case, group, *found[1:])
        )

    def encoded(self) -> dict[str, bytes]:
        """The rows of each changed pane, ready to append."""
        panes: dict[str, list[bytes]] = {}
        for row in self._rows.values():
            panes.setdefault(shard_of(row.case), []).append(encode_row(row))
        return {pane: b"".join(rows) for pane, rows in panes.items()}


def encode_row(row: OpenRow) -> bytes:
    watch, case, group, since, paused_since, pauses, spans = row
    head = _HEAD.pack(len(case), watch, len(spans), group, pauses, since, paused_since)
    return b"".join((head, *(_SPAN.pack(*span) for span in spans), case))


def decode_rows(log: bytes) -> Iterator[OpenRow]:
    """The rows of a log in order."""
    at, head_size, span_size = 0, _HEAD.size, _SPAN.size
    while at < len(log):
        length, watch, count, group, pauses, since, paused_since = _HEAD.unpack_from(log, at)
        at += head_size
        spans = tuple(Span(*_SPAN.unpack_from(log, at + i * span_size)) for i in range(count))
        at += count * span_size
        yield OpenRow(watch, log[at : at + length], group, since, paused_since, pauses, spans)
        at += length


def latest(rows: Iterable[OpenRow]) -> Mapping[tuple[int, bytes], OpenRow]:
    """The last row of each case and watch."""
    return {(row.watch, row.case): row for row in rows}


def compacted_log(log: bytes) -> bytes:
    """The same open cases with one row each."""
    return b"".join(encode_row(row) for row in latest(decode_rows(log)).values() if row.spans)
