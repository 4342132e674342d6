"""Fixtures of real servers: one Kafka and one Redis for the whole run, or a test's own where it breaks them."""

import gc
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.topics import create_topics, delete_topics
from tests.programs import NoProgram, Program, find_program

if TYPE_CHECKING:
    from tests.dispatch_lab import Sink

pytest.register_assert_rewrite("tests.crash_lab")


STARTING_SERVERS = {"kafka", "redis_server", "own_kafka", "own_redis"}


def pytest_configure() -> None:
    """What tests start obeys Ctrl-C and a closing terminal, even if the run was started in the background or by nohup."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for a server, however indirectly, carries the marker `servers`."""
    for item in items:
        if STARTING_SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("servers")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look at it after every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The run's Kafka: use topics of your own (`make_topic`), and never stop it (`own_kafka` is for that)."""
    server = Kafka.start(tmp_path_factory.mktemp("kafka"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """The run's Redis: use `redis_url`, and never stop it (`own_redis` is for that)."""
    server = Redis.start(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: Redis) -> str:
    """The URL of the run's Redis, emptied."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def namespace() -> str:
    """A name that no other test has: for Redis keys, consumer groups, topic prefixes."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def make_topic(kafka: Kafka, namespace: str) -> Iterator[Callable[[int], str]]:
    """Makes topics in the run's Kafka, `make_topic(partitions) -> name`; deleted afterwards."""
    names: list[str] = []

    def make(partitions: int = 1) -> str:
        name = f"{namespace}-{len(names)}"
        create_topics(kafka.bootstrap, {name: partitions})
        names.append(name)
        return name

    yield make
    delete_topics(kafka.bootstrap, names)


@pytest.fixture(scope="session")
def program(pytestconfig: pytest.Config) -> Callable[[Program], Path]:
    """Finds a program of Prometheus'. Where it cannot be had, a test that needs it fails in CI and is skipped elsewhere."""

    def find(name: Program) -> Path:
        assert pytestconfig.cache is not None
        try:
            return find_program(name, pytestconfig.cache.mkdir("programs"))
        except NoProgram as missing:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(str(missing))

    return find


@pytest.fixture(scope="session")
def promtool(program: Callable[[Program], Path]) -> Path:
    """Prometheus' own judge."""
    return program("promtool")


@pytest.fixture
def sink() -> Iterator["Sink"]:
    """An HTTP server that takes what is delivered, or does not."""
    from tests.dispatch_lab import http_sink

    with http_sink() as made:
        yield made


@pytest.fixture
def other() -> Iterator["Sink"]:
    """A second one."""
    from tests.dispatch_lab import http_sink

    with http_sink() as made:
        yield made


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Callable[..., Kafka]]:
    """Starts a Kafka of the test's own, `own_kafka(**Kafka.start's options)`: kill it, restart it, change its settings."""
    with ExitStack() as running:

        def start(**options: Any) -> Kafka:
            server = Kafka.start(tmp_path / f"kafka-{uuid.uuid4().hex[:6]}", **options)
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Callable[..., Redis]]:
    """Starts a Redis of the test's own, `own_redis(**Redis.start's options)`: kill it, restart it, swap its data."""
    with ExitStack() as running:

        def start(**options: Any) -> Redis:
            server = Redis.start(tmp_path / f"redis-{uuid.uuid4().hex[:6]}", **options)
            running.callback(server.stop)
            return server

        yield start
