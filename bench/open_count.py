"""What the board does with open cases, in a process of its own: takes their logs in, and counts them by band."""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from bench.costs import memory_of
from bench.open_store import KPI, customer_ledgers
from bench.report import Figures
from loanpulse.board.members import Members
from loanpulse.board.open_figures import open_figures
from loanpulse.board.open_table import OpenTables
from loanpulse.board.table import pane_start
from streams.calculus.open_cases import Band
from streams.calculus.open_log import is_open_log
from streams.calculus.watches import Watch
from streams.runtime.clock import WallClock
from streams.runtime.ledger_reader import LedgerReader
from streams.runtime.ledger_values import PaneSlice
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import compile_program
from streams.runtime.settings import Settings

_RUNS = 9
_TURNING = 1_000


def main(settings: Settings) -> None:
    """Print the figures of the ledgers of a namespace, of which no worker needs to run, as JSON."""
    program = compile_program(settings.rules, settings.config, settings.tz)
    (watch,) = [watch for watch in program.watches if watch.rule.id == KPI]
    tables, members = OpenTables(), Members()
    figures = _load(asyncio.run(_read(settings)), tables, members)
    print(json.dumps(figures | _count(tables, members, watch)), flush=True)


async def _read(settings: Settings) -> list[tuple[list[str], list[tuple[int, bytes]]]]:
    """Of each ledger its groups, and the logs of its live version with their shards."""
    client = await connect(str(settings.redis))
    found = []
    try:
        for ledger in customer_ledgers(settings):
            reader = LedgerReader(client, ledger.namespace, ledger.topic, ledger.partition)
            pull = await reader.pull()
            slices = [PaneSlice(*pane[:2], 0, pane.length) for pane in pull.panes if is_open_log(pane.pane)]
            logs = await reader.read(pull.version, slices)
            shards = [pane_start(part.pane) for part in slices]
            found.append((await reader.groups(pull.version), list(zip(shards, logs, strict=True))))
    finally:
        await client.aclose()
    return found


def _load(
    ledgers: Sequence[tuple[list[str], list[tuple[int, bytes]]]], tables: OpenTables, members: Members
) -> Figures:
    before, begun = memory_of(os.getpid()), time.process_time()
    for number, (names, logs) in enumerate(ledgers):
        groups = members.numbers(names)
        for log in logs:
            tables.add(number, [log], groups)
    taken, size = time.process_time() - begun, sum(len(log) for _, logs in ledgers for _, log in logs)
    gc.collect()
    held = memory_of(os.getpid()) - before
    return {"its own CPU s": taken, "logs MB": size / 1e6, "tables MB": held / 1e6}


def _count(tables: OpenTables, members: Members, watch: Watch) -> Figures:
    now = WallClock().now_ms()
    ledgers = [ledger for ledger, _ in tables.of(watch.index)]

    def advance(at: int) -> None:
        tables.advance(watch.index, dict.fromkeys(ledgers, at))

    everyone, alone = watch.rule, watch.rule.model_copy(update={"dimensions": ()})
    advance(now)
    bands = np.concatenate([table.bands().band for _, table in tables.of(watch.index)])
    found = {
        "open": float(len(bands)),
        "advance, nothing turns ms": _milliseconds(lambda n: advance(now + n)),
        "figures of all members ms": _milliseconds(
            lambda _: open_figures(tables, watch.index, everyone, members)
        ),
        "figures of the organisation ms": _milliseconds(
            lambda _: open_figures(tables, watch.index, alone, members)
        ),
        "np.bincount of bands alone ms": _milliseconds(lambda _: np.bincount(bands, minlength=len(Band))),
    }
    instants = _instants(tables, watch.index, now + _RUNS)
    found["advance, 1,000 turn ms"] = _milliseconds(lambda n: advance(instants[n]))
    return found


def _instants(tables: OpenTables, watch: int, after: int) -> list[int]:
    """Some to come, from each to the next of which a thousand cases come to have used half of their target."""
    halves = [table.column("half", table.bands().slots) for _, table in tables.of(watch)]
    turns = np.sort(np.concatenate(halves))
    turns = turns[turns > after]
    step = min(_TURNING, len(turns) // (_RUNS + 1))
    return [int(at) for at in turns[step - 1 :: step][:_RUNS]]


def _milliseconds(work: Callable[[int], object]) -> float:
    """Median of the CPU time of several runs."""
    took = []
    for run in range(_RUNS):
        begun = time.process_time()
        work(run)
        took.append(1000 * (time.process_time() - begun))
    return median(took)


if __name__ == "__main__":
    main(Settings.model_validate_json(sys.argv[1]))
