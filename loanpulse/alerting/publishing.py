"""Whether a process publishes an outbox, by its settings."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.runtime.outbox import Outbox, Publisher
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)


@asynccontextmanager
async def publishing(settings: Settings, outbox: Outbox) -> AsyncIterator[None]:
    """Publish an outbox while the body runs. Without Kafka its messages wait in Redis, for a process that has one."""
    if settings.kafka is None:
        log.warning("alerts on KPIs are not published, they wait in Redis: LOANPULSE_KAFKA is not set")
        yield
        return
    async with Publisher(settings.kafka, settings.alerts).running(outbox):
        yield
