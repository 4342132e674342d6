"""Where a value stands on the way of an improvement goal: against the straight line from its baseline to its end.

All is exact in the decimals that values are written in: 3 and +10 % make 3.3, which 3.3 reaches.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

_MS = timedelta(milliseconds=1)


class Verdict(IntEnum):
    """Of a value on its way; the first that holds, in the order of `course`. The numbers are the metric's."""

    REACHED = 0
    AHEAD = 1
    ON_COURSE = 2
    BEHIND = 3
    MISSED = 4
    TOO_FEW = 5
    NOT_BEGUN = 6

    @property
    def words(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Line:
    """The straight way from one value to another, which differs; which of the two is higher says whether up is better.

    It begins with the midnight that begins `start` and ends with the midnight that ends `due`, in `zone`: all of the
    due day still counts. `tolerance` is a share of the whole way.
    """

    start_value: float
    end_value: float
    start: date
    due: date
    zone: ZoneInfo
    tolerance: float

    @property
    def begin(self) -> datetime:
        return _midnight(self.start, self.zone)

    @property
    def end(self) -> datetime:
        return _midnight(self.due + timedelta(days=1), self.zone)


@dataclass(frozen=True)
class Course:
    """How a goal stands at an instant."""

    expected: float
    """The line's value at that instant: the baseline before it begins, the goal's end after it ends."""
    elapsed: float
    """Share of the time that is over, 0 to 1."""
    progress: float | None
    """Share of the way that the value has gone; below 0 it is worse than the baseline, above 1 better than the goal. None
    without a value."""
    verdict: Verdict


def course(line: Line, value: float | None, n: int, min_samples: int, as_of: datetime) -> Course:
    """The course of a value with `n` observations behind it, at an aware instant. The first verdict that holds:

    not begun: as_of is before the line begins
    too few: no value, or n < min_samples
    reached: the value is at the goal's end or beyond it, whenever that is
    missed: the line has ended (as_of at its end or later)
    on course: progress is at most `tolerance` from the share of the time, the edges included
    ahead, behind: it is above, or below, that band
    """
    elapsed = _elapsed(line, as_of)
    start, end = _exact(line.start_value), _exact(line.end_value)
    progress = None if value is None else (_exact(value) - start) / (end - start)
    return Course(
        expected=float(start + (end - start) * elapsed),
        elapsed=float(elapsed),
        progress=None if progress is None else float(progress),
        verdict=_verdict(line, None if n < min_samples else progress, elapsed, as_of),
    )


def _verdict(line: Line, progress: Fraction | None, elapsed: Fraction, as_of: datetime) -> Verdict:
    if as_of < line.begin:
        return Verdict.NOT_BEGUN
    if progress is None:
        return Verdict.TOO_FEW
    if progress >= 1:
        return Verdict.REACHED
    if as_of >= line.end:
        return Verdict.MISSED
    lead, tolerance = progress - elapsed, _exact(line.tolerance)
    if abs(lead) <= tolerance:
        return Verdict.ON_COURSE
    return Verdict.AHEAD if lead > 0 else Verdict.BEHIND


def _elapsed(line: Line, as_of: datetime) -> Fraction:
    """0 to 1; the line has a day at least."""
    gone = Fraction((as_of - line.begin) // _MS, (line.end - line.begin) // _MS)
    return min(max(gone, Fraction(0)), Fraction(1))


def end_of(start: float, to: float | None, change: float | None) -> float | None:
    """Where an improvement ends: at `to`, or a relative change (0.3 is +30 %) from its baseline; None if it says neither."""
    if to is not None or change is None:
        return to
    return float(_exact(start) * (1 + _exact(change)))


def _exact(number: float) -> Fraction:
    """The number as it is written, not the binary fraction that is nearest to it."""
    return Fraction(str(number))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a local day; a midnight that occurs twice is its first occurrence."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
