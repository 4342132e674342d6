"""One topic-partition in the hands of this worker: its records become commits to its ledger."""

import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from schemas.event import Event
from schemas.fields import time_text
from streams.calculus.case import case_id
from streams.calculus.fold import Fate, Fold
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS, LONGEST_MS, MINUTES_KEPT_MS, Grid
from streams.runtime.admission import Admission, Admitted, DeadLetter
from streams.runtime.clock import Clock
from streams.runtime.dead_letters import DeadLetters
from streams.runtime.last_record import checksum
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import PaneFull, Refused, SourceChanged, TooLarge
from streams.runtime.ledger_values import Batch, Outcome, Source, VersionWrites
from streams.runtime.pane_version import PaneVersion
from streams.runtime.processor import PartitionStopped, way_out
from streams.runtime.programs import Programs
from streams.runtime.rejects import RejectShare
from streams.runtime.script_call import MAX_WRITES, check_size
from streams.runtime.settings import Settings
from streams.runtime.upkeep import Upkeep
from streams.runtime.versions import Versions
from streams.runtime.watcher import Watcher

log = logging.getLogger(__name__)

MOST_RECORDS = 1_000
FIRST_RECORDS = 500  # a new ledger knows no case and no group yet, so its first batches write the most
NEVER_MS = -(1 << 62)

ChecksumAt = Callable[[int], Awaitable[int | None]]
Verdict = Admitted | DeadLetter


class Partition:
    """Owns a ledger from `open` on and folds records into it, in scripts of bounded size.

    Invariants:
        every_record_is_counted_once
        a_batch_that_is_too_large_is_divided
    """

    def __init__(
        self,
        ledger: Ledger,
        topic: str,
        programs: Programs,
        settings: Settings,
        clock: Clock,
        dead: DeadLetters,
    ) -> None:
        """`topic` is the contract's name; the ledger's is the one that Kafka knows."""
        self._ledger, self._topic, self._programs = ledger, topic, programs
        self._settings, self._clock, self._dead = settings, clock, dead
        self._frozen = settings.as_of is not None
        self._kept_ms = 2 * LONGEST_MS + settings.lateness_days * DAY_MS
        self._owner = secrets.token_hex(8)
        self._rejects = RejectShare(settings.reject_limit)
        self._size = FIRST_RECORDS
        self._through: int | None = None

    async def open(self, source: Source, checksum_at: ChecksumAt) -> int:
        """Take the ledger over; the offset to read from.

        Its panes are made anew, before anything is read, where its rules are others or a script was cut off.
        """
        ledger, owner = self._ledger, self._owner
        try:
            head = await ledger.acquire(owner, source)
        except SourceChanged as error:
            raise PartitionStopped(f"{error}. {self._way_out()}") from None
        except Refused as error:
            raise _refused(error) from None
        if head.last_offset is not None:
            found = await checksum_at(head.last_offset)
            if found is not None and found != head.last_crc:
                raise PartitionStopped(
                    f"the record at offset {head.last_offset} is not the one that was applied. {self._way_out()}"
                )
        self._versions = Versions(ledger, owner, self._grid, self._minutes_from)
        await self._versions.take(head, self._programs)
        self._position, self._through = head.position, head.through_ms
        self._admission = Admission(
            self._topic, ledger.keys.partition, source.partitions, self._settings.partitioner
        )
        self._upkeep = Upkeep(ledger, owner, self._kept_ms)
        self._watcher = Watcher(ledger, owner, self._settings)
        return self._position

    def _grid(self, program: Program) -> Grid:
        return Grid.as_of(self._clock.now_ms(), program.zone) if self._frozen else Grid.live(program.zone)

    def _way_out(self) -> str:
        return way_out(self._ledger.keys.topic, self._ledger.keys.partition)

    async def process(self, records: Sequence[Any]) -> None:
        """Apply the records, a part at a time, each part whole or not at all."""
        verdicts = [self._admission.admit(record) for record in records]
        self._rejects.count(len(records), _dead(verdicts))
        start = 0
        while start < len(records):
            end = start + self._size
            start += await self._apply_or_make_room(records[start:end], verdicts[start:end])

    async def _apply_or_make_room(self, records: Sequence[Any], verdicts: Sequence[Verdict]) -> int:
        """How many were applied: all of them, or none, and the next try will be another."""
        try:
            writes = await self._apply(records, verdicts)
        except TooLarge as error:
            self._forget()
            if len(records) == 1:
                raise PartitionStopped(
                    f"the record at offset {records[0].offset} changes too much: {error}"
                ) from None
            self._size = len(records) // 2
            return 0
        except PaneFull as error:
            self._forget()
            if not await self._upkeep.compact(error.version, [error.pane]):
                raise PartitionStopped(
                    f"{error}, but nothing in it adds up: too many officers, branches and products are in one partition"
                ) from None
            return 0
        except Refused as error:
            raise _refused(error) from None
        self._size = next_size(self._size, len(records), writes)
        return len(records)

    def _forget(self) -> None:
        for version in self._versions.written:
            version.forget()

    async def _apply(self, records: Sequence[Any], verdicts: Sequence[Verdict]) -> int:
        """How many writes it took."""
        dead = _dead(verdicts)
        fold = Fold()
        names, clients = await self._load(
            fold, [verdict for verdict in verdicts if isinstance(verdict, Admitted)]
        )
        oldest = NEVER_MS if self._frozen else self._horizon()
        counts: Counter[str] = Counter()
        identities = iter(names)
        for record, verdict in zip(records, verdicts, strict=True):
            if isinstance(verdict, Admitted):
                fate = fold.merge(next(identities), verdict.event, oldest)
                counts[fate.value] += 1
                if fate is Fate.EXPIRED:
                    dead.append(_expired(record, verdict.event, oldest))
        counts.update(_counts(dead))
        folded = fold.finish()
        if folded.quarantined:
            counts["quarantined"] = folded.quarantined
        minutes_from = self._minutes_from()
        writes = [
            version.writes(folded.changes, clients[version.name], minutes_from)
            for version in self._versions.written
        ]
        return await self._commit(records, folded.cases, writes, counts, dead)

    async def _load(
        self, fold: Fold, admitted: Sequence[Admitted]
    ) -> tuple[list[bytes], dict[str, dict[bytes, bytes | None]]]:
        """Load the cases that the events need; the id of each one's case, and by version the clients' blobs."""
        identities = [case_id(kind.kind, key, subject) for key, (kind, subject, _, _) in admitted]
        names = {
            identity: (v.event.type.kind, v.key, v.event.subject)
            for identity, v in zip(identities, admitted, strict=True)
        }
        asked = {version.name: _clients_to_load(version, admitted) for version in self._versions.written}
        found, shown = await self._ledger.load(list(names), asked)
        fold.load(
            [(identity, name, blob) for (identity, name), blob in zip(names.items(), found, strict=True)]
        )
        return identities, {name: dict(zip(keys, shown[name], strict=True)) for name, keys in asked.items()}

    async def _commit(
        self,
        records: Sequence[Any],
        changed: dict[bytes, bytes],
        writes: Sequence[VersionWrites],
        counts: Counter[str],
        dead: Sequence[DeadLetter],
    ) -> int:
        last = records[-1]
        through = self._through_by(records)
        room = MAX_WRITES - len(changed) - sum(version.writes for version in writes)
        cases = self._upkeep.forgotten(changed, room)
        batch = Batch(
            self._position, last.offset + 1, last.offset, checksum(last), through, cases, writes[0], counts,
            beside=writes[1] if len(writes) > 1 else None,
        )  # fmt: skip
        if dead:
            check_size(batch)  # before the letters: a batch that is divided would write them twice
            await self._dead.put(dead)
        outcome = await self._ledger.commit(self._owner, batch)
        if outcome is Outcome.ALREADY:
            log.info("%s: a lost reply: offset %d was applied already", self._ledger.keys.place, last.offset)
        self._position, self._through = batch.next, through
        for version in self._versions.written:
            version.keep()
        for written in writes:
            self._upkeep.grown(written)
        return batch.writes

    async def tick(self, programs: Programs, build_seconds: float, *, caught_up: bool) -> None:
        """Say how far the ledger is, follow the rules, and do a little upkeep.

        `build_seconds` is how long a version in the making may keep batches waiting.
        """
        if caught_up:
            self._through = self._clock.now_ms()
        state = "live" if caught_up else "catching up"
        await self._ledger.tick(self._owner, self._position, self._through, state)
        await self._versions.follow(programs, build_seconds)
        if not self._frozen:
            at_ms = self._watcher.instant(self._clock.now_ms(), self._through, caught_up=caught_up)
            if at_ms is not None:
                await self._watcher.step(self._versions.names[0], programs, at_ms)
            written = {version.name: version.program for version in self._versions.written}
            await self._upkeep.step(self._clock.now_ms(), written)

    def _through_by(self, records: Sequence[Any]) -> int:
        """Up to when everything is in, by these records: their oldest tells, since a producer's clock may be ahead."""
        oldest: int = min(record.timestamp for record in records)
        return min(self._clock.now_ms(), max(self._through or 0, oldest))

    def _horizon(self) -> int:
        """Before it, an unknown case is not begun any more."""
        return self._clock.now_ms() - self._kept_ms

    def _minutes_from(self) -> int | None:
        return None if self._frozen else self._clock.now_ms() - MINUTES_KEPT_MS - DAY_MS


