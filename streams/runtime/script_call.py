"""What a batch looks like to the scripts: their keys, numbers and data, in the order they read them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from streams.runtime.keys import LedgerKeys
from streams.runtime.ledger_errors import TooLarge
from streams.runtime.ledger_values import COUNT_FIELD, Batch, VersionWrites
from streams.runtime.script import Argument

# Redis serves nobody else while a script runs: some milliseconds at these bounds.
MAX_WRITES = 2000
MAX_BYTES = 16 * 1024 * 1024

_Item = TypeVar("_Item", str, tuple[bytes, bytes | None], tuple[str, bytes])


class Call(NamedTuple):
    keys: list[str]
    arguments: list[Argument]


def commit_call(keys: LedgerKeys, owner: str, batch: Batch) -> Call:
    """What commit.lua is given. ValueError: the batch goes nowhere; TooLarge: it is too much for a script."""
    if not 0 <= batch.expected < batch.next:
        raise ValueError(
            f"next is {batch.next}: must be above expected, {batch.expected}, which is 0 or more"
        )
    check_size(batch)
    sets, dels = _changes(batch.cases)
    counts: list[Argument] = []
    for name, added in batch.counts.items():
        counts += (COUNT_FIELD.decode() + name, added)
    versions = [batch.live] if batch.beside is None else [batch.live, batch.beside]
    parts = [version_call(keys, writes) for writes in versions]
    through: Argument = "" if batch.through_ms is None else batch.through_ms
    return Call(
        [keys.head, keys.cases, keys.before, keys.alerts, *chain.from_iterable(part.keys for part in parts)],
        [
            *(owner, batch.expected, batch.next, batch.last_offset, batch.last_crc, through),
            *(len(counts), len(sets), len(dels), len(parts)),
            *chain.from_iterable(part.numbers for part in parts),
            *counts,
            *sets,
            *dels,
            *chain.from_iterable(part.data for part in parts),
        ],
    )


class VersionCall(NamedTuple):
    keys: list[str]
    numbers: tuple[Argument, ...]
    data: list[Argument]


def version_call(keys: LedgerKeys, writes: VersionWrites) -> VersionCall:
    """One version's part of a call, as `version_part` of the prelude takes it apart."""
    of = keys.version(writes.version)
    sets, dels = _changes(writes.clients)
    watched: list[Argument] = []
    unwatched: list[Argument] = []
    for name, when in writes.watch.items():
        if when is None:
            unwatched.append(name)
        else:
            watched += (when, name)
    return VersionCall(
        [
            *(of.clients, of.dirty, of.lengths, of.gens, of.groups, of.build, of.watch),
            *[of.panes + pane for pane in writes.panes],
        ],
        (
            *(writes.version, writes.groups_known, len(sets), len(dels)),
            *(len(writes.panes), len(writes.groups_new), len(watched), len(unwatched)),
        ),
        [*sets, *dels, *writes.panes.values(), *writes.groups_new, *watched, *unwatched],
    )


def steps_of(writes: VersionWrites) -> Iterator[VersionWrites]:
    """Parts that each fit into one script; the same writes are always cut alike, so steps may be repeated."""
    version, known = writes.version, writes.groups_known
    for names in _cut(writes.groups_new):
        yield VersionWrites(version, {}, {}, known, names)
        known += len(names)
    for clients in _cut(writes.clients.items()):
        yield VersionWrites(version, dict(clients), {}, known, ())
    for panes in _cut(writes.panes.items()):
        yield VersionWrites(version, {}, dict(panes), known, ())
    for watched in _cut((name, None) for name in writes.watch):
        yield VersionWrites(version, {}, {}, known, (), {name: writes.watch[name] for name, _ in watched})


def _cut(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    part: list[_Item] = []
    size = 0
    for item in items:
        more = _size((item,)) if isinstance(item, str) else _size(item)
        if more > MAX_BYTES:
            raise TooLarge(f"one entry has {more} bytes: must be at most {MAX_BYTES}")
        if part and (len(part) == MAX_WRITES or size + more > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    if part:
        yield part


def check_size(batch: Batch) -> None:
    """TooLarge: the batch is more than one script may do."""
    if batch.writes > MAX_WRITES:
        raise TooLarge(f"the batch has {batch.writes} writes: must be at most {MAX_WRITES}")
    size = _size(batch.cases.values()) + _version_size(batch.live)
    if batch.beside is not None:
        size += _version_size(batch.beside)
    if size > MAX_BYTES:
        raise TooLarge(f"the batch has {size} bytes: must be at most {MAX_BYTES}")


def _version_size(writes: VersionWrites) -> int:
    parts = writes.clients.values(), writes.panes.values(), writes.groups_new, writes.watch
    return sum(map(_size, parts))


def _size(values: Collection[bytes | str | None] | Iterable[bytes | str | None]) -> int:
    return sum(map(len, filter(None, values)))


def _changes(changes: Mapping[bytes, bytes | None]) -> tuple[Sequence[Argument], Sequence[Argument]]:
    """What to set (id, value, id, value…) and what to delete."""
    kept: list[Argument] = []
    gone: list[Argument] = []
    for key, value in changes.items():
        if value is None:
            gone.append(key)
        else:
            kept += (key, value)
    return kept, gone
