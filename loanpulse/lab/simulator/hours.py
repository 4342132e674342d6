"""The lender's working time: Monday to Friday, 9 to 17, in its zone; public holidays are not observed.

Working time is also a coordinate of its own, the ms worked since 1970, so that "four working hours later" is an addition.
"""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WORKDAY = 8 * HOUR
OPENS_AT = 9 * HOUR

_MONDAY_BEFORE_1970 = 3
_WORKDAYS = 5


class Hours:
    """Working time in one zone; all instants are UTC ms."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._offset_in_hour = lru_cache(maxsize=1 << 14)(self._offset)
        self._opening_of = lru_cache(maxsize=1 << 12)(self._opening)

    def local_day(self, at: int) -> int:
        """The local date as days since 1970-01-01."""
        return (at + self._offset_in_hour(at // HOUR)) // DAY

    def local_midnight(self, day: int) -> int:
        """When a local day begins, near enough where a clock change falls on midnight."""
        return day * DAY - self._offset_in_hour(day * 24)

    def worked(self, at: int) -> int:
        """Working time up to an instant."""
        week, weekday = divmod(self.local_day(at) + _MONDAY_BEFORE_1970, 7)
        workday = week * _WORKDAYS + min(weekday, _WORKDAYS)
        if weekday >= _WORKDAYS:
            return workday * WORKDAY
        return workday * WORKDAY + min(max(at - self._opening_of(workday), 0), WORKDAY)

    def when(self, worked: int) -> int:
        """The instant at which so much has been worked; at a day's end, the next opening."""
        workday, rest = divmod(worked, WORKDAY)
        return self._opening_of(workday) + rest

    def after(self, at: int, work: float) -> int:
        """The instant that comes `work` ms of working time after another."""
        return self.when(self.worked(at) + int(work))

    def is_workday(self, day: int) -> bool:
        """Whether a local day is one of Monday to Friday."""
        return (day + _MONDAY_BEFORE_1970) % 7 < _WORKDAYS

    def _opening(self, workday: int) -> int:
        week, weekday = divmod(workday, _WORKDAYS)
        local = (week * 7 + weekday - _MONDAY_BEFORE_1970) * DAY + OPENS_AT
        return local - self._offset_in_hour((local - self._offset_in_hour(local // HOUR)) // HOUR)

    def _offset(self, hour: int) -> int:
        """The zone's offset from UTC in an hour of UTC, in ms."""
        offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds()) * 1000
