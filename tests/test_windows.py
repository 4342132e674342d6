"""Windows and panes on the time axis, in zones with odd offsets, clock changes at midnight and half-hour changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.calculus.windows import (
    CALENDAR,
    DAY_MS,
    HOUR_MS,
    LONGEST_MS,
    MINUTE_MS,
    MINUTES_KEPT_MS,
    QUARTER_HOUR_MS,
    ROLLING_MS,
    WINDOWS,
    Edges,
    Grid,
    day_start,
    instant,
    local_date,
    period_start,
)
from tests.oracle.facts import time_ms
from tests.oracle.windows import exact_edges

ZONES = (
    "UTC",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/New_York",
    "Europe/Amsterdam",
    "Africa/Cairo",
    "America/Santiago",
    "America/Havana",
)
ZONE = st.sampled_from(ZONES).map(ZoneInfo)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@st.composite
def instants(draw: st.DrawFn, zone: ZoneInfo) -> int:
    """Any, or one beside a local midnight (the first of a month often among them)."""
    day = draw(DAYS)
    if draw(st.booleans()):
        day = day.replace(day=1)
    beside = st.one_of(st.integers(-3, 3), st.integers(-MINUTE_MS - 1, MINUTE_MS + 1), st.integers(0, DAY_MS))
    return instant(day, zone) + draw(beside)


@st.composite
def grids(draw: st.DrawFn) -> tuple[Grid, int]:
    """A grid, live or of a replay, and the end of its windows."""
    zone = draw(ZONE)
    now = draw(instants(zone))
    grid = draw(st.sampled_from([Grid.live(zone), Grid.as_of(now, zone)]))
    return grid, grid.end(now)


@st.composite
def grids_and_instants(draw: st.DrawFn) -> tuple[Grid, int]:
    grid, _ = draw(grids())
    return grid, draw(instants(grid.zone))


@given(grids_and_instants())
def test_a_minute_never_straddles_a_local_midnight(found: tuple[Grid, int]) -> None:
    grid, at = found
    assert local_date(grid.minute(at), grid.zone) == local_date(at, grid.zone)
    assert grid.day(grid.minute(at)) == grid.day(at)


@given(grids_and_instants(), st.integers(1, 2 * DAY_MS))
def test_panes_cover_time_without_gap_or_overlap(found: tuple[Grid, int], later: int) -> None:
    """Each instant is in one pane, which begins at or before it and is one stretch."""
    grid, at = found
    for start_of, longest in ((grid.minute, MINUTE_MS), (grid.day, 25 * HOUR_MS)):
        start = start_of(at)
        assert start <= at < start + longest
        assert start_of(start) == start
        assert start_of(start - 1) < start
        assert start <= start_of(at + later) <= at + later
    assert grid.minute(at, grid.day(at)) == grid.minute(at)


@given(grids(), st.sampled_from(WINDOWS), st.booleans(), st.data())
@settings(max_examples=300)
def test_a_window_is_a_union_of_panes(
    found: tuple[Grid, int], name: str, is_before: bool, data: st.DataObject
) -> None:
    """The panes that `ranges` names hold exactly the window's instants, each once."""
    grid, to = found
    edges = (grid.before if is_before else grid.window)(name, to)
    near = [edge + beside for edge in edges for beside in (-MINUTE_MS, -1, 0, 1, MINUTE_MS)]
    near += [grid.day(edges.to_ms) - 1, grid.day(edges.to_ms)]
    within = st.integers(min(edges) - DAY_MS, max(edges) + DAY_MS)
    starts = {"m": grid.minute, "d": grid.day}
    for at in (*near, data.draw(within)):
        held = [grain for grain, low, high in grid.ranges(edges, to) if low <= starts[grain](at) < high]
        assert len(held) == (edges.from_ms <= at < edges.to_ms), (at, held)


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Australia/Lord_Howe", "America/Santiago"])
def test_windows_read_only_minutes_that_are_kept(zone: str) -> None:
    """Looked at from every day of a year, late in it too: 30 days before may be the 25th hour of its day."""
    grid = Grid.live(ZoneInfo(zone))
    start = grid.day(time_ms("2026-01-01T12:00:00Z"))
    for to in (
        start + day * DAY_MS + part for day in range(366) for part in (DAY_MS // 2, DAY_MS - HOUR_MS // 2)
    ):
        for edges in (found for name in WINDOWS for found in (grid.window(name, to), grid.before(name, to))):
            for grain, low, high in grid.ranges(edges, to):
                assert low < high
                assert grain == "d" or low >= to - MINUTES_KEPT_MS


@given(ZONE.flatmap(lambda zone: st.tuples(st.just(zone), instants(zone))), st.sampled_from(WINDOWS))
def test_a_replay_s_windows_are_exact_to_the_millisecond(found: tuple[ZoneInfo, int], name: str) -> None:
    zone, as_of = found
    grid, exact = Grid.as_of(as_of, zone), exact_edges(as_of, str(zone))
    assert grid.end(as_of) == as_of + 1
    assert (grid.window(name, as_of + 1), grid.before(name, as_of + 1)) == exact(name)


@given(ZONE.flatmap(lambda zone: st.tuples(st.just(zone), instants(zone))), st.sampled_from(WINDOWS))
def test_a_live_window_ends_with_the_minute_and_begins_at_most_a_day_early(
    found: tuple[ZoneInfo, int], name: str
) -> None:
    zone, now = found
    grid = Grid.live(zone)
    to = grid.end(now)
    window, (exact, _) = grid.window(name, to), exact_edges(to - 1, str(zone))(name)
    assert window.to_ms == to
    assert now < to <= now + MINUTE_MS
    if name in ("90d", "180d"):
        assert exact[0] - 25 * HOUR_MS < window.from_ms <= exact[0]
        assert grid.day(window.from_ms) == window.from_ms
    else:
        assert window.from_ms == exact[0]


@given(grids(), st.sampled_from(tuple(ROLLING_MS)))
def test_the_rolling_window_before_ends_where_this_one_begins(found: tuple[Grid, int], name: str) -> None:
    grid, to = found
    this, before = grid.window(name, to), grid.before(name, to)
    assert before.to_ms == this.from_ms
    assert 0 <= (this.from_ms - before.from_ms) - ROLLING_MS[name] < 25 * HOUR_MS


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Amsterdam", "2026-03-29", 23),
        ("Europe/Amsterdam", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Africa/Cairo", "2026-04-24", 23),
        ("America/Havana", "2026-11-01", 25),
        ("America/Santiago", "2026-04-04", 25),
        ("America/Santiago", "2026-09-06", 23),
        ("Asia/Kathmandu", "2026-03-29", 24),
        ("Asia/Kolkata", "2026-10-25", 24),
    ],
)
def test_a_local_day_is_as_long_as_its_clock_makes_it(zone: str, day: str, hours: float) -> None:
    grid = Grid.live(ZoneInfo(zone))
    noon = time_ms(f"{day}T12:00:00Z") - int(_offset_ms(zone, day))
    start = grid.day(noon)
    assert local_date(start, grid.zone).isoformat() == day
    assert local_date(start - 1, grid.zone) == date.fromisoformat(day) - timedelta(days=1)
    assert grid.day(start + round(hours * HOUR_MS) - 1) == start
    assert grid.day(start + round(hours * HOUR_MS)) == start + hours * HOUR_MS


