"""When a branch is open, by the organisation's calendars."""

from kpi_rules.organisation import Organisation
from streams.calculus.clocks import Clocks
from streams.calculus.windows import DAY_MS

_HORIZON_MS = 400 * DAY_MS


class Hours:
    """The opening hours of an organisation's branches."""

    def __init__(self, organisation: Organisation) -> None:
        self._clocks = Clocks(organisation)

    def opening(self, branch: str, now_ms: int) -> int:
        """When the branch is open next: now, if it is, and also if it does not open within 400 days."""
        (first_ms_over,) = self._clocks.open_time(branch).after(now_ms, [1])
        opening = first_ms_over - 1
        return opening if opening < now_ms + _HORIZON_MS else now_ms
