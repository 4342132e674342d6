"""What goes into a ledger and what comes out of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import NamedTuple

COUNT_FIELD = b"count:"


@dataclass(frozen=True, slots=True)
class Source:
    """The topic as Kafka knows it; a topic made anew under its old name has another id."""

    cluster_id: str
    topic_id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that were never read: what happened in [from_ms, to_ms), UTC ms, is incomplete."""

    from_ms: int
    to_ms: int
    from_position: int
    to_position: int
    note: str


@dataclass(frozen=True, slots=True)
class Head:
    """One ledger's state: all that is not a case or a pane.

    `owner` is "" and `source` None before the first acquisition; `version` is "" before the first flip. `beside`
    ("" for none) is the version that is written beside it; `beside_ready` once that holds all that the live one does.
    `position` is the offset to read next. `torn`: a script was cut off, so panes and cases may disagree.
    `last_offset` and `last_crc` name the last applied record; `through_ms` (UTC ms) is the instant up to
    which everything is in; None when there is none. `state` is the owner's word on itself. `counts` are
    lifetime counts of events by outcome.
    """

    owner: str
    seq: int
    position: int
    torn: bool
    version: str
    beside: str
    beside_ready: bool
    source: Source | None
    last_offset: int | None
    last_crc: int | None
    through_ms: int | None
    state: str
    counts: Mapping[str, int]
    gaps: tuple[Gap, ...]

    @property
    def whole_versions(self) -> tuple[str, ...]:
        """The versions that hold everything; the live one first."""
        return tuple(filter(None, (self.version, self.beside if self.beside_ready else "")))


@dataclass(frozen=True, slots=True)
class VersionWrites:
    """What one batch changes in one version. None deletes a client; a pane's bytes go to the end of its log.

    `groups_known` is how many groups the writer knows, so that the first of `groups_new` has that index. `watch` says of
    open cases, by `watch_name`, when they have to be looked at, UTC ms; None: no more.
    """

    version: str
    clients: Mapping[bytes, bytes | None]
    panes: Mapping[str, bytes]
    groups_known: int
    groups_new: Sequence[str]
    watch: Mapping[bytes, int | None] = field(default_factory=dict)

    @property
    def writes(self) -> int:
        return len(self.clients) + len(self.panes) + len(self.groups_new) + len(self.watch)


@dataclass(frozen=True, slots=True)
class Batch:
    """All that the records from `expected` up to `next` change. None deletes a case; `counts` are added.

    `expected` is the position last received from the ledger, `next` the one to store: greater, holes allowed.
    `beside` is the version beside the live one, which takes the same events.
    """

    expected: int
    next: int
    last_offset: int
    last_crc: int
    through_ms: int | None
    cases: Mapping[bytes, bytes | None]
    live: VersionWrites
    counts: Mapping[str, int]
    beside: VersionWrites | None = None

    @property
    def writes(self) -> int:
        """What a script's bound (`ledger.MAX_WRITES`) counts: cases, clients, panes and new groups."""
        return len(self.cases) + self.live.writes + (self.beside.writes if self.beside else 0)


class Told(NamedTuple):
    """What came of looking at an open case: when to look again (UTC ms; None: no more), its incident ("" for none, None
    for as it is), and what is told of it."""

    name: bytes
    again_at: int | None
    incident: bytes | None
    messages: Sequence[bytes] = ()


class Outcome(Enum):
    APPLIED = "applied"
    ALREADY = "already"  # the reply to an earlier try was lost; nothing was done now


class Cursor(NamedTuple):
    """How far a reader of panes has got. A new owner may mean a restored Redis, so the reader starts anew."""

    owner: str
    version: str
    seq: int


class PaneLength(NamedTuple):
    """A pane's log at the instant of a pull; under one generation it only grows."""

    pane: str
    generation: int
    length: int


class PaneSlice(NamedTuple):
    """The bytes [start, end) of a pane's log."""

    pane: str
    generation: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pull:
    """What changed in a version since a cursor, at one instant. `whole`: `panes` lists every pane; forget any other.

    `version` is "" when there is none to read: then there are no panes.
    """

    head: Head
    version: str
    whole: bool
    groups_len: int
    panes: list[PaneLength]

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.head.owner, self.version, self.head.seq)


def head_of(stored: Mapping[bytes, bytes] | Sequence[bytes]) -> Head:
    """The head from its hash, or from names and values by turns; an empty one was never acquired."""
    fields = stored if isinstance(stored, Mapping) else dict(zip(stored[::2], stored[1::2], strict=True))
    topic_id = fields.get(b"topic_id")
    return Head(
        owner=_text(fields, b"owner"),
        seq=int(fields.get(b"seq", b"0")),
        position=int(fields.get(b"position", b"0")),
        torn=bool(fields.get(b"applying")),
        version=_text(fields, b"version"),
        beside=_text(fields, b"beside"),
        beside_ready=fields.get(b"beside_state") == b"ready",
        source=None
        if topic_id is None
        else Source(_text(fields, b"cluster_id"), topic_id.decode(), int(fields[b"partitions"])),
        last_offset=_number(fields, b"last_offset"),
        last_crc=_number(fields, b"last_crc"),
        through_ms=_number(fields, b"through_ms"),
        state=_text(fields, b"state"),
        counts={
            name.removeprefix(COUNT_FIELD).decode(): int(value)
            for name, value in fields.items()
            if name.startswith(COUNT_FIELD)
        },
        gaps=tuple(Gap(**gap) for gap in json.loads(fields.get(b"gaps", b"[]"))),
    )


def gaps_json(gaps: Sequence[Gap]) -> str:
    return json.dumps([asdict(gap) for gap in gaps])


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str:
    return fields.get(name, b"").decode()


def _number(fields: Mapping[bytes, bytes], name: bytes) -> int | None:
    value = fields.get(name, b"")
    return int(value) if value else None