def next_size(size: int, records: int, writes: int) -> int:
    """How many records to try after so many took so many writes: some more, as far as a script will hold what they write."""
    wanted = min(MOST_RECORDS, size + 50)
    if writes <= MAX_WRITES // 2:
        return wanted
    return min(wanted, max(1, records * MAX_WRITES * 9 // (writes * 10)))


def _clients_to_load(version: PaneVersion, admitted: Iterable[Admitted]) -> list[bytes]:
    shows = version.program.shows
    return version.clients_to_load({v.key: None for v in admitted if shows(v.event.type.kind)})


def _dead(verdicts: Sequence[Verdict]) -> list[DeadLetter]:
    return [verdict for verdict in verdicts if isinstance(verdict, DeadLetter)]


def _refused(error: Refused) -> PartitionStopped:
    return PartitionStopped(
        f"the ledger refuses: {error}. Someone else has written to its keys: restore Redis from a backup"
    )


def _expired(record: Any, event: Event, oldest: int) -> DeadLetter:
    days = (oldest - event.statement.at) // DAY_MS
    said = time_text(event.statement.at)
    message = (
        f"time is {said}, {days} days before the oldest that is still kept, and its case is not known: "
        "raise LOANPULSE_LATENESS_DAYS to take it in"
    )
    return DeadLetter(record, Fate.EXPIRED.value, message, "time", repr(said))


def _counts(dead: Sequence[DeadLetter]) -> Counter[str]:
    """Dead letters by reason; the expired have a count of their own."""
    counts: Counter[str] = Counter()
    for letter in dead:
        if letter.reason != Fate.EXPIRED.value:
            counts["dead_letter"] += 1
            counts[f"dead_letter:{letter.reason}"] += 1
    return counts
