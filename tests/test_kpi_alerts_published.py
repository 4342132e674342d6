"""KPI alerts from a board to their topic, by whatever processes come and go on the way."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import redis as plain_redis
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from loanpulse.alerting.publishing import publishing
from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from loanpulse.doctor.examine import examine
from loanpulse.doctor.finding import Finding, Level
from loanpulse.doctor.site import Site
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.topics import delete_topics
from schemas.alert import AlertData, AlertEvent, encode_alert
from schemas.registry import TOPICS
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.outbox import Publisher, StreamOutbox
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings
from tests.board_processes import process
from tests.kpi_alert_lab import HELD, Alarm, read_topic
from tests.waiting import until, wait_until

pytestmark = pytest.mark.servers


DATA = AlertData("a1", "approval", "The approval", "lab", "off_target", "warning", "", "", "", "", "r1", "")


@pytest.fixture
def settings(kafka: Kafka, redis_url: str, namespace: str, make_topic: Callable[[int], str]) -> Settings:
    """Servers, and a topic of alerts."""
    return Settings(kafka=kafka.bootstrap, redis=redis_url, namespace=namespace, alert_topic=make_topic(1))


def records(settings: Settings) -> list[tuple[str, AlertEvent]]:
    found = read_topic(str(settings.kafka), settings.alerts)
    return [(key, msgspec.convert(value, AlertEvent)) for key, value in found]


def test_a_kpi_that_goes_off_target_and_comes_back_is_two_records_of_one_alert(settings: Settings) -> None:
    """The first board dies when it has decided, the second when it has sent and not dropped; a third goes on."""

    async def story() -> None:
        redis = await connect(str(settings.redis))
        alarm = Alarm(redis, settings.namespace, settings)
        await alarm.open()
        first, second, third = alarm.board(), alarm.board(), alarm.board()
        await alarm.decisions()
        await alarm.minutes(first, HELD + 1)
        await alarm.pass_over(second)
        kept = [await second.outbox.first(9)]
        sender = Publisher(str(settings.kafka), settings.alerts)
        assert await sender.step(Forgetful(redis, alarm.keys.board_outbox)) == 1
        await sender.close()
        await alarm.pass_over(third)
        assert [await third.outbox.first(9)] == kept
        await alarm.decisions(-1)
        await alarm.minutes(third, HELD + 1)

        async def is_published() -> bool:
            return await alarm.told() == []

        async with publishing(settings, third.outbox):
            await until(is_published)
        await redis.aclose()

    asyncio.run(story())
    found = records(settings)
    assert [key for key, _ in found] == ["approval"] * 3
    raised, again, resolved = (event for _, event in found)
    assert raised == again
    assert (raised.type, resolved.type) == ("alert.raised", "alert.resolved")
    assert raised.data.alert == resolved.data.alert


class Forgetful(StreamOutbox):
    """Stands for a process that ends before it drops what it has sent."""

    async def drop(self, messages: object) -> None:
        pass


def wait_message(settings: Settings, key: str, waits_ms: int = 0) -> AlertEvent:
    """Let a message wait in an outbox, since so long."""
    event = AlertEvent("e1", "test", "alert.raised", "2026-03-01T12:00:00.000Z", "approval", DATA)
    with plain_redis.Redis.from_url(str(settings.redis)) as client:
        seconds, _ = client.time()
        name = f"{seconds * 1000 - waits_ms}-0"
        client.xadd(key, {"event": encode_alert(event)}, id=name)
    return event


def test_the_board_s_process_publishes_what_waits(settings: Settings, tmp_path: Path) -> None:
    event = wait_message(settings, NamespaceKeys(settings.namespace).board_outbox)
    with process("board", settings, tmp_path / "board.log"):
        wait_until(lambda: records(settings) == [("approval", event)])


def test_without_kafka_it_says_that_alerts_wait(caplog: pytest.LogCaptureFixture, namespace: str) -> None:
    async def story() -> None:
        async with publishing(Settings(namespace=namespace), StreamOutbox(None, "never asked")):  # type: ignore[arg-type]  # no Redis is needed
            pass

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert "they wait in Redis: LOANPULSE_KAFKA is not set" in caplog.text


def found_by_the_doctor(settings: Settings) -> list[Finding]:
    with Site(settings, str(settings.kafka), str(settings.redis)) as site:
        return [finding for _, finding in examine(site, ["alerts"])]


def test_the_doctor_sees_alerts_that_wait_too_long(settings: Settings) -> None:
    assert [finding.level for finding in found_by_the_doctor(settings)] == [Level.OK]
    wait_message(settings, NamespaceKeys(settings.namespace).board_outbox)
    assert [finding.level for finding in found_by_the_doctor(settings)] == [Level.OK]
    with plain_redis.Redis.from_url(str(settings.redis)) as client:
        client.sadd(NamespaceKeys(settings.namespace).ledgers, "loan-events/3")
    wait_message(settings, LedgerKeys(settings.namespace, "loan-events", 3).outbox, waits_ms=300_000)
    [found] = found_by_the_doctor(settings)
    assert (found.level, found.text.partition(",")[0]) == (
        Level.WARN,
        f"1 alerts of loan-events/3 wait for the topic {settings.alerts}",
    )


def test_topics_create_makes_the_topic_of_alerts_and_lets_it_keep_a_month(
    kafka: Kafka, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(topic_prefix=f"{namespace}.", partitions=2)
    monkeypatch.setenv("LOANPULSE_TOPIC_PREFIX", settings.topic_prefix)
    command = ["topics", "create", "--kafka", kafka.bootstrap, "--partitions", "2"]
    try:
        assert outcome(lambda: app(command, standalone_mode=False)) == 0
        kept = {name: retention_ms(kafka, name) for name in (settings.alerts, settings.dead_letters)}
    finally:
        delete_topics(kafka.bootstrap, [*map(settings.topic, TOPICS), settings.dead_letters, settings.alerts])
    assert f"{settings.alerts}: 1 partition\n" in capsys.readouterr().out
    assert kept == {settings.alerts: 30 * 24 * 3_600_000, settings.dead_letters: -1}


def retention_ms(kafka: Kafka, topic: str) -> int:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})
    answer = admin.describe_configs([resource], config_filter="all")["topic"][topic]
    admin.close()
    return int(answer["retention.ms"]["value"])
