"""Σ observe(cases) = panes: every pane of a ledger against a count of its stored cases, at one instant."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from redis.exceptions import RedisError

from loanpulse.board.ticks import grid_of
from loanpulse.rules.open_differences import open_differences
from streams.calculus.case import decode_case, parse_case_id
from streams.calculus.client import Client as ClientState
from streams.calculus.client import decode_client
from streams.calculus.compaction import compacted, compacted_pane
from streams.calculus.fold import Change
from streams.calculus.open_log import is_open_log
from streams.calculus.panes import BUCKET_BITS, GROUP_BITS
from streams.calculus.program import Program
from streams.calculus.windows import LONGEST_MS, MINUTES_KEPT_MS
from streams.runtime.case_instant import Busy, CaseInstant, Cases
from streams.runtime.clock import clock_of
from streams.runtime.in_force import NotNow, RulesInForce
from streams.runtime.keys import NamespaceKeys
from streams.runtime.ledger_errors import Stale
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.ledger_values import VersionWrites
from streams.runtime.pane_version import VersionInTheMaking, digest_of
from streams.runtime.rulebook import program_of
from streams.runtime.script import Client
from streams.runtime.settings import Settings

MOST_SHOWN = 20
MOST_TRIES = 5
CLIENTS_AT_ONCE = 10_000
MOST_LOOSE_BYTES = 64 * 1024 * 1024

_INT64 = np.dtype("<i8")
Cell = tuple[str, int, str, int]
"""Pane, measure, group, bucket."""
Sums = tuple[int, int, int]


class Difference(msgspec.Struct, frozen=True):
    """A cell of a pane that is not what the cases come to. `pane` is its grain and start (`m…`, `d…`, UTC ms; `s` the
    stock); the sums are n, numerator and the third part, as panes hold them."""

    kpi: str
    part: str
    group: list[str]
    pane: str
    bucket: int
    expected: list[int]
    found: list[int]


class Verified(msgspec.Struct, frozen=True):
    """One ledger's verification. `trouble` says why it could not be verified; then the counts are 0.

    `drift` is how many cells differ, `clients` how many clients are not what their cases show, `open_cases` how many
    watched cases are not open as they are kept; `differences` are the first of the cells.
    """

    topic: str
    partition: int
    at_ms: int
    seconds: float
    cases: int = 0
    cells: int = 0
    drift: int = 0
    clients: int = 0
    open_cases: int = 0
    differences: list[Difference] = []
    trouble: str = ""

    @property
    def is_well(self) -> bool:
        return not (self.drift or self.clients or self.open_cases or self.trouble)


_VERIFIED = msgspec.json.Decoder(Verified)


@dataclass
class _Counted:
    """What a count of the cases comes to."""

    panes: dict[str, list[bytes]]
    names: list[str]
    clients: dict[bytes, bytes | None]
    cases: int = 0
    _loose: int = 0

    def take(self, writes: VersionWrites) -> None:
        self.names += writes.groups_new
        self.clients.update(writes.clients)
        for pane, rows in writes.panes.items():
            self.panes.setdefault(pane, []).append(rows)
            self._loose += len(rows)
        if self._loose > MOST_LOOSE_BYTES:
            self.panes = {pane: [compacted_pane(pane, b"".join(rows))] for pane, rows in self.panes.items()}
            self._loose = 0


async def verify(
    redis: Client, settings: Settings, topic: str | None = None, partition: int | None = None
) -> AsyncIterator[Verified]:
    """Verify ledgers one after the other and store what was found; raises Redis' errors, and NotNow without rules."""
    rules = await RulesInForce(redis, settings.namespace).live()
    if rules is None:
        raise NotNow("no rules are in force yet: start a worker, which begins with its own")
    program = await asyncio.to_thread(program_of, rules)
    for place in await list_ledgers(redis, settings.namespace):
        if topic in (None, place[0]) and partition in (None, place[1]):
            found = await verify_ledger(LedgerReader(redis, settings.namespace, *place), program, settings)
            await redis.execute_command(
                "HSET",
                NamespaceKeys(settings.namespace).verified,
                f"{place[0]}/{place[1]}",
                msgspec.json.encode(found),
            )
            yield found


async def last_verified(redis: Client, namespace: str) -> list[Verified]:
    """What was found the last time, by ledger; what another version stored is left out."""
    stored: Mapping[bytes, bytes] = await redis.execute_command("HGETALL", NamespaceKeys(namespace).verified)
    found = []
    for _, text in sorted(stored.items()):
        try:
            found.append(_VERIFIED.decode(text))
        except msgspec.DecodeError:
            continue
    return found


async def verify_ledger(reader: LedgerReader, program: Program, settings: Settings) -> Verified:
    """One ledger against its cases, at one instant, while its worker goes on. Raises Redis' errors."""
    began, now_ms = time.monotonic(), clock_of(settings).now_ms()

    def verified(**found: object) -> Verified:
        seconds = round(time.monotonic() - began, 3)
        place = reader.keys.topic, reader.keys.partition
        return Verified(*place, now_ms, seconds, **found)  # type: ignore[arg-type]  # the members' own names

    for _ in range(MOST_TRIES):
        instant = CaseInstant(reader)
        try:
            head = await instant.open()
            if head.torn:
                return verified(trouble="it was cut off half-way and waits for a worker to rebuild it")
            if digest_of(head.version) != program.digest:
                return verified(trouble="its panes are not of the rules in force yet")
            return verified(**await _compare(instant, reader, program, settings))
        except Busy as busy:
            return verified(trouble=str(busy))
        except Stale:
            continue
        finally:
            await _close(instant)
    return verified(trouble="its panes were compacted again and again meanwhile: try again")


