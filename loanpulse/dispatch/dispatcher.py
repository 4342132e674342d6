"""The dispatcher's process: reads alerts, delivers to each receiver apart from the others, and sweeps."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial

from redis.exceptions import RedisError

from kpi_rules.organisation import Organisation
from loanpulse.dispatch.calendars import Calendars
from loanpulse.dispatch.delivery import Delivery
from loanpulse.dispatch.figures import count
from loanpulse.dispatch.gate import Gate
from loanpulse.dispatch.intake import Intake
from loanpulse.dispatch.outlet import Outlet
from loanpulse.dispatch.patience import BACKOFF, MOST_DOUBLINGS
from loanpulse.dispatch.reader import Reader
from loanpulse.dispatch.routes import Routes
from loanpulse.dispatch.silences import silences_in_force
from loanpulse.dispatch.store import Store
from loanpulse.dispatch.sweep import Sweep
from streams.runtime.clock import Clock
from streams.runtime.script import Client
from streams.runtime.settings import Settings

POLL_SECONDS = 0.5
SWEEP_SECONDS = 1.0
GRACE_SECONDS = 5.0
"""So long a message that is on its way may take when the process is told to stop."""

log = logging.getLogger(__name__)


class Dispatcher:
    """Any number of processes may run with the same routes; they share the topic's partitions and the deliveries."""

    def __init__(
        self,
        settings: Settings,
        routes: Routes,
        outlets: Mapping[str, Outlet],
        redis: Client,
        clock: Clock,
        begin: Organisation,
    ) -> None:
        self.store = Store(redis, settings.namespace)
        self.intake = Intake(routes, self.store, clock)
        self.calendars = Calendars(redis, settings.namespace, begin)
        self.deliveries = [
            Delivery(name, receiver, outlets[name], self.store, clock)
            for name, receiver in routes.receivers.items()
        ]
        self._sweep = Sweep(routes, self.store, clock)
        self._reader = Reader(settings, self.intake.take, lambda: count(self.store, "unreadable"))
        self._clock = clock
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; then what is on its way is waited for, and nothing new is begun."""
        delivering = [
            asyncio.create_task(self._repeat(partial(self.deliver, delivery), POLL_SECONDS))
            for delivery in self.deliveries
        ]
        others = [
            asyncio.create_task(self._repeat(self.sweep, SWEEP_SECONDS)),
            asyncio.create_task(self._reader.run()),
        ]
        try:
            done, _ = await asyncio.wait([*delivering, *others], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stopping.set()
            await _wind_up(delivering, others)
            for delivery in self.deliveries:
                await delivery.outlet.close()

    async def deliver(self, delivery: Delivery) -> bool:
        """Deliver what is due to one receiver; whether there was something."""
        if not (incidents := await delivery.claim()):
            return False
        now = self._clock.now_ms()
        silences = await silences_in_force(self.store.redis, self.store.keys.namespace, now)
        await delivery.deliver(incidents, Gate(silences, self.calendars.hours, now))
        return True

    async def sweep(self) -> bool:
        """Do what time brings."""
        await self.calendars.refresh()
        await self._sweep.step()
        return False

    async def _repeat(self, step: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """A step after the other, after a pause where there was nothing to do, until the process stops."""
        failures = 0
        while not self._stopping.is_set():
            try:
                pause = 0.0 if await step() else seconds
            except (RedisError, OSError) as error:
                if not failures:
                    log.warning("Redis does not answer, trying again: %s: %s", type(error).__name__, error)
                pause = BACKOFF.compute(min(failures, MOST_DOUBLINGS))
                failures += 1
            else:
                failures = 0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)


async def _wind_up(first: Sequence["asyncio.Task[None]"], then: Iterable["asyncio.Task[None]"]) -> None:
    """Wait for some tasks for a while, then end all; whoever stops us insists, which must not cut this short."""
    for task in then:
        task.cancel()
    await _ended([*first, *then], GRACE_SECONDS)
    for task in first:
        task.cancel()
    await _ended(first, GRACE_SECONDS)


async def _ended(tasks: Iterable["asyncio.Task[None]"], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pending = {task for task in tasks if not task.done()}
    while pending and (left := deadline - loop.time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            _, pending = await asyncio.wait(pending, timeout=left)
        pending = {task for task in pending if not task.done()}
