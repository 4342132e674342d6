"""Reads the topic of alerts: an event is committed after it is stored, so one that a crash interrupts comes again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from redis.backoff import EqualJitterBackoff

from loanpulse.dispatch.patience import MOST_DOUBLINGS, patiently
from schemas.alert import AlertEvent, decode_alert
from streams.runtime.settings import Settings

BACKOFF = EqualJitterBackoff(cap=30.0, base=0.5)
_WAIT_MS = 500
_MOST_RECORDS = 200
_METADATA_MS = 30_000
"""So soon a topic is found that is made after the dispatcher was started."""

log = logging.getLogger(__name__)


class Reader:
    """One member of the consumer group `<namespace>-dispatch`."""

    def __init__(
        self,
        settings: Settings,
        take: Callable[[AlertEvent], Awaitable[object]],
        unreadable: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings, self._take, self._unreadable = settings, take, unreadable
        self._failures = 0

    async def run(self) -> None:
        """Until cancelled. Trouble with Kafka is logged once, and tried again."""
        while True:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                if not self._failures:
                    log.warning("Kafka does not answer, trying again: %s: %s", type(error).__name__, error)
                await asyncio.sleep(BACKOFF.compute(min(self._failures, MOST_DOUBLINGS)))
                self._failures += 1

    async def _read(self) -> None:
        settings = self._settings
        consumer = AIOKafkaConsumer(
            settings.alerts,
            bootstrap_servers=str(settings.kafka),
            group_id=f"{settings.namespace}-dispatch",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=settings.session_timeout_seconds * 1000,
            heartbeat_interval_ms=settings.session_timeout_seconds * 300,
            metadata_max_age_ms=_METADATA_MS,
        )
        try:
            await consumer.start()
            log.info("reading %s as %s-dispatch", settings.alerts, settings.namespace)
            while True:
                batches = await consumer.getmany(timeout_ms=_WAIT_MS, max_records=_MOST_RECORDS)
                for records in batches.values():
                    for record in records:
                        await self._took(record)
                if batches:
                    await consumer.commit()
                self._failures = 0
        finally:
            await consumer.stop()

    async def _took(self, record: ConsumerRecord) -> None:
        try:
            event = decode_alert(record.value or b"")
        except msgspec.DecodeError as error:
            place = f"{record.topic}/{record.partition}@{record.offset}"
            log.warning("%s is no alert and is left out: %s", place, error)
            await patiently(self._unreadable)
            return
        await patiently(lambda: self._take(event))
