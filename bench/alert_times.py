"""When alerts come to their topic, by the broker's clock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from bench.open_store import Probe
from bench.report import Figures
from bench.watching import spread
from loanpulse.lab.apart import apart
from loanpulse.lab.process import ServerError
from schemas.alert import RAISED, decode_alert
from streams.runtime.settings import Settings


class Alert(NamedTuple):
    """One that was raised: for which case, and when it was in the topic (UTC ms)."""

    name: str
    at_ms: int


def stamp_on_arrival(settings: Settings) -> None:
    """Let records of the topic bear the time at which the broker has them, in place of the worker's word for it."""
    admin = KafkaAdminClient(bootstrap_servers=str(settings.kafka).split(","))
    try:
        changes = {"message.timestamp.type": "LogAppendTime"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.alerts, changes)])
    finally:
        admin.close()


class AlertTopic:
    """The topic of alerts, which has one partition here."""

    def __init__(self, consumer: KafkaConsumer, settings: Settings) -> None:
        self._consumer, self._place = consumer, TopicPartition(settings.alerts, 0)
        consumer.assign([self._place])

    def count(self) -> int:
        """How many records it has."""
        return int(apart(self._consumer.end_offsets, [self._place])[self._place])

    def raised(self) -> list[Alert]:
        """All alerts that were raised."""
        return apart(self._raised)

    def _raised(self) -> list[Alert]:
        found, end = [], self._consumer.end_offsets([self._place])[self._place]
        self._consumer.seek_to_beginning(self._place)
        while self._consumer.position(self._place) < end:
            for records in self._consumer.poll(timeout_ms=1_000).values():
                found += [(decode_alert(record.value), record.timestamp) for record in records]
        return [
            Alert(event.data.case.subject, at_ms)
            for event, at_ms in found
            if event.type == RAISED and event.data.case is not None
        ]


@contextmanager
def alert_topic(settings: Settings) -> Iterator[AlertTopic]:
    """For the length of a `with` block."""
    consumer = apart(KafkaConsumer, bootstrap_servers=str(settings.kafka).split(","))
    try:
        yield AlertTopic(consumer, settings)
    finally:
        apart(consumer.close)


def waited(probes: Sequence[Probe], alerts: Sequence[Alert]) -> Figures:
    """Seconds from the instant at which each was at risk until its alert was there. ServerError unless each has one."""
    at_ms: dict[str, list[int]] = {}
    for alert in alerts:
        at_ms.setdefault(alert.name, []).append(alert.at_ms)
    wrong = {name: times for name, _ in probes if len(times := at_ms.get(name, [])) != 1}
    if wrong:
        name, times = next(iter(wrong.items()))
        raise ServerError(
            f"{len(wrong)} of {len(probes)} probes were not told once; the first, {name}: {len(times)}"
        )
    took = [(at_ms[name][0] - at_risk_ms) / 1000 for name, at_risk_ms in probes]
    return spread("at risk to topic s", took) | {"alerts": len(took)}
