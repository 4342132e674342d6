"""The board's sums against plain Python: any rows, windows, grids and groupings give what a loop over observations gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loanpulse.board.compute import Computation, compute
from loanpulse.board.members import Members
from loanpulse.board.snapshot import Block
from loanpulse.board.table import Tables
from streams.calculus.buckets import rank_of
from streams.calculus.panes import Observation
from streams.calculus.program import Program
from streams.calculus.windows import Edges, Grid
from tests.board_lab import DAY_MS, MINUTE_MS, NOON, group, index_of, program, rule
from tests.board_plain import Case, Signed, cases, counted_plainly, fill, shown


@settings(max_examples=60, deadline=None)
@given(cases())
def test_any_rows_give_what_a_plain_sum_gives(case: Case) -> None:
    tables, members = Tables(len(case.program.measures)), Members()
    fill(tables, members, case)
    blocks = compute(tables, members, case.program, case.grid, case.to)
    assert list(blocks) == [rule.id for rule in case.program.rules]
    for of in case.program.rules:
        assert shown(blocks, of) == counted_plainly(case, of)


@settings(max_examples=30, deadline=None)
@given(cases(), st.integers(0, 20))
def test_a_kept_computation_gives_what_a_new_one_gives(case: Case, half: int) -> None:
    tables, members = Tables(len(case.program.measures)), Members()
    kept = Computation(case.program)
    fill(tables, members, case, slice(half))
    blocks = kept.blocks(tables, members, case.grid, case.to)
    fill(tables, members, case, slice(half, None))
    blocks |= kept.blocks(tables, members, case.grid, case.to)
    fresh = compute(tables, members, case.program, case.grid, case.to)
    assert {kpi: set(shown(blocks, of)) for kpi, of in zip(blocks, case.program.rules, strict=True)} == {
        kpi: set(shown(fresh, of)) for kpi, of in zip(fresh, case.program.rules, strict=True)
    }
    for of in case.program.rules:
        assert shown(blocks, of) == shown(fresh, of)


@settings(max_examples=30, deadline=None)
@given(cases(), st.integers(1, 3 * DAY_MS))
def test_a_kept_computation_moves_with_its_windows(case: Case, later: int) -> None:
    tables, members = Tables(len(case.program.measures)), Members()
    fill(tables, members, case)
    kept = Computation(case.program)
    kept.blocks(tables, members, case.grid, case.to)
    blocks = kept.blocks(tables, members, case.grid, case.to + later)
    fresh = compute(tables, members, case.program, case.grid, case.to + later)
    for of in case.program.rules:
        assert shown(blocks, of) == shown(fresh, of)


def computed(
    of: Program, found: Signed, grid: Grid, to: int, gaps: list[Edges] | None = None
) -> dict[str, Block]:
    case, tables, members = Case(of, grid, to, [found]), Tables(len(of.measures)), Members()
    fill(tables, members, case)
    return compute(tables, members, of, grid, to, gaps or [])


def rows_of(blocks: dict[str, Block], kpi: str, window: str, **label: str) -> list[Any]:
    return [row for row in blocks[kpi].rows() if row.window == window and row.group == label]


def test_sums_beyond_64_bits_are_exact() -> None:
    of = program(rule("revenue"))
    grid, to = Grid.live(of.zone), Grid.live(of.zone).end(NOON)
    most = 2**63 - 1
    found = [(Observation(0, NOON + i, group("ann", split="EUR"), 0, 1, most, 0), 1) for i in range(5)]
    tables, members = Tables(1), Members()
    for observation in found:
        fill(tables, members, Case(of, grid, to, [[observation]]))
    [row] = rows_of(compute(tables, members, of, grid, to), "revenue", "1h", currency="EUR")
    assert row.numerator == row.sum == 5 * most


def test_an_officer_in_two_branches_is_a_head_in_each_and_one_in_the_organisation() -> None:
    of = program(rule("productivity"))
    grid, to = Grid.live(of.zone), Grid.live(of.zone).end(NOON)
    work = [("ann", "north"), ("ann", "south"), ("ben", "north"), ("robot", "north"), ("unassigned", "south")]
    blocks = computed(
        of, [(Observation(0, NOON, group(*who, "", ""), 0, 1, 1, 0), 1) for who in work], grid, to
    )
    parts = {
        str(row.group): (row.numerator, row.denominator)
        for row in blocks["productivity"].rows()
        if row.window == "1h"
    }
    assert parts == {
        "{}": (3, 2),
        "{'officer': 'ann'}": (2, 1),
        "{'officer': 'ben'}": (1, 1),
        "{'branch': 'north'}": (2, 2),
        "{'branch': 'south'}": (1, 1),
    }


def test_nothing_seen_is_zero_for_counts_and_no_value_for_rates() -> None:
    of = program()
    blocks = computed(of, [], Grid.live(of.zone), Grid.live(of.zone).end(NOON))
    [count], [rate], [length] = (rows_of(blocks, kpi, "30d") for kpi in ("count", "approval", "turnaround"))
    assert (count.value, count.numerator, count.denominator) == (0.0, 0, None)
    assert (rate.value, rate.denominator) == (None, 0)
    assert (length.value, length.p50, length.sum, length.denominator) == (None, None, 0, 0)
    assert not blocks["revenue"].groups


def test_only_blocks_with_new_rows_are_made_again_until_the_windows_move() -> None:
    of = program()
    grid, to = Grid.live(of.zone), Grid.live(of.zone).end(NOON)
    tables, members, kept = Tables(len(of.measures)), Members(), Computation(of)
    assert len(kept.blocks(tables, members, grid, to)) == len(of.rules)
    assert not kept.blocks(tables, members, grid, to)
    count = Observation(index_of(of, "count"), NOON, group("ann"), 0, 1, 1, 0)
    stock = Observation(index_of(of, "defaults", "stock"), None, group("ann"), 0, 1, 0, 1)
    fill(tables, members, Case(of, grid, to, [[(count, 1), (stock, 1)]]))
    assert set(kept.blocks(tables, members, grid, to)) == {"count", "defaults"}
    assert len(kept.blocks(tables, members, grid, to + MINUTE_MS)) == len(of.rules)


def test_dropped_panes_are_in_no_sum() -> None:
    of = program(rule("count"))
    grid, to = Grid.live(of.zone), Grid.live(of.zone).end(NOON)
    tables, members, kept = Tables(1), Members(), Computation(of)
    found: list[Signed] = [
        [(Observation(0, NOON - age, group("ann"), 0, 1, 1, 0), 1)] for age in (0, MINUTE_MS, 0)
    ]
    fill(tables, members, Case(of, grid, to, found))
    assert rows_of(kept.blocks(tables, members, grid, to), "count", "1h")[0].n == 3
    tables.drop_panes([(0, f"m{grid.minute(NOON)}")])
    assert rows_of(kept.blocks(tables, members, grid, to), "count", "1h")[0].n == 2
    tables.drop_ledgers([2])
    assert rows_of(kept.blocks(tables, members, grid, to), "count", "1h")[0].n == 1
    tables.forget("m", NOON)
    assert rows_of(kept.blocks(tables, members, grid, to), "count", "1h")[0].n == 0


def test_windows_that_overlap_a_gap_are_incomplete() -> None:
    of = program(rule("count"), rule("growth"), rule("risk"))
    grid = Grid.live(of.zone)
    ago = NOON - 40 * DAY_MS
    blocks = computed(of, [], grid, grid.end(NOON), [Edges(ago, ago + 1)])
    lacking = {
        kpi: {frame.window for frame in block.frames if not frame.complete} for kpi, block in blocks.items()
    }
    assert lacking == {
        "count": {"90d", "180d", "quarter"},
        "growth": {"30d", "90d", "180d", "quarter"},
        "risk": {"now"},
    }


@pytest.mark.parametrize("damaged", ["ann", "a\x1fb\x1fc\x1fd\x1fe\x1ff"])
def test_a_damaged_group_is_an_error(damaged: str) -> None:
    with pytest.raises(ValueError, match="must be 5 parts"):
        Members().numbers([damaged])


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=60), st.sampled_from([50, 90, 95]))
def test_ranks_are_those_of_the_calculus(lengths: list[int], percent: int) -> None:
    n = np.array([len(lengths)])
    assert int(((percent * n + 99) // 100)[0]) == rank_of(percent, len(lengths))
