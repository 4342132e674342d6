"""Dispatchers as processes, on a real Kafka and Redis: killed, stopped, and with the servers away for a while."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from kafka import KafkaProducer

from loanpulse.lab.child import Child
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.topics import create_topics
from schemas.alert import AlertEvent, encode_alert
from streams.runtime.clock import WallClock
from streams.runtime.settings import Settings, environ_of
from tests.dispatch_lab import SECRET, HandClock, Sink, raised, resolved, routes_to, webhook
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

READING = "reading "


def now() -> HandClock:
    clock = HandClock()
    clock.go_on(WallClock().now_ms() - clock.now_ms())
    return clock


class Site:
    """A topic of alerts, a routes file, and dispatchers that are ended with the test."""

    def __init__(self, home: Path, kafka: str, redis: str, namespace: str, topic: str, sink: Sink) -> None:
        routes = home / "routes.yaml"
        routes.write_text(routes_to(webhook("desk", sink, timeout="1 second")))
        self.settings = Settings(
            kafka=kafka, redis=redis, namespace=namespace, alert_topic=topic, routes=routes, session_timeout_seconds=6,
        )  # fmt: skip
        self._home, self._running = home, ExitStack()
        self._number = 0

    def dispatcher(self) -> Child:
        self._number += 1
        plain = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
        environ = plain | environ_of(self.settings) | {"SECRET": SECRET}
        child = Child("dispatch", ["dispatch"], environ, self._home / f"dispatch-{self._number}.log")
        self._running.callback(child.stop)
        return child

    def publish(self, events: Sequence[AlertEvent]) -> None:
        producer = KafkaProducer(bootstrap_servers=str(self.settings.kafka))
        for event in events:
            producer.send(self.settings.alerts, key=event.subject.encode(), value=encode_alert(event))
        producer.flush()
        producer.close()

    def close(self) -> None:
        self._running.close()


@pytest.fixture
def site(
    tmp_path: Path, kafka: Kafka, redis_url: str, namespace: str, make_topic: Callable[[int], str], sink: Sink
) -> Iterator[Site]:
    made = Site(tmp_path, kafka.bootstrap, redis_url, namespace, make_topic(2), sink)
    yield made
    made.close()


def log_of(child: Child) -> str:
    return child.log.read_text(errors="replace")


def test_over_a_kill_each_alert_arrives_and_a_repetition_has_the_same_id(site: Site, sink: Sink) -> None:
    clock = now()
    events = [raised(f"a-{number}", subject=f"Q-{number}", clock=clock) for number in range(40)]
    sink.hang = threading.Event()
    first = site.dispatcher()
    site.publish(events)
    wait_until(lambda: len(sink.got) >= 8)
    os.killpg(first.pid, signal.SIGKILL)
    wait_until(lambda: first.failure() is not None)
    in_flight = len(sink.got)
    sink.hang.set()
    site.publish(events)
    site.dispatcher()
    wanted = {event.id for event in events}
    wait_until(lambda: set(sink.ids) == wanted and len(sink.got) >= 40 + in_flight, 60)
    ends = [resolved(f"a-{number}", subject=f"Q-{number}", clock=clock) for number in range(40)]
    site.publish(ends)
    wait_until(lambda: {event.id for event in ends} <= set(sink.ids), 60)
    assert len(sink.got) == 80 + in_flight
    assert {headers["webhook-id"]: json.loads(body) for headers, body in sink.got} == {
        event.id: json.loads(encode_alert(event)) for event in (*events, *ends)
    }


def test_several_dispatchers_tell_each_alert_once(site: Site, sink: Sink) -> None:
    children = [site.dispatcher(), site.dispatcher()]
    wait_until(lambda: all(READING in log_of(child) for child in children))
    events = [raised(f"a-{number}", subject=f"Q-{number}", clock=now()) for number in range(100)]
    site.publish([*events, *events])
    wait_until(lambda: {event.id for event in events} <= set(sink.ids), 60)
    assert sorted(sink.ids) == sorted(event.id for event in events)


def test_a_dispatcher_that_is_told_to_stop_ends_what_it_has_begun(site: Site, sink: Sink) -> None:
    sink.hang = threading.Event()
    child = site.dispatcher()
    site.publish([raised(clock=now())])
    wait_until(lambda: len(sink.got) == 1)
    os.kill(child.pid, signal.SIGTERM)
    sink.hang.set()
    wait_until(lambda: child.failure() is not None)
    assert "somebody has stopped it" in str(child.failure())
    assert f"{raised().id} told to desk" in log_of(child)


def test_what_is_no_alert_is_named_and_left_out(site: Site, sink: Sink) -> None:
    producer = KafkaProducer(bootstrap_servers=str(site.settings.kafka))
    producer.send(site.settings.alerts, value=b"{}").get(10)
    producer.close()
    site.publish([raised(clock=now())])
    child = site.dispatcher()
    wait_until(lambda: sink.ids == [raised().id] and "is no alert and is left out" in log_of(child))


def test_nothing_is_lost_while_redis_or_kafka_is_away(
    tmp_path: Path,
    own_kafka: Callable[..., Kafka],
    own_redis: Callable[..., Redis],
    namespace: str,
    sink: Sink,
) -> None:
    kafka, redis = own_kafka(), own_redis()
    create_topics(kafka.bootstrap, {"alerts": 1})
    site = Site(tmp_path, kafka.bootstrap, redis.url, namespace, "alerts", sink)
    site.publish([raised("a-1", subject="Q-1", clock=now())])
    redis.kill()
    kafka.kill()
    child = site.dispatcher()
    try:
        wait_until(lambda: "Redis does not answer" in log_of(child))
        redis.restart()
        wait_until(lambda: "Kafka does not answer" in log_of(child))
        kafka.restart()
        wait_until(lambda: sink.ids == [raised("a-1").id], 60)
        redis.kill()
        site.publish([raised("b-1", subject="Q-2", clock=now())])
        wait_until(lambda: log_of(child).count("Redis does not answer") > 1)
        redis.restart()
        wait_until(lambda: raised("b-1").id in sink.ids, 60)
        kafka.kill()
        kafka.restart()
        site.publish([raised("c-1", subject="Q-3", clock=now())])
        wait_until(lambda: raised("c-1").id in sink.ids, 60)
        assert child.failure() is None
    finally:
        site.close()
