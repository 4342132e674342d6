"""Open time: how much of an interval a business is open, in ms, less the pauses of a case.

Days are laid out once for each calendar as arrays of open periods in UTC with their running sum, so an interval costs
two binary searches, whatever its length.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from kpi_rules.calendars import Calendar
from streams.calculus.windows import instant, local_date

Interval = tuple[int, int]
NEVER_MS = 1 << 62
_MOST_YEARS = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OpenTime:
    """The open time of one calendar.

    Open periods are local wall time, [from, to). A wall time that occurs twice is its first occurrence; one that a clock
    change skips is read with the offset before the change.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._zone = ZoneInfo(calendar.tz or "UTC")
        self._first: date | None = None
        self._last = date.min
        self._from_ms, self._to_ms = 0, 0  # what is laid out of whole days
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._sums: list[int] = [0]  # open ms before each period

    def between(self, start: int, end: int) -> int:
        """Open ms in [start, end); 0 if end is not after start."""
        if end <= start:
            return 0
        self._cover(start, end)
        return self._open_before(end) - self._open_before(start)

    def elapsed(self, start: int, end: int, pauses: Iterable[Interval] = ()) -> int:
        """Open ms in [start, end) less those inside pauses; overlapping pauses count once."""
        total = self.between(start, end)
        for begin, finish in merged((max(b, start), min(f, end)) for b, f in pauses):
            total -= self.between(begin, finish)
        return total

    def after(self, start: int, lengths: Iterable[int]) -> list[int]:
        """The first instants by which so many open ms have passed since an instant; NEVER_MS if 40 years do not hold them."""
        self._cover(start, start)
        before = self._open_before(start)
        return [start if length <= 0 else self._when(before + length) for length in lengths]

    def _when(self, wanted: int) -> int:
        """When so many open ms of the laid-out days have passed; more days are laid out as it takes."""
        years_left = _MOST_YEARS
        while self._sums[-1] < wanted:
            next_year = self._last.year + 1
            if not years_left or next_year >= date.max.year:
                return NEVER_MS
            self._lay_out(self._last + timedelta(days=1), date(next_year, 12, 31))
            years_left -= 1
        period = bisect_left(self._sums, wanted) - 1
        return self._starts[period] + wanted - self._sums[period]

    def periods(self, start: int, end: int) -> list[Interval]:
        """The open periods in [start, end), in order, the first and the last cut off at its edges."""
        if end <= start:
            return []
        self._cover(start, end)
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        inside = zip(self._starts[first:last], self._ends[first:last], strict=True)
        return [(max(begin, start), min(finish, end)) for begin, finish in inside]

    def _open_before(self, at: int) -> int:
        """Open ms from the beginning of the laid-out days to an instant among them."""
        i = bisect_right(self._starts, at)
        if i == 0:
            return 0
        return self._sums[i - 1] + min(at, self._ends[i - 1]) - self._starts[i - 1]

    def _cover(self, start: int, end: int) -> None:
        """Lay out the years of an interval; again from scratch when it begins before those there are."""
        if self._from_ms <= start and end < self._to_ms:
            return
        first, last = local_date(start, self._zone), local_date(end, self._zone)
        if self._first is None or first < self._first:
            self._first = first.replace(month=1, day=1)
            self._last = self._first - timedelta(days=1)
            self._starts, self._ends, self._sums = [], [], [0]
        if last > self._last:
            self._lay_out(self._last + timedelta(days=1), last.replace(month=12, day=31))

    def _lay_out(self, day: date, last: date) -> None:
        while day <= last:
            if not self._calendar.is_holiday(day):
                for begin, end in self._calendar.periods(day.weekday()):
                    self._append(self._wall(day, begin), self._wall(day, end))
            day += timedelta(days=1)
        self._last = last
        if self._first is not None and last.year < date.max.year:
            self._from_ms, self._to_ms = instant(self._first, self._zone), instant(day, self._zone)

    def _append(self, start: int, end: int) -> None:
        if self._ends:
            # a clock change may fold a period's end over the next one's beginning
            start = max(start, self._ends[-1])
        if end > start:
            self._starts.append(start)
            self._ends.append(end)
            self._sums.append(self._sums[-1] + end - start)

    def _wall(self, day: date, minutes: int) -> int:
        if minutes == 24 * 60:
            return instant(day + timedelta(days=1), self._zone)
        wall = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=self._zone)
        return (wall.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


class PlainTime:
    """A clock that always runs, where an OpenTime runs in opening hours."""

    def between(self, start: int, end: int) -> int:
        return max(0, end - start)

    def after(self, start: int, lengths: Iterable[int]) -> list[int]:
        return [start + max(0, length) for length in lengths]


def reached(
    time: OpenTime | PlainTime, start: int, lengths: Sequence[int], pauses: Sequence[Interval]
) -> list[int]:
    """The first instants at which a clock that stands still in the pauses shows some lengths; NEVER_MS for one that it never
    shows.

    `lengths` are in order, the shortest first. `pauses` are disjoint and in order (`merged`), none begins before the
    start; the last may end at NEVER_MS.
    """
    found: list[int] = []
    at, shown = start, 0
    for begin, finish in pauses:
        run = time.between(at, begin)
        until = bisect_right(lengths, shown + run)
        found += time.after(at, [length - shown for length in lengths[len(found) : until]])
        at, shown = finish, shown + run
        if len(found) == len(lengths) or at >= NEVER_MS:
            return found + [NEVER_MS] * (len(lengths) - len(found))
    return found + time.after(at, [length - shown for length in lengths[len(found) :]])


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The union of intervals as disjoint ones in order; empty ones vanish."""
    union: list[Interval] = []
    for start, end in sorted(i for i in intervals if i[0] < i[1]):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union
