"""The Faust worker: three agents that hand batches to the holdings, and a tick every 0.4 s."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import faust
from faust.app.base import BootStrategy
from faust.types import EventT, Message, StreamT

from schemas.registry import TOPICS
from streams.runtime.holdings import Holdings
from streams.runtime.ledger_values import Source
from streams.runtime.processor import Processor
from streams.runtime.reading import Batch
from streams.runtime.settings import Settings
from streams.runtime.source import describe

TICK_SECONDS = 0.4  # a look at what is due may wait 0.5 s for the broker besides, and an alert is to leave within a second
REQUEST_SECONDS = 40.0
BUFFER = 16  # batches of an agent; a reading lets two wait, so that Faust never finds its buffer full


class _Boot(BootStrategy):
    """Nothing is produced through Faust."""

    enable_kafka_producer = False


class _AsItIs(faust.Schema[Any, Any]):
    """The value of a message is a batch already."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[EventT[Any]]]:
        async def decode(message: Message, *, propagate: bool = False) -> EventT[Any]:  # noqa: ARG001  # Faust's
            event: EventT[Any] = app.create_event(None, message.value, {}, message)
            return event

        return decode


class WorkerApp(faust.App):
    """A Faust app that keeps nothing in files or tables."""

    BootStrategy = _Boot
    holdings: Holdings

    def _create_directories(self) -> None:
        pass


def create_app(settings: Settings, processor: Processor) -> WorkerApp:
    """Compose the worker; nothing connects before it is started. `settings.kafka` must be set.

    It holds its share of the three topics, as a member of the group `settings.namespace`.
    """
    if settings.kafka is None:
        raise ValueError("settings.kafka is None: the worker needs the address of a running Kafka")
    app = WorkerApp(settings.namespace, **_options(settings, settings.kafka))
    app.holdings = Holdings(processor, _describer(settings.kafka))
    for name in TOPICS:
        topic = app.topic(settings.topic(name), schema=_AsItIs())
        app.agent(topic, name=name, isolated_partitions=True)(_hand_over(app.holdings))
    app.timer(TICK_SECONDS, name="tick")(_ticker(app))
    return app


def run(app: WorkerApp, log_level: str = "info") -> None:
    """Run until SIGINT or SIGTERM; ends the process: exit status 0 after a shutdown in order, else 1."""
    worker = app.Worker(loglevel=log_level, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()


def _options(settings: Settings, kafka: str) -> dict[str, Any]:
    session = float(settings.session_timeout_seconds)
    return {
        "broker": [f"loanpulse://{host}" for host in kafka.split(",")],
        "broker_session_timeout": session,
        "broker_heartbeat_interval": session / 3,
        "broker_request_timeout": max(REQUEST_SECONDS, session + 10),
        "consumer_group_instance_id": settings.worker_id,
        "stream_buffer_maxsize": BUFFER,
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
    }


def _hand_over(holdings: Holdings) -> Callable[[StreamT[Batch]], Awaitable[None]]:
    async def consume(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await holdings.process(batch)

    return consume


def _ticker(app: WorkerApp) -> Callable[[], Awaitable[None]]:
    async def tick() -> None:
        if not app.rebalancing:
            await app.holdings.tick()

    return tick


def _describer(kafka: str) -> Callable[[Collection[str]], Awaitable[Mapping[str, Source]]]:
    async def ask(topics: Collection[str]) -> Mapping[str, Source]:
        return await asyncio.to_thread(describe, kafka, topics)

    return ask
