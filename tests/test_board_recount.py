"""A board made from the stored cases alone says what the board of the panes says, also of windows older than minutes are kept."""

import pytest

from loanpulse.board.recount import Recount
from schemas.fields import time_ms
from streams.calculus.windows import DAY_MS, MINUTES_KEPT_MS, Grid
from tests.engine import MemoryLedger, board_rows, program_of
from tests.partition_lab import ZONE, loan_events

PROGRAM = program_of(ZONE, {})
EVENTS = loan_events(31, 60)
NOW = max(time_ms(event["time"]) for event in EVENTS) + 50 * DAY_MS
LIVE, FROZEN = Grid.live(PROGRAM.zone), Grid.as_of(NOW, PROGRAM.zone)


@pytest.mark.parametrize("grid", [LIVE, FROZEN], ids=["live", "frozen"])
def test_cases_that_are_counted_give_the_board_of_their_panes(grid: Grid) -> None:
    kept = grid.minutes_kept_ms
    ledger = MemoryLedger(PROGRAM, grid, None if kept is None else NOW - MINUTES_KEPT_MS - DAY_MS)
    ledger.apply(EVENTS)
    counted = Recount(PROGRAM, grid, NOW)
    counted.begin_ledger()
    counted.add(list(ledger.cases.items()))
    counted.end_ledger()
    blocks = counted.blocks()
    shown = {(row.kpi, row.window, str(row.group)): row for block in blocks.values() for row in block.rows()}
    wanted = board_rows([ledger], grid.end(NOW) - 1)
    assert sum(row["n"] for row in wanted if row["window"] == "90d" and row["kpi"] == "turnaround_time") > 0
    for row in wanted:
        if row["n"]:
            assert shown[row["kpi"], row["window"], str(row["group"])].n == row["n"], row
