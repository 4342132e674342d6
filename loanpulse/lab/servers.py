"""The Kafka and the Redis to use: those that the settings name, else embedded ones for as long as they are needed."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.process import ServerError
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.server import Server

ORGANISATION = "organisation.json"
"""The organisation of a demo, in the directory of its servers, for other commands to show its board as it is."""


class Places(Protocol):
    """What is needed of the settings: addresses of real servers, if any, and the directory for embedded ones."""

    @property
    def kafka(self) -> str | None: ...
    @property
    def redis(self) -> str | None: ...
    @property
    def home(self) -> Path: ...


@dataclass(frozen=True)
class Endpoints:
    """Where clients connect, Kafka as host:port and Redis as a URL, and the embedded servers among them."""

    kafka: str
    redis: str
    servers: tuple[Server, ...] = ()

    def check(self) -> None:
        """Raise ServerError if an embedded server has ended by itself."""
        for server in self.servers:
            if (failure := server.failure()) is not None:
                raise failure


@contextlib.contextmanager
def running(settings: Places) -> Iterator[Endpoints]:
    """The servers for the length of a `with` block; raises ServerError.

    In the main thread SIGTERM and SIGHUP leave the block as SystemExit (as Ctrl-C does), unless they are handled already.
    """
    with _signals_raise(), ExitStack() as stack:
        yield _start(settings, stack)


def find_running(settings: Places) -> Endpoints:
    """Where a command connects that starts no servers: what the settings name, else what a `running` block has now.

    Raises ServerError if one of the two is neither named nor running.
    """
    kafka = settings.kafka or Kafka.running_in(settings.home / "kafka")
    redis = settings.redis or Redis.running_in(settings.home / "redis")
    for name, address in (("Kafka", kafka), ("Redis", redis)):
        if address is None:
            way_out = f"start `loanpulse demo`, or set LOANPULSE_{name.upper()}"
            raise ServerError(f"no {name} runs in {settings.home}: {way_out}")
    return Endpoints(str(kafka), str(redis))


def _start(settings: Places, stack: ExitStack) -> Endpoints:
    kafka, redis, servers = settings.kafka, settings.redis, list[Server]()
    if redis is None:
        servers.append(redis_server := Redis.start(settings.home / "redis"))
        stack.callback(redis_server.stop)
        redis = redis_server.url
    if kafka is None:
        servers.append(kafka_server := Kafka.start(settings.home / "kafka"))
        stack.callback(kafka_server.stop)
        kafka = kafka_server.bootstrap
    return Endpoints(kafka, redis, tuple(servers))


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn the signals that would end this process on the spot into exceptions, so that the servers end in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [
        number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in ours:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in ours:
            if signal.getsignal(number) is _leave:
                signal.signal(number, signal.SIG_DFL)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