def _offset_ms(zone: str, day: str) -> float:
    offset = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset.total_seconds() * 1000


@pytest.mark.parametrize(
    ("zone", "now", "today", "month", "quarter"),
    [
        ("UTC", "2026-03-31T23:59:59.999Z", "2026-03-31T00:00:00Z", "2026-03-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("UTC", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ("Europe/Amsterdam", "2026-03-31T21:59:59.999Z", "2026-03-30T22:00:00Z", "2026-02-28T23:00:00Z",
         "2025-12-31T23:00:00Z"),
        ("Europe/Amsterdam", "2026-03-31T22:00:00Z", "2026-03-31T22:00:00Z", "2026-03-31T22:00:00Z",
         "2026-03-31T22:00:00Z"),
        ("Asia/Kolkata", "2026-06-30T18:30:00Z", "2026-06-30T18:30:00Z", "2026-06-30T18:30:00Z", "2026-06-30T18:30:00Z"),
        ("Asia/Kathmandu", "2026-06-30T18:14:59.999Z", "2026-06-29T18:15:00Z", "2026-05-31T18:15:00Z",
         "2026-03-31T18:15:00Z"),
        ("America/New_York", "2026-01-01T04:59:59.999Z", "2025-12-31T05:00:00Z", "2025-12-01T05:00:00Z",
         "2025-10-01T04:00:00Z"),
    ],
)  # fmt: skip
def test_calendar_windows_begin_at_local_midnight(
    zone: str, now: str, today: str, month: str, quarter: str
) -> None:
    for grid in (Grid.live(ZoneInfo(zone)), Grid.as_of(time_ms(now), ZoneInfo(zone))):
        to = grid.end(time_ms(now))
        assert [grid.window(name, to).from_ms for name in CALENDAR] == [
            *map(time_ms, (today, month, quarter))
        ]


