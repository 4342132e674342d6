"""The board's result: the figures of every KPI, window and group at one instant, and what they are worth.

A block holds one KPI as columns, which are stored and sent; a row is what the replay contract shows of them.
"""

import hashlib
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import UNSET, UnsetType

from loanpulse.roster.roster import NOBODY, Roster

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at_ms: int) -> str:
    """An instant as text, `2026-03-01T00:00:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SnapshotError(ValueError):
    """What is stored is no snapshot that this version reads: another version of LoanPulse wrote it, or it is damaged."""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename={"from_": "from"}):
    """One value with its parts. Null where a member does not apply, or where there is no value.

    `group` is empty for the organisation. Percentiles, and the sum of a duration, are ms; its value is p90 in seconds.
    """

    kpi: str
    window: str
    group: dict[str, str]
    numerator: int
    denominator: int | None
    n: int
    sum: int | None
    p50: float | None
    p90: float | None
    p95: float | None
    value: float | None
    from_: str | None
    to: str
    before_from: str | UnsetType = UNSET
    before_to: str | UnsetType = UNSET


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One window of a KPI: its edges, and a row per member as columns (None: null in every row).

    `members` are indices into the block's groups. A level has no `from_ms`. `before_*` are the edges of the window
    that a growth compares with. `complete` is False where records of the window were given up (an accepted gap).
    """

    window: str
    from_ms: int | None
    to_ms: int
    before_from_ms: int | None
    before_to_ms: int | None
    complete: bool
    members: list[int]
    n: list[int]
    numerator: list[int]
    denominator: list[int] | None
    sum: list[int] | None
    p50: list[float | None] | None
    p90: list[float | None] | None
    p95: list[float | None] | None
    value: list[float | None]


class OpenFigures(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A KPI's open cases: the organisation first, then each officer, branch and product that has some.

    `counts` are by `BANDS`, of each group. `oldest_ms`: since when the oldest is open; `next_due_ms`: the next due time
    of those that can still be in time and whose clock runs.
    """

    groups: list[dict[str, str]]
    counts: list[list[int]]
    oldest_ms: int | None
    next_due_ms: int | None


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One KPI: the groups that have rows, the organisation's (per split value) first, and its windows; and its open cases,
    if it watches any."""

    kpi: str
    groups: list[dict[str, str]]
    frames: list[Frame]
    open: OpenFigures | None = None

    def rows(self) -> Iterator[Row]:
        for frame in self.frames:
            yield from _rows(self, frame)


def _rows(block: Block, frame: Frame) -> Iterator[Row]:
    count = len(frame.members)
    edges = {"from_": None if frame.from_ms is None else iso(frame.from_ms), "to": iso(frame.to_ms)}
    if frame.before_from_ms is not None and frame.before_to_ms is not None:
        edges |= {"before_from": iso(frame.before_from_ms), "before_to": iso(frame.before_to_ms)}
    nothing = [None] * count
    columns = zip(
        frame.members, frame.n, frame.numerator, frame.denominator or nothing, frame.sum or nothing,
        frame.p50 or nothing, frame.p90 or nothing, frame.p95 or nothing, frame.value, strict=True,
    )  # fmt: skip
    for member, n, numerator, denominator, total, p50, p90, p95, value in columns:
        yield Row(
            kpi=block.kpi, window=frame.window, group=block.groups[member], numerator=numerator,
            denominator=denominator, n=n, sum=total, p50=p50, p90=p90, p95=p95, value=value,
            **edges,  # type: ignore[arg-type]  # the four members are text
        )  # fmt: skip


class LedgerStatus(msgspec.Struct, frozen=True):
    """One ledger as the board found it.

    `state`: `rebuilding` (its panes are of other rules and not in the sums), `torn` (its sums are those of before),
    `missing` (no worker has opened it), else what its worker says. `through_ms`: up to when everything is in.
    """

    topic: str
    partition: int
    state: str
    seq: int
    through_ms: int | None
    counts: dict[str, int]


class GapStatus(msgspec.Struct, frozen=True):
    """Records that an operator gave up: what happened in [from_ms, to_ms) is incomplete."""

    topic: str
    partition: int
    from_ms: int
    to_ms: int
    note: str


class Meta(msgspec.Struct, frozen=True):
    """What a snapshot is worth. Instants are UTC ms.

    `book` names the rulebook that it shows, `rules` the program that its figures are counted by: rulebooks that differ
    in words or targets only are counted alike.
    `to_ms` is where the windows end, `as_of_ms` the instant that counted as now, `complete_through_ms` the least over
    the ledgers; None if one of them has none or is not in the sums. `incomplete` says in words what is missing.
    `digests` are those of the stored blocks, by KPI, `roster` that of the roster stored beside them, "" for none.
    """

    book: str
    rules: str
    as_of_ms: int
    to_ms: int
    computed_at_ms: int
    complete_through_ms: int | None
    tick_seconds: float
    events: dict[str, int]
    ledgers: list[LedgerStatus]
    gaps: list[GapStatus]
    incomplete: list[str]
    digests: dict[str, str] = {}
    roster: str = ""


class Snapshot(msgspec.Struct, frozen=True):
    """The whole board at one instant; `blocks` in the order of the rules, and who the officers and branches in it are."""

    meta: Meta
    blocks: dict[str, Block]
    roster: Roster = NOBODY

    def rows(self) -> Iterator[Row]:
        for block in self.blocks.values():
            yield from block.rows()


def encode_block(block: Block) -> bytes:
    """JSON (msgpack has no integers above 64 bits), lightly compressed: it is written once a second."""
    return zlib.compress(msgspec.json.encode(block), level=1)


def decode_block(stored: bytes) -> Block:
    """Raises SnapshotError."""
    try:
        return _BLOCK.decode(zlib.decompress(stored))
    except (msgspec.DecodeError, zlib.error) as error:
        raise _unreadable(error) from None


def digest(stored: bytes) -> str:
    """Names what is stored, a block or the roster, by its content, so that readers fetch only what changed."""
    return hashlib.blake2b(stored, digest_size=8).hexdigest()


def encode_meta(meta: Meta) -> bytes:
    return msgspec.json.encode(meta)


def decode_meta(stored: bytes) -> Meta:
    """Raises SnapshotError."""
    try:
        return _META.decode(stored)
    except msgspec.DecodeError as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> SnapshotError:
    return SnapshotError(f"the stored board cannot be read; run one version of LoanPulse: {error}")


_BLOCK = msgspec.json.Decoder(Block)
_META = msgspec.json.Decoder(Meta)
