"""What time brings: silences end, incidents that are long over are forgotten, and it is seen that somebody is at work."""

import logging

from loanpulse.dispatch.course import Change, reminded
from loanpulse.dispatch.figures import NOBODY, figures, say_alive
from loanpulse.dispatch.incident import Incident
from loanpulse.dispatch.intake import first_due
from loanpulse.dispatch.routes import Routes
from loanpulse.dispatch.silence import Silence
from loanpulse.dispatch.silences import forget_silence, stored_silences
from loanpulse.dispatch.store import Store
from streams.runtime.clock import Clock

KEPT_MS = 7 * 86_400_000
"""So long after its end an incident's events are known again if they come again."""
PRUNE_EVERY_MS = 3_600_000
LAST_LOOK_MS = 10_000
"""So long after a silence nobody goes by it any more."""

log = logging.getLogger(__name__)


class Sweep:
    """Every process sweeps; what one has done another finds done."""

    def __init__(self, routes: Routes, store: Store, clock: Clock) -> None:
        self._routes, self._store, self._clock = routes, store, clock
        self._next_prune_ms = 0
        self._ended: set[str] = set()

    async def step(self) -> None:
        """Raises RedisError: the rest is done by the next step."""
        now = self._clock.now_ms()
        for silence in await stored_silences(self._store.redis, self._store.keys.namespace):
            if silence.end_ms <= now:
                await self._end(silence, now)
        if now >= self._next_prune_ms:
            await self._prune(now)
            await self._name_strangers()
            self._next_prune_ms = now + PRUNE_EVERY_MS
        await say_alive(self._store, now)

    async def _end(self, silence: Silence, now: int) -> None:
        """Wake what the silence held, at once and once more: somebody may just have held it who read the silence before."""
        is_last = now - silence.end_ms >= LAST_LOOK_MS
        if silence.id not in self._ended or is_last:
            await self._wake(silence, now)
            self._ended.add(silence.id)
        if is_last:  # not sooner, so that a crash repeats all of it
            await forget_silence(self._store.redis, self._store.keys.namespace, silence.id)
            self._ended.discard(silence.id)
            log.info("the silence %s of %s is over: %s", silence.id, silence.by, silence.reason)

    async def _wake(self, silence: Silence, now: int) -> None:
        due = first_due(self._routes, now)

        def wake(incident: Incident) -> Change | None:
            latest = incident.latest
            if latest is None or not silence.covers(latest.data):
                return None
            again = reminded(incident, f"{latest.id}.{silence.id}") if silence.reminds else None
            changed = again or incident
            waiting = {
                name: due.get(name, now)
                for name, post in changed.posts.items()
                if post.held or (post.waiting and not incident.posts[name].waiting)
            }
            return Change(changed, waiting) if waiting else None

        async for incident, _ in self._store.incidents():
            if wake(incident) is not None:
                await self._store.change(incident.id, wake)

    async def _name_strangers(self) -> None:
        """Say which receivers have messages waiting and are not in the routes file any more: nobody delivers those."""
        for name in (await figures(self._store)).keys() - {NOBODY, *self._routes.receivers}:
            if waiting := await self._store.waiting(name):
                log.warning(
                    "%d incidents wait for %s, which is no receiver of the routes file", waiting, name
                )

    async def _prune(self, now: int) -> None:
        async for incident, raw in self._store.incidents():
            if incident.ended_ms is not None and not incident.posts and now - incident.ended_ms > KEPT_MS:
                await self._store.forget(incident, raw)
