"""The engine without servers: folds events into an in-memory ledger, for tests of the calculus."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any
from zlib import crc32

import msgspec
import numpy as np

from kpi_rules.loader import load, rulebook
from kpi_rules.model import Rule
from loanpulse.board.compute import compute
from loanpulse.board.members import Members
from loanpulse.board.table import Tables
from schemas.decode import decode
from schemas.event import Event
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case, case_id, decode_case, merge
from streams.calculus.client import View, decode_client
from streams.calculus.difference import Difference
from streams.calculus.fold import CaseName, Fate, Fold
from streams.calculus.open_cases import OpenCase
from streams.calculus.open_log import OpenDeltas, decode_rows, latest
from streams.calculus.panes import Deltas, Groups
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.rulebook import organisation_of, read_rules

NEVER_MS = -(1 << 62)

Cells = dict[str, dict[Any, Any]]


def event_of(raw: dict[str, Any]) -> Event:
    """An event as the engine reads it."""
    return decode(json.dumps(raw).encode())


@cache
def catalogue() -> tuple[Rule, ...]:
    """The rules that come with LoanPulse."""
    return tuple(rulebook(read_rules(None)))


def program_of(zone: str, document: dict[str, Any]) -> Program:
    """The catalogue for an organisation given as its file gives it; compiled once, since it keeps no state."""
    return _compiled(zone, json.dumps(document, sort_keys=True))


@lru_cache(maxsize=64)
def _compiled(zone: str, document: str) -> Program:
    return Program(catalogue(), organisation_of("test", json.loads(document), zone))


def program_of_recount(chosen: dict[str, Any]) -> Program:
    """The catalogue for the recount's settings."""
    return program_of(chosen.get("zone", "UTC"), organisation_document(chosen))


def organisation_document(chosen: dict[str, Any]) -> dict[str, Any]:
    """The recount's settings as an organisation's file has them: there a target is in ms, here in seconds."""
    document = {name: value for name, value in chosen.items() if name != "zone"}
    document["targets"] = {kpi: _targets(ms) for kpi, ms in chosen.get("targets", {}).items()}
    return document


def _targets(ms: Any) -> Any:
    if isinstance(ms, int):
        return ms / 1000
    return [{"at_most": target / 1000, "valid_from": begins} for begins, target in ms]


def rules_of(*measures: str, by: str = "lending", unit: str = "count") -> list[Rule]:
    """Rules r0, r1 … of measures as a rule file has them, in one line of YAML each."""
    text = "kra: own\ntitle: Own\nrules:\n"
    for number, measure in enumerate(measures):
        text += (
            f"  - {{id: r{number}, wording: own, says: own, unit: {unit}, by: {by}, measure: {measure}}}\n"
        )
    return rulebook([load("own.yaml", text)])


def cases_of(events: Iterable[dict[str, Any]]) -> dict[CaseName, Case]:
    """Cases after events, merged one by one."""
    cases: dict[CaseName, Case] = defaultdict(Case)
    for raw in events:
        event = event_of(raw)
        merge(cases[event.type.kind, event.key_field or "unassigned", event.subject], event)
    return dict(cases)


