"""Records that Kafka has acknowledged: one producer, connected when it is first needed, and anew after an error."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError


class AcknowledgedProducer:
    """An idempotent producer: what it has put is in Kafka once, on all replicas that are in sync, in its order."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def put(self, topic: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Store them all: `value`, `key` and `headers` of each.

        Raises KafkaError when some may not be stored: all may be put again, and then some may be there twice.
        """
        producer = await self._connected()
        try:
            await asyncio.gather(*[await producer.send(topic, **record) for record in records])
        except KafkaError:
            await self._drop(producer)  # an idempotent producer may be of no more use after an error
            raise

    async def close(self) -> None:
        """Disconnect; another record connects again."""
        if self._producer is not None:
            await self._drop(self._producer)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._kafka, acks="all", enable_idempotence=True
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        await producer.stop()