async def _close(instant: CaseInstant) -> None:
    try:
        await instant.close()
    except RedisError:
        return  # it ends by itself


async def _compare(
    instant: CaseInstant, reader: LedgerReader, program: Program, settings: Settings
) -> dict[str, object]:
    version = instant.pull.version
    logs = await instant.panes()
    names = (await reader.groups(version))[: instant.pull.groups_len]
    counted = await _count(instant.cases(), program, settings)
    stored, expected = await asyncio.to_thread(_both, logs, names, counted, clock_of(settings).now_ms())
    differing = sorted(
        cell for cell in stored.keys() | expected.keys() if stored.get(cell) != expected.get(cell)
    )
    zero = (0, 0, 0)
    return {
        "cases": counted.cases,
        "cells": len(stored.keys() | expected.keys()),
        "drift": len(differing),
        "open_cases": open_differences(logs, names, counted.panes, counted.names),
        "clients": await _clients(instant, reader, version, counted.clients),
        "differences": list(
            _told(program, [(c, expected.get(c, zero), stored.get(c, zero)) for c in differing[:MOST_SHOWN]])
        ),
    }


async def _count(cases: AsyncIterator[Cases], program: Program, settings: Settings) -> _Counted:
    making = VersionInTheMaking("verify.1", program, grid_of(settings, program, clock_of(settings)))
    counted = _Counted({}, [], {})

    def add(some: Cases) -> None:
        changes = [
            Change(identity, parse_case_id(identity), None, decode_case(blob), None)
            for identity, blob in some
        ]
        counted.take(making.writes(changes, {}, None))
        making.keep()
        counted.cases += len(some)

    async for some in cases:
        await asyncio.to_thread(add, some)
    making.has_all_cases()
    while writes := await asyncio.to_thread(making.some_clients, CLIENTS_AT_ONCE, None):
        counted.take(writes)
        making.keep()
    return counted


def _both(
    logs: Mapping[str, bytes], names: Sequence[str], counted: _Counted, now_ms: int
) -> tuple[dict[Cell, Sums], dict[Cell, Sums]]:
    """The cells of the ledger and of the count that windows can still reach, those of zeros left out; open cases have none."""
    minutes, days = now_ms - MINUTES_KEPT_MS, now_ms - 2 * LONGEST_MS

    def reached(pane: str) -> bool:
        if is_open_log(pane):
            return False
        return pane == "s" or int(pane[1:]) >= (minutes if pane[0] == "m" else days)

    def cells(of: Iterator[tuple[str, bytes]], named: Sequence[str]) -> dict[Cell, Sums]:
        return {cell: sums for pane, rows in of if reached(pane) for cell, sums in _cells(pane, rows, named)}

    joined = ((pane, b"".join(rows)) for pane, rows in counted.panes.items())
    return cells(iter(logs.items()), names), cells(joined, counted.names)


def _cells(pane: str, rows: bytes, names: Sequence[str]) -> Iterator[tuple[Cell, Sums]]:
    for head, n, a, b in np.frombuffer(compacted(rows), _INT64).reshape(-1, 4).tolist():
        group = head >> BUCKET_BITS & ((1 << GROUP_BITS) - 1)
        name = names[group] if group < len(names) else f"?{group}"
        yield (pane, head >> BUCKET_BITS >> GROUP_BITS, name, head & ((1 << BUCKET_BITS) - 1)), (n, a, b)


async def _clients(
    instant: CaseInstant, reader: LedgerReader, version: str, counted: Mapping[bytes, bytes | None]
) -> int:
    """How many stored clients show otherwise than their cases; those that changed since the instant are passed over."""
    names, wrong = list(counted), 0
    changed = {parse_case_id(case)[1].encode() for case in await instant.changed()}
    for start in range(0, len(names), CLIENTS_AT_ONCE):
        some = [name for name in names[start : start + CLIENTS_AT_ONCE] if name not in changed]
        _, found = await reader.load([], {version: some})
        later = {parse_case_id(case)[1].encode() for case in await instant.changed()}
        wrong += sum(
            _shows_other(counted[name], blob)
            for name, blob in zip(some, found[version], strict=True)
            if name not in later
        )
    return wrong


def _shows_other(expected: bytes | None, found: bytes | None) -> bool:
    shown = [ClientState() if blob is None else decode_client(blob) for blob in (expected, found)]
    mine, theirs = ({code: views for code, views in one.views.items() if views} for one in shown)
    return mine != theirs


def _told(program: Program, found: list[tuple[Cell, Sums, Sums]]) -> Iterator[Difference]:
    for (pane, measure, group, bucket), expected, stored in found:
        of = program.measures[measure] if measure < len(program.measures) else None
        yield Difference(
            kpi="?" if of is None else of.rule.id,
            part="?" if of is None else of.part,
            group=group.split("\x1f"),
            pane=pane,
            bucket=bucket,
            expected=list(expected),
            found=list(stored),
        )