class MemoryLedger:
    """Cases, clients and panes of one partition, kept as the real ledger keeps them: as bytes."""

    def __init__(self, program: Program, grid: Grid, minutes_from: int | None = None) -> None:
        self.program, self.grid, self.minutes_from = program, grid, minutes_from
        self.cases: dict[bytes, bytes] = {}
        self.clients: dict[bytes, bytes] = {}
        self.panes: dict[str, bytes] = defaultdict(bytes)
        self.groups = Groups()
        self.names: list[str] = []
        self.fates: Counter[Fate] = Counter()
        self.quarantined = 0

    def apply(self, events: Iterable[dict[str, Any]], oldest: int = NEVER_MS) -> None:
        """One batch; `oldest`: the time before which an unknown case is not begun."""
        deltas = Deltas(self.grid, self.groups, self.minutes_from)
        fold = Fold()
        named = []
        for raw in events:
            event = event_of(raw)
            key = event.key_field or "unassigned"
            named.append(((event.type.kind, key, event.subject), event))
        names = {case_id(*name): name for name, _ in named}
        fold.load([(identity, name, self.cases.get(identity)) for identity, name in names.items()])
        for name, event in named:
            self.fates[fold.merge(case_id(*name), event, oldest)] += 1
        folded = fold.finish()
        self.quarantined += folded.quarantined
        self.cases.update(folded.cases)
        difference = Difference(self.program, deltas)
        shown = difference.of_cases(folded.changes)
        opened = OpenDeltas(self.groups)
        for (watch, case), found in difference.of_open_cases(folded.changes).items():
            opened.set(watch, case, found)
        self.clients.update(
            difference.of_clients(shown, {key.encode(): self.clients.get(key.encode()) for key in shown})
        )
        for pane, rows in (deltas.encoded() | opened.encoded()).items():
            self.panes[pane] += rows
        self.names += self.groups.fresh
        self.groups.keep()

    def state(self) -> tuple[dict[bytes, Case], dict[bytes, dict[int, dict[str, View]]]]:
        """Cases and clients, decoded: equal whatever order they came about in."""
        cases = {name: decode_case(blob) for name, blob in self.cases.items()}
        clients = {
            key: {code: views for code, views in decode_client(blob).views.items() if views}
            for key, blob in self.clients.items()
        }
        return cases, {key: views for key, views in clients.items() if views}

    def cells(self) -> Cells:
        """Each pane's sums by (measure, group, bucket), those of zeros left out; and the open cases."""
        return {
            pane: cells for pane in self.panes if (cells := content_of(pane, self.panes[pane], self.names))
        }


def content_of(pane: str, log: bytes, names: Sequence[str]) -> dict[Any, Any]:
    """What a pane's log comes to, whatever the numbers of its groups."""
    return open_cases_of(log, names) if pane.startswith("o") else cells_of(log, names)


def open_cases_of(log: bytes, names: Sequence[str]) -> dict[tuple[int, bytes], OpenCase]:
    """A log's open cases by watch and case."""
    return {
        at: OpenCase(names[row.group], *row[3:]) for at, row in latest(decode_rows(log)).items() if row.spans
    }


def cells_of(rows: bytes, names: Sequence[str]) -> dict[tuple[int, str, int], tuple[int, int, int]]:
    """A pane's sums by (measure, group, bucket), read from its bytes as documented, those of zeros left out."""
    sums: dict[tuple[int, str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for head, n, a, b in np.frombuffer(rows, "<i8").reshape(-1, 4).tolist():
        key = (head >> 47, names[head >> 11 & (1 << 36) - 1], head & 2047)
        sums[key] = [x + y for x, y in zip(sums[key], (n, a, b), strict=True)]
    return {key: (n, a, b) for key, (n, a, b) in sums.items() if (n, a, b) != (0, 0, 0)}


def board_rows(ledgers: Sequence[MemoryLedger], as_of_ms: int) -> list[dict[str, Any]]:
    """The rows of a board over several ledgers, as the replay contract has them, windows ending after `as_of_ms`."""
    program, grid = ledgers[0].program, ledgers[0].grid
    tables, members = Tables(len(program.measures)), Members()
    for number, ledger in enumerate(ledgers):
        tables.add(number, list(ledger.panes.items()), members.numbers(ledger.names))
    blocks = compute(tables, members, program, grid, as_of_ms + 1)
    return [msgspec.to_builtins(row) for block in blocks.values() for row in block.rows()]


def partition_of(event: dict[str, Any], partitions: int) -> int:
    """A partition by the event's topic and key, any function of them will do."""
    data = event["data"]
    key = data.get("customer_id") or data.get("officer_id") or "unassigned"
    return crc32(f"{EVENT_TYPES[event['type']].topic}/{key}".encode()) % partitions
