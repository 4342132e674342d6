"""The order of open cases by their columns alone, and what people read of their clocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_rules.measures import DurationMeasure
from kpi_rules.organisation import Organisation
from loanpulse.board.members import Members
from loanpulse.board.open_table import OpenTables
from loanpulse.cases.most_used import between, most_used, share
from loanpulse.cases.rows import OpenRows
from loanpulse.cases.words import clock_length, count, hours, left_text, place, share_text, wall_time
from streams.calculus.case import decode_case
from streams.calculus.case_clock import pauses_in
from streams.calculus.clocks import Clocks
from streams.calculus.windows import DAY_MS, HOUR_MS, Grid
from tests.engine import MemoryLedger, program_of_recount
from tests.oracle import streams as nasty
from tests.oracle.script import ms

KINDS = ("loan", "query", "complaint", "team_request", "training", "regulation")
MINUTE_MS = 60_000


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), zone=st.sampled_from(nasty.ZONES), at=st.integers(nasty.START, nasty.END))
def test_no_case_has_used_more_than_its_columns_say(seed: int, zone: str, at: int) -> None:
    program = program_of_recount(nasty.settings(seed, zone))
    ledger = MemoryLedger(program, Grid.live(program.zone))
    ledger.apply(nasty.generate(seed, 60, kinds=KINDS, tz=zone))
    tables, members = OpenTables(), Members()
    logs = [(int(pane[1:]), log) for pane, log in ledger.panes.items() if pane[0] == "o"]
    tables.add(0, logs, members.numbers(ledger.names))
    rows = OpenRows(tables, members, program.watches, {0: at})
    bounds = most_used(rows, program)
    for i in range(len(rows)):
        row = rows.row(i)
        case, measure = decode_case(ledger.cases[row.case]), row.watch.rule.measure
        used = row.watch.used_ms(case, at)
        assert share(used, row.span.target_ms) <= bounds[i]
        pauses = pauses_in(case, measure) if isinstance(measure, DurationMeasure) else []
        marks = (mark for mark in row.span[3:] if mark <= min(at, row.opened.paused_since))
        last = max(marks, default=row.opened.since)
        if all((p.until or at) <= last or p.since >= row.opened.paused_since for p in pauses):
            assert share(used, row.span.target_ms) == bounds[i]


INSTANTS = st.integers(ms("2026-03-01"), ms("2026-04-20"))


@settings(deadline=None)
@given(times=st.lists(st.tuples(INSTANTS, INSTANTS), min_size=1, max_size=20))
def test_the_open_time_of_many_is_that_of_each(times: list[tuple[int, int]]) -> None:
    clocks = Clocks(Organisation(tz="Europe/Amsterdam"))
    since, until = (np.array(side, np.int64) for side in zip(*map(sorted, times), strict=True))
    for time in (clocks.time("business", "b"), clocks.time("calendar", "b")):
        wanted = [time.between(a, b) for a, b in zip(since.tolist(), until.tolist(), strict=True)]
        assert between(time, since, until).tolist() == wanted


@pytest.mark.parametrize(
    ("left_ms", "day_ms", "said"),
    [
        (200 * MINUTE_MS, 8 * HOUR_MS, "3:20 h"),
        (200 * MINUTE_MS - 1, 8 * HOUR_MS, "3:20 h"),
        (0, 8 * HOUR_MS, "0:00 h"),
        (1, 8 * HOUR_MS, "0:01 h"),
        (-1, 8 * HOUR_MS, "+0:00 h"),
        (-204 * MINUTE_MS, 8 * HOUR_MS, "+3:24 h"),
        (8 * HOUR_MS, 8 * HOUR_MS, "1.0 days"),
        (30 * HOUR_MS, 8 * HOUR_MS, "3.8 days"),
        (-30 * HOUR_MS, 8 * HOUR_MS, "+3.7 days"),
        (30 * HOUR_MS, None, "30:00 h"),
        (-30 * HOUR_MS, None, "+30:00 h"),
        (1_284 * DAY_MS, DAY_MS, "1\u2009284.0 days"),
    ],
)
def test_what_is_left_is_read_in_hours_or_days_of_its_clock(
    left_ms: int, day_ms: int | None, said: str
) -> None:
    assert left_text(left_ms, day_ms) == said


def test_used_and_left_make_the_target() -> None:
    """`39:59 h used` and `0:01 h left` of 40 h, not `0:00 h`."""
    target = 40 * HOUR_MS
    for used in (1, MINUTE_MS - 1, MINUTE_MS, 3_599_999, 31 * HOUR_MS + 18 * MINUTE_MS + 7):
        words = hours(used).split()[0].split(":"), left_text(target - used, None).split()[0].split(":")
        assert sum(int(h) * 60 + int(m) for h, m in words) == 40 * 60


@pytest.mark.parametrize(
    ("used", "target", "said"),
    [
        (78, 100, "78 %"),
        (789, 1_000, "78 %"),
        (49_999, 100_000, "49 %"),
        (99_999, 100_000, "99 %"),
        (7_899, 100_000, "7.8 %"),
        (0, 5, "0.0 %"),
        (1_284, 100, "1\u2009284 %"),
        (5, 0, ""),
    ],
)
def test_a_share_agrees_with_its_band(used: int, target: int, said: str) -> None:
    assert share_text(used, target) == said


def test_lengths_counts_places_and_times_as_people_read_them() -> None:
    assert (hours(31 * HOUR_MS + 18 * MINUTE_MS), count(1_284_000)) == ("31:18 h", "1\u2009284\u2009000")
    assert (clock_length(30 * HOUR_MS, 8 * HOUR_MS), clock_length(7 * HOUR_MS, 8 * HOUR_MS)) == (
        "3.7 days",
        "7:00 h",
    )
    assert (place("America/New_York"), place("UTC")) == ("New York", "UTC")
    assert wall_time("2026-12-02T14:30:00.000+01:00", "2026-11-28T10:00:00.000+01:00") == "Wed 2 Dec 14:30"
    assert (
        wall_time("2026-12-02T14:30:00.000+01:00", "2027-01-01T00:00:00.000+01:00") == "Wed 2 Dec 2026 14:30"
    )
