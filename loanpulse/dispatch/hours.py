"""When a branch is open, by the organisation's calendars."""

from kpi_rules.organisation import Organisation
from streams.calculus.business_time import OpenTime
from streams.calculus.windows import DAY_MS

_HORIZONS = (7 * DAY_MS, 60 * DAY_MS, 400 * DAY_MS)
"""How far ahead an opening is looked for, the near before the far."""


class Hours:
    """The opening hours of an organisation's branches."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._open: dict[str, OpenTime] = {}

    def opening(self, branch: str, now_ms: int) -> int:
        """When the branch is open next: now, if it is, and also if it does not open within a year."""
        if branch not in self._open:
            self._open[branch] = OpenTime(self._organisation.calendar_of(branch))
        for horizon in _HORIZONS:
            if periods := self._open[branch].periods(now_ms, now_ms + horizon):
                return periods[0][0]
        return now_ms
