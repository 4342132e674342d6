"""One receiver's deliveries: what is due is claimed, tried, and marked; what cannot be told now waits."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace
from redis.backoff import EqualJitterBackoff

from loanpulse.dispatch.course import Change, Letter, delivered, diverted, hold, without
from loanpulse.dispatch.gate import Diverted, Dropped, Gate, Held, Told
from loanpulse.dispatch.incident import Incident, Message, Post
from loanpulse.dispatch.outlet import DeliveryError, Outlet, UnreachedError
from loanpulse.dispatch.patience import patiently
from loanpulse.dispatch.receivers import Email, Receiver
from loanpulse.dispatch.store import Store
from streams.runtime.clock import Clock

AT_ONCE = 8
MOST_IN_A_DIGEST = 500
LEASE_MARGIN_MS = 5_000
"""How much longer than two tries what was claimed is kept from other processes; after a kill it is late by that."""
DIGEST_PAUSE_MS = 60_000
MOST_DOUBLINGS = 10
BACKOFF = EqualJitterBackoff(cap=300.0, base=1.0)

log = logging.getLogger(__name__)


class Ready(NamedTuple):
    """A message that may be told now."""

    incident: str
    message: Message


class Delivery:
    """Delivers to one receiver; several processes may, each what it has claimed.

    Invariants:
        each_event_of_an_incident_is_told_once_and_in_order
        over_a_kill_each_alert_arrives_and_a_repetition_has_the_same_id
    """

    def __init__(self, name: str, receiver: Receiver, outlet: Outlet, store: Store, clock: Clock) -> None:
        self.name, self.outlet = name, outlet
        self._receiver, self._store, self._clock = receiver, store, clock
        self._collects = isinstance(receiver, Email) and receiver.digest is not None
        self._quiet_until_ms = 0

    async def claim(self) -> list[str]:
        """Incidents with a message due, now ours; none while the receiver wants to be left alone."""
        now = self._clock.now_ms()
        if now < self._quiet_until_ms:
            return []
        most = MOST_IN_A_DIGEST if self._collects else AT_ONCE
        lease = 2 * self._receiver.timeout + LEASE_MARGIN_MS
        return await self._store.claim(self.name, now, now + lease, most)

    async def deliver(self, incidents: Sequence[str], gate: Gate) -> None:
        """Tell what may be told of them; a digest tells all in one message. Raises RedisError; all may be claimed again."""
        batches = [incidents] if self._collects else [[incident] for incident in incidents]
        results = await asyncio.gather(*[self._tell(it, gate) for it in batches], return_exceptions=True)
        for error in results:
            if error is not None:
                raise error

    async def _tell(self, incidents: Sequence[str], gate: Gate) -> None:
        ready = [found for incident in incidents for found in await self._ready(incident, gate)]
        if not ready:
            return
        try:
            async with asyncio.timeout(self._receiver.timeout / 1000):
                await self.outlet.send([it.message for it in ready])
        except TimeoutError:
            await self._failed(ready, UnreachedError(f"no answer within {self._receiver.timeout:,} ms"))
        except DeliveryError as error:
            await self._failed(ready, error)
        except Exception as error:
            # without the error's text, which may hold a secret
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s: a mistake of ours, %s:\n%s", self.name, type(error).__name__, where)
            await self._failed(ready, UnreachedError(type(error).__name__))
        else:
            await self._arrived(ready)

    async def _ready(self, incident_id: str, gate: Gate) -> list[Ready]:
        """The messages of an incident that may be told now; what becomes of the others is stored."""
        ready: list[Ready] = []

        def look(incident: Incident) -> Change:
            change, messages = self.judged(incident, gate)
            ready[:] = [Ready(incident_id, message) for message in messages]
            return change

        await self._store.change(incident_id, look)
        return ready

    def judged(self, incident: Incident, gate: Gate) -> tuple[Change, Sequence[Message]]:
        """What the gate makes of an incident's messages for this receiver, and those that are to be sent. Pure."""
        dropped = 0
        while (post := incident.posts.get(self.name)) is not None and post.waiting:
            message = post.waiting[0]
            verdict = gate.verdict(post.terms, message)
            counts = {(self.name, "dropped"): dropped} if dropped else {}
            match verdict:
                case Held():
                    counts |= {} if post.held else {(self.name, verdict.why): 1}
                    return Change(hold(incident, self.name), {self.name: verdict.until_ms}, counts), ()
                case Diverted():
                    moved = diverted(incident, self.name, message, verdict.receiver)
                    due = {self.name: gate.now_ms, verdict.receiver: gate.now_ms}
                    return Change(moved, due, counts | {(self.name, "diverted"): 1}), ()
                case Told() if wanted := self._wanted(post):
                    since = post.since_ms or gate.now_ms
                    begun = replace(post, held=False, tries=post.tries + 1, since_ms=since)
                    return Change(incident.with_post(self.name, begun), counts=counts), wanted
            dropped += isinstance(verdict, Dropped)
            incident = (delivered if message.resolves else without)(incident, self.name, [message])
        return Change(incident, {self.name: None}, {(self.name, "dropped"): dropped} if dropped else {}), ()

    def _wanted(self, post: Post) -> Sequence[Message]:
        """What is sent next: the first message, if it is wanted, or all that are for a digest."""
        messages = post.waiting if self._collects else post.waiting[:1]
        return [message for message in messages if post.terms.resolved or not message.resolves]

    async def _arrived(self, ready: Sequence[Ready]) -> None:
        for incident_id, messages in _by_incident(ready).items():
            await self._mark(incident_id, partial(self._told, messages))
            for message in messages:
                log.info("%s told to %s: %s", message.id, self.name, message.event.subject)

    async def _failed(self, ready: Sequence[Ready], error: DeliveryError) -> None:
        now = self._clock.now_ms()
        after = error.after_ms if isinstance(error, UnreachedError) else 0
        if after:
            self._quiet_until_ms = max(self._quiet_until_ms, now + after)
        for incident_id, messages in _by_incident(ready).items():
            change = await self._mark(incident_id, partial(self._tried, messages, error, now))
            then = "given up, see `loanpulse dispatch letters`" if change.letters else "it is tried again"
            log.warning("%s not told to %s, %s: %s", messages[0].id, self.name, then, error)

    async def _mark(self, incident_id: str, how: Callable[[Incident], Change]) -> Change:
        """Store what came of a try, however long Redis is away: else it would be repeated."""
        change = await patiently(lambda: self._store.change(incident_id, how))
        assert change is not None
        return change

    def _told(self, sent: Sequence[Message], incident: Incident) -> Change:
        return self._next(delivered(incident, self.name, sent), {(self.name, "delivered"): len(sent)})

    def _tried(self, tried: Sequence[Message], error: DeliveryError, now: int, incident: Incident) -> Change:
        """Another try, if there may be one in time; else letters of what is still waiting to be told."""
        post = incident.posts.get(self.name, Post())
        left = [message for message in tried if message in post.waiting]
        if left and isinstance(error, UnreachedError):
            again = now + max(error.after_ms, self._pause_ms(post.tries))
            if again <= (post.since_ms or now) + self._receiver.retry_for:
                return Change(incident, {self.name: again}, {(self.name, "retried"): 1})
        letters = [Letter(self.name, incident.id, it, str(error), post.tries, now) for it in left]
        change = self._next(without(incident, self.name, left), {(self.name, "failed"): len(letters)})
        return change._replace(letters=letters)

    def _pause_ms(self, tries: int) -> int:
        """A digest is tried again as a whole, all its incidents at one instant."""
        if self._collects:
            return DIGEST_PAUSE_MS
        return round(BACKOFF.compute(min(tries - 1, MOST_DOUBLINGS)) * 1000)

    def _next(self, incident: Incident, counts: dict[tuple[str, str], int]) -> Change:
        """What is waiting behind is due now."""
        post = incident.posts.get(self.name)
        due = self._clock.now_ms() if post is not None and post.waiting else None
        return Change(incident, {self.name: due}, counts)


def _by_incident(ready: Sequence[Ready]) -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = {}
    for incident, message in ready:
        found.setdefault(incident, []).append(message)
    return found
