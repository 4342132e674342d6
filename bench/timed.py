"""A ledger that is written with a stop-watch in hand.

It does with a batch what `streams.runtime.partition` does, with laps between the steps: keep the two alike. Beyond
that it decodes thrice, so that `decode` finds the memories of times and ids as a worker would, and `admission` less
`decode again` is what is left.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import ConsumerRecord

from bench.costs import Laps
from bench.workload import PARTITIONS
from schemas.decode import decode
from streams.calculus.case import case_id
from streams.calculus.difference import Difference
from streams.calculus.fold import CaseName, Fold
from streams.calculus.panes import Deltas, Groups, Observation
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS, MINUTES_KEPT_MS, Grid
from streams.runtime.admission import Admission, Admitted
from streams.runtime.clock import WallClock
from streams.runtime.last_record import checksum
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Batch, Source, VersionWrites
from streams.runtime.pane_version import open_writes
from streams.runtime.partition import FIRST_RECORDS, NEVER_MS, next_size
from streams.runtime.reading import BATCH_RECORDS
from streams.runtime.rebuild import rebuild
from streams.runtime.script_call import MAX_WRITES, commit_call

KNOWN = "load, were all cases known"

_FOLDING = ("load", "merge", "observe", "open cases", "panes", "encode")
_SOURCE = Source("bench", "bench", PARTITIONS)
_OWNER = "bench"


class _Noted(Deltas):
    """Keeps what is observed, so that tallying it has a time of its own."""

    def __init__(self, grid: Grid, groups: Groups, minutes_from: int | None) -> None:
        super().__init__(grid, groups, minutes_from)
        self._noted: list[tuple[list[Observation], int]] = []

    def add(self, observations: list[Observation], sign: int) -> None:  # type: ignore[override]  # lists is all it gets
        self._noted.append((observations, sign))

    def tally(self) -> None:
        for observations, sign in self._noted:
            super().add(observations, sign)


class _Ready(NamedTuple):
    """A batch in hand: what it writes, and which cases and clients it loaded."""

    batch: Batch
    cases: dict[bytes, CaseName]
    clients: list[bytes]


class TimedPartition:
    """One ledger that is written with a stop-watch in hand."""

    def __init__(self, ledger: Ledger, program: Program, laps: Laps, sizes: Counter[str]) -> None:
        now_ms = WallClock().now_ms()
        self._ledger, self._program, self._laps, self._sizes = ledger, program, laps, sizes
        self._grid, self._now_ms = Grid.live(program.zone), now_ms
        self._minutes_from = now_ms - MINUTES_KEPT_MS - DAY_MS
        self._admission = Admission(ledger.keys.topic, ledger.keys.partition, PARTITIONS, "murmur2")
        self._groups = Groups()
        self._position = 0
        self._written: list[_Ready] = []

    async def run(self, records: Sequence[ConsumerRecord]) -> None:
        """Apply all records, in parts that are small enough for a script, as a worker does."""
        head = await self._ledger.acquire(_OWNER, _SOURCE)
        made = await rebuild(self._ledger, _OWNER, head, self._program, self._grid, self._minutes_from)
        self._version = made.name
        admitted = self._admit(records)
        start, size = 0, FIRST_RECORDS
        while start < len(records):
            part = records[start : start + size]
            before = dict(self._laps.seconds)
            ready = await self._fold(part, admitted[start : start + size])
            if ready.batch.writes > MAX_WRITES:
                self._groups.forget_fresh()
                self._laps.undo(before, _FOLDING, "done twice")
                size = len(part) // 2
                continue
            await self._write(ready)
            start += len(part)
            size = next_size(size, len(part), ready.batch.writes)

    async def load_again(self) -> None:
        """Load what each batch loaded, now that every case is known and has all its facts."""
        for ready in self._written:
            with self._laps(KNOWN):
                await self._load(Fold(), ready.cases, ready.clients)

    def _admit(self, records: Sequence[ConsumerRecord]) -> list[Admitted]:
        laps = self._laps
        admitted: list[Admitted] = []
        for start in range(0, len(records), BATCH_RECORDS):
            some = records[start : start + BATCH_RECORDS]
            with laps("decode"):
                for record in some:
                    decode(record.value)
            with laps("decode again"):
                for record in some:
                    decode(record.value)
            with laps("admission"):
                verdicts = [self._admission.admit(record) for record in some]
            admitted += [verdict for verdict in verdicts if isinstance(verdict, Admitted)]
        assert len(admitted) == len(records), "the simulator's events are valid"
        return admitted

    async def _fold(self, records: Sequence[ConsumerRecord], admitted: Sequence[Admitted]) -> _Ready:
        laps, sizes = self._laps, self._sizes
        deltas = _Noted(self._grid, self._groups, self._minutes_from)
        fold, difference = Fold(), Difference(self._program, deltas)
        with laps("load"):
            identities = [case_id(v.event.type.kind, v.key, v.event.subject) for v in admitted]
            names: dict[bytes, CaseName] = {
                identity: (v.event.type.kind, v.key, v.event.subject)
                for identity, v in zip(identities, admitted, strict=True)
            }
            shows = self._program.shows
            clients = list({v.key.encode(): None for v in admitted if shows(v.event.type.kind)})
            blobs = await self._load(fold, names, clients)
        with laps("merge"):
            for identity, verdict in zip(identities, admitted, strict=True):
                fold.merge(identity, verdict.event, NEVER_MS)
        with laps("observe"):
            folded = fold.finish()
            changed = difference.of_clients(difference.of_cases(folded.changes), blobs)
        with laps("open cases"):
            logs, watch = open_writes(self._program, self._groups, difference.of_open_cases(folded.changes))
        with laps("panes"):
            deltas.tally()
        with laps("encode"):
            panes = deltas.encoded() | logs
        sizes["of events"] += sum(len(record.value) for record in records)
        sizes["of cases and clients written"] += sum(map(len, [*folded.cases.values(), *changed.values()]))
        sizes["of pane rows written"] += sum(map(len, panes.values()))
        writes = VersionWrites(self._version, changed, panes, self._groups.known, self._groups.fresh, watch)
        last = records[-1]
        batch = Batch(
            self._position,
            last.offset + 1,
            last.offset,
            checksum(last),
            self._now_ms,
            folded.cases,
            writes,
            {"applied": len(records)},
        )
        return _Ready(batch, names, clients)

    async def _load(
        self, fold: Fold, names: dict[bytes, CaseName], clients: list[bytes]
    ) -> dict[bytes, bytes | None]:
        found, shown = await self._ledger.load(list(names), {self._version: clients})
        fold.load(
            [(identity, name, blob) for (identity, name), blob in zip(names.items(), found, strict=True)]
        )
        return dict(zip(clients, shown[self._version], strict=True))

    async def _write(self, ready: _Ready) -> None:
        with self._laps("call"):
            commit_call(self._ledger.keys, _OWNER, ready.batch)
        with self._laps("script"):
            await self._ledger.commit(_OWNER, ready.batch)
        self._sizes["scripts"] += 1
        self._sizes["panes"] += len(ready.batch.live.panes)
        self._position = ready.batch.next
        self._groups.keep()
        self._written.append(ready)