def test_the_month_before_is_cut_off_where_it_ends() -> None:
    grid = Grid.as_of(time_ms("2026-03-31T12:00:00Z"), ZoneInfo("UTC"))
    before = grid.before("month", grid.end(time_ms("2026-03-31T12:00:00Z")))
    assert before == Edges(time_ms("2026-02-01T00:00:00Z"), time_ms("2026-03-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("name", "day", "first"),
    [
        ("today", "2026-05-17", "2026-05-17"),
        ("month", "2026-05-17", "2026-05-01"),
        ("quarter", "2026-01-01", "2026-01-01"),
        ("quarter", "2026-03-31", "2026-01-01"),
        ("quarter", "2026-04-01", "2026-04-01"),
        ("quarter", "2026-08-15", "2026-07-01"),
        ("quarter", "2026-12-31", "2026-10-01"),
    ],
)
def test_a_period_begins_with_its_first_day(name: str, day: str, first: str) -> None:
    assert period_start(name, date.fromisoformat(day)) == date.fromisoformat(first)


def test_a_midnight_that_is_skipped_is_the_instant_of_the_change_and_one_that_occurs_twice_its_first() -> (
    None
):
    assert instant(date(2026, 9, 6), ZoneInfo("America/Santiago")) == time_ms("2026-09-06T04:00:00Z")
    assert instant(date(2026, 11, 1), ZoneInfo("America/Havana")) == time_ms("2026-11-01T04:00:00Z")


def test_the_first_and_last_days_that_a_date_can_have_are_no_error() -> None:
    for zone in map(ZoneInfo, ZONES):
        for day in (date(1, 1, 1), date(9999, 12, 31)):
            at = (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS
            assert abs(Grid.live(zone).minute(at) - at) < 3 * 366 * DAY_MS


def test_midnights_of_every_zone_lie_on_a_quarter_of_an_hour() -> None:
    days = [date(year, month, 1) for year in range(1980, 2040, 3) for month in (1, 7)]
    zones = [ZoneInfo(name) for name in sorted(available_timezones()) if name not in ("localtime", "Factory")]
    assert len(zones) > 300
    wrong = {str(zone) for zone in zones for day in days if instant(day, zone) % QUARTER_HOUR_MS}
    assert wrong == set()


def test_the_longest_window_is_counted_in_days_and_the_rest_in_units_of_theirs() -> None:
    assert LONGEST_MS == 180 * DAY_MS
    assert ROLLING_MS["1h"] == HOUR_MS
    assert ROLLING_MS["24h"] == DAY_MS


@given(ZONE.flatmap(lambda zone: st.tuples(st.just(zone), instants(zone))))
def test_a_day_begins_at_the_first_instant_of_its_date(found: tuple[ZoneInfo, int]) -> None:
    zone, at = found
    start = day_start(at, zone)
    moment = datetime.fromtimestamp(start / 1000, UTC).astimezone(zone)
    assert moment.date() == local_date(at, zone)
    assert datetime.fromtimestamp((start - 1) / 1000, UTC).astimezone(zone).date() < moment.date()
