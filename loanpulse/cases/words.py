"""Lengths, shares and counts of open cases as people read them."""

from datetime import datetime

from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule
from loanpulse.rules.phrases import moment
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS

_THIN = "\u2009"
WORDS = {
    "breached": "breached",
    "at_risk": "at risk",
    "warning": "warning",
    "on_track": "on track",
    "paused": "paused",
}
"""What each band is called."""
_MINUTE_MS = 60_000


def count(number: int) -> str:
    """`1 284`, in groups of three."""
    return f"{number:,}".replace(",", _THIN)


def hours(length_ms: int) -> str:
    """`31:18 h`, rounded down to the minute."""
    minutes = length_ms // _MINUTE_MS
    return f"{count(minutes // 60)}:{minutes % 60:02} h"


def clock_length(length_ms: int, day_ms: int) -> str:
    """`3:20 h` of less than a day of that clock, else `3.8 days`; rounded down."""
    if length_ms < day_ms:
        return hours(length_ms)
    tenths = length_ms * 10 // day_ms
    return f"{count(tenths // 10)}.{tenths % 10} days"


def left_text(left_ms: int, day_ms: int | None) -> str:
    """`3:20 h` left, rounded up, so that with what is used it makes the target; `+3:24 h` over. No `day_ms`: all in hours."""
    if left_ms < 0:
        return f"+{hours(-left_ms) if day_ms is None else clock_length(-left_ms, day_ms)}"
    if day_ms is None or left_ms < day_ms:
        return hours(left_ms + _MINUTE_MS - 1)
    return clock_length(left_ms + day_ms // 10 - 1, day_ms)


def day_of(program: Program, rule: Rule, branch: str) -> int:
    """A day of a case's clock in ms: a business day of its calendar, or one of 24 hours."""
    if isinstance(rule.measure, DurationMeasure) and rule.measure.clock == "business":
        return program.clocks.calendar(branch).business_days_ms(1)
    return DAY_MS


def share_text(used_ms: int, target_ms: int) -> str:
    """`78 %`, `7.8 %`: rounded down, so that it agrees with the band; nothing of a target of nothing."""
    if not target_ms:
        return ""
    tenths = used_ms * 1000 // target_ms
    return f"{tenths // 10}.{tenths % 10} %" if tenths < 100 else f"{count(tenths // 10)} %"


def place(zone: str) -> str:
    """`Amsterdam` of `Europe/Amsterdam`."""
    return zone.rpartition("/")[2].replace("_", " ")


def wall_time(iso: str, as_of: str) -> str:
    """`Wed 2 Dec 14:30`; with its year, if that is another than now's."""
    return moment(iso, year=datetime.fromisoformat(iso).year != datetime.fromisoformat(as_of).year)
