"""Takes events in: finds the incident, asks the routes, and stores what each receiver is to be told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from loanpulse.dispatch.course import Change, admitted, rescheduled
from loanpulse.dispatch.figures import NOBODY
from loanpulse.dispatch.incident import Incident
from loanpulse.dispatch.receivers import Email
from loanpulse.dispatch.routes import Routes
from loanpulse.dispatch.store import Store
from schemas.alert import RESOLVED, AlertEvent
from streams.runtime.clock import Clock

LATE_MS = 600_000
"""An event that is older comes from a backlog."""
SETTLE_MS = 60_000
"""So long it waits whether the backlog takes it back."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Intake:
    """Where events become messages.

    Invariants:
        what_was_taken_in_before_changes_nothing
    """

    def __init__(self, routes: Routes, store: Store, clock: Clock) -> None:
        self._routes, self._store, self._clock = routes, store, clock

    async def take(self, event: AlertEvent) -> bool:
        """Store what follows of an event; False if it was taken in before. Raises RedisError: it may be taken again."""
        now = self._clock.now_ms()
        late = now - _instant_ms(event.time, now) > LATE_MS
        wanted = {} if event.type == RESOLVED else self._routes.of(event.data)
        due = first_due(self._routes, now + (SETTLE_MS if late and wanted else 0))

        def admit(incident: Incident) -> Change | None:
            after = admitted(incident, event, wanted, now, held=late)
            if after is None:
                return None
            counts = {(NOBODY, "taken_in"): 1}
            if event.type != RESOLVED and not wanted:
                counts[NOBODY, "unrouted"] = 1
            new = [name for name in after.names if name not in incident.names]
            return Change(after, rescheduled(incident, after, due), counts, new)

        return await self._store.change(await self._store.incident_of(event), admit) is not None


def first_due(routes: Routes, now_ms: int) -> Mapping[str, int]:
    """When each receiver's messages of now are due: a digest's at the next full period, so that all processes agree."""
    return {
        name: (now_ms // receiver.digest + 1) * receiver.digest
        if isinstance(receiver, Email) and receiver.digest is not None
        else now_ms
        for name, receiver in routes.receivers.items()
    }


def _instant_ms(written: str, now_ms: int) -> int:
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        return now_ms
    return now_ms if instant.tzinfo is None else (instant - _EPOCH) // timedelta(milliseconds=1)
