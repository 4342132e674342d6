"""Panes as logs of rows: sums survive writing, taking back and compaction; nothing is written for what changes nothing."""

import struct
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.calculus.compaction import compacted
from streams.calculus.panes import (
    BUCKET_BITS,
    GROUP_BITS,
    ROW_BYTES,
    STOCK,
    Deltas,
    Groups,
    Observation,
    encode,
)
from streams.calculus.windows import DAY_MS, MINUTE_MS, Grid
from tests.engine import cells_of

GRID = Grid.live(ZoneInfo("Asia/Kathmandu"))
NAMES = [f"g{n}" for n in range(4)]
BOUND = 1 << 40
ROW = st.tuples(st.integers(-3, 3), st.integers(-BOUND, BOUND), st.integers(-BOUND, BOUND))
HEADS = st.builds(
    lambda measure, group, bucket: (measure << GROUP_BITS | group) << BUCKET_BITS | bucket,
    st.integers(0, 5),
    st.integers(0, 3),
    st.integers(0, 2047),
)
LOGS = st.lists(st.dictionaries(HEADS, ROW, max_size=6), max_size=5).map(
    lambda rows: b"".join(map(encode, rows))
)
OBSERVATIONS = st.lists(
    st.builds(
        Observation,
        measure=st.integers(0, 3),
        at=st.one_of(st.none(), st.integers(0, 5 * DAY_MS), st.integers(0, 3).map(lambda n: n * MINUTE_MS)),
        group=st.sampled_from(NAMES),
        bucket=st.integers(0, 3),
        n=st.just(1),
        a=st.integers(-5, 5),
        b=st.integers(0, 5),
    ),
    max_size=12,
)


def deltas_of(*signed: tuple[list[Observation], int], minutes_from: int | None = None) -> dict[str, bytes]:
    deltas = Deltas(GRID, Groups(NAMES), minutes_from)
    for observations, sign in signed:
        deltas.add(observations, sign)
    return deltas.encoded()


def test_a_row_is_four_little_endian_integers_of_64_bits() -> None:
    head = (3 << GROUP_BITS | 2) << BUCKET_BITS | 7
    assert encode({head: (1, -2, 1 << 62)}) == struct.pack("<4q", head, 1, -2, 1 << 62)
    assert len(encode({head: (1, -2, 3)})) == ROW_BYTES
    assert cells_of(encode({head: (1, -2, 3)}), NAMES) == {(3, "g2", 7): (1, -2, 3)}


def test_the_parts_of_a_head_do_not_run_into_each_other() -> None:
    """The last bucket of the last group of one measure comes just before the first of the next."""
    last = (1 << GROUP_BITS) - 1 << BUCKET_BITS | (1 << BUCKET_BITS) - 1
    assert last + 1 == 1 << GROUP_BITS << BUCKET_BITS
    assert len(encode({(1 << 16) - 1 << GROUP_BITS << BUCKET_BITS | last: (1, 1, 1)})) == ROW_BYTES


def test_a_row_that_came_to_nothing_is_left_out() -> None:
    assert encode({1: (0, 0, 0), 2: (0, 1, 0)}) == encode({2: (0, 1, 0)})
    assert encode({}) == encode({1: (0, 0, 0)}) == b""


@pytest.mark.parametrize("sums", [(1 << 63, 0, 0), (0, -(1 << 63) - 1, 0), (0, 0, 1 << 63)])
def test_a_sum_that_leaves_64_bits_is_an_error_not_another_number(sums: tuple[int, int, int]) -> None:
    with pytest.raises(OverflowError):
        encode({1: sums})


@given(OBSERVATIONS)
def test_what_is_added_and_taken_back_leaves_nothing_to_write(observations: list[Observation]) -> None:
    assert deltas_of((observations, 1), (observations[::-1], -1)) == {}


@given(OBSERVATIONS)
def test_an_observation_is_in_one_minute_and_one_day_and_a_stock_in_neither(
    observations: list[Observation],
) -> None:
    panes = {pane: cells_of(rows, NAMES) for pane, rows in deltas_of((observations, 1)).items()}
    timed = [o for o in observations if o.at is not None]
    for grain, mine in (("m", timed), ("d", timed), ("s", [o for o in observations if o.at is None])):
        found = [cells for pane, cells in panes.items() if pane.startswith(grain)]
        assert sum(n for cells in found for n, _, _ in cells.values()) == len(mine)
        assert sum(a for cells in found for _, a, _ in cells.values()) == sum(o.a for o in mine)
        assert sum(b for cells in found for _, _, b in cells.values()) == sum(o.b for o in mine)
    assert panes.keys() == (
        {f"m{GRID.minute(o.at)}" for o in timed if o.at is not None}
        | {f"d{GRID.day(o.at)}" for o in timed if o.at is not None}
        | ({STOCK} if len(timed) < len(observations) else set())
    )


@given(OBSERVATIONS, OBSERVATIONS)
def test_two_batches_append_to_what_one_would_have_written(
    first: list[Observation], second: list[Observation]
) -> None:
    apart, together = [deltas_of((first, 1)), deltas_of((second, 1))], deltas_of((first, 1), (second, 1))
    panes = {pane for batch in apart for pane in batch}
    appended = {pane: b"".join(batch.get(pane, b"") for batch in apart) for pane in panes}
    assert {pane: cells_of(rows, NAMES) for pane, rows in appended.items()} == {
        pane: cells_of(rows, NAMES) for pane, rows in together.items()
    }


def test_what_is_before_the_minutes_that_are_kept_goes_into_its_day_only() -> None:
    old, kept = (Observation(0, at, "g0", 0, 1, 1, 0) for at in (10 * DAY_MS - 1, 10 * DAY_MS))
    panes = deltas_of(([old, kept], 1), minutes_from=10 * DAY_MS)
    assert [pane for pane in panes if pane.startswith("m")] == [f"m{10 * DAY_MS}"]
    assert (
        sum(n for pane in panes if pane[0] == "d" for n, _, _ in cells_of(panes[pane], NAMES).values()) == 2
    )


@given(LOGS)
def test_compaction_keeps_every_sum_and_leaves_one_row_a_cell(log: bytes) -> None:
    small, cells = compacted(log), cells_of(log, NAMES)
    assert cells_of(small, NAMES) == cells
    assert len(small) == ROW_BYTES * len(cells)
    assert compacted(small) == small


@given(LOGS, LOGS)
def test_a_log_may_be_compacted_before_or_after_it_grows(log: bytes, more: bytes) -> None:
    assert compacted(compacted(log) + more) == compacted(log + more) == compacted(more + log)


def test_groups_are_numbered_in_order_of_appearance_and_known_once_kept() -> None:
    groups = Groups(["a", "b"])
    assert [groups.index(name) for name in ("b", "c", "a", "d", "c")] == [1, 2, 0, 3, 2]
    assert (groups.known, groups.fresh) == (2, ["c", "d"])
    groups.keep()
    assert (groups.known, groups.fresh) == (4, [])
    assert groups.index("e") == 4


def test_names_of_a_batch_that_was_not_committed_are_given_anew() -> None:
    groups = Groups(["a"])
    assert groups.index("lost") == 1
    groups.forget_fresh()
    assert groups.fresh == []
    assert groups.index("other") == 1
    assert groups.index("lost") == 2
