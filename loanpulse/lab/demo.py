"""A whole lender on one machine: servers, topics, and every process of ours, all ended together."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from loanpulse.lab.apart import apart
from loanpulse.lab.child import Child
from loanpulse.lab.demo_goals import goals
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.ports import free_port, is_free
from loanpulse.lab.process import ServerError
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.servers import ORGANISATION, Endpoints, running
from loanpulse.lab.simulate import Options, past_sent
from loanpulse.lab.simulator.lender import Lender
from loanpulse.lab.simulator.wire import DEMO_BROKEN
from loanpulse.lab.space import own_space
from loanpulse.lab.topics import KEEP_ALERTS, create_topics
from schemas.registry import TOPICS
from streams.calculus.windows import local_date
from streams.runtime.clock import clock_of
from streams.runtime.settings import Settings, environ_of, variable

# The simulator is ended first, so that the others can finish what it has sent.
PROCESSES = {
    "worker": ["worker"],
    "board": ["board"],
    "serve": ["serve"],
    "simulator": ["simulate", "--broken", str(DEMO_BROKEN)],
}


@dataclass(frozen=True)
class Demo:
    """What runs. `settings` name the servers, and are those of every child."""

    settings: Settings
    endpoints: Endpoints
    children: tuple[Child, ...]

    @property
    def address(self) -> str:
        """Where serve listens."""
        return f"http://{self.settings.serve_host}:{self.settings.serve_port}"

    def past_sent(self) -> tuple[int, int]:
        """How many percent of the lender's past are sent, and how many events that is."""
        simulator = next(child for child in self.children if child.name == "simulator")
        return past_sent(simulator.log.read_text(errors="replace"))

    def check(self) -> None:
        """Raise ServerError if a server or a child has ended by itself."""
        self.endpoints.check()
        for child in self.children:
            if (failure := child.failure()) is not None:
                raise failure


@contextmanager
def demo(settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Iterator[Demo]:
    """Everything, for the length of a `with` block; raises ServerError. `tell` hears what is being done.

    Embedded servers begin empty. On servers that the settings name it uses topics and keys of its own, and removes
    them at the end, so that no real event ever meets a simulated one.
    """
    _demand_port(settings)
    with ExitStack() as stack:
        _empty(settings)
        absent = [
            name for name, address in (("Kafka", settings.kafka), ("Redis", settings.redis)) if not address
        ]
        if absent:
            tell(f"starting {' and '.join(absent)}")
        endpoints = stack.enter_context(running(settings))
        tell(f"Kafka is at {endpoints.kafka}, Redis at {endpoints.redis}")
        settings = stack.enter_context(_space(_organised(_settled(settings)), endpoints))
        if settings.topic_prefix:
            tell(f"to look at it with other commands: export {_exports(settings)}")
        stack.callback(tell, "stopping the servers")
        children = tuple(_start(name, settings, stack) for name in PROCESSES)
        tell(f"started {', '.join(PROCESSES)}; their logs are in {settings.home / 'log'}")
        stack.callback(tell, f"stopping {', '.join(reversed(PROCESSES))}")
        yield Demo(settings, endpoints, children)


def _demand_port(settings: Settings) -> None:
    if settings.serve_port and not is_free(settings.serve_port):
        raise ServerError(
            f"port {settings.serve_port} is taken by another program: set LOANPULSE_SERVE_PORT to another"
        )


def _empty(settings: Settings) -> None:
    """Forget what an earlier demo left in the embedded servers, unless one runs on it."""
    for address, kind, name in ((settings.kafka, Kafka, "kafka"), (settings.redis, Redis, "redis")):
        data = settings.home / name
        if address is None and kind.running_in(data) is None:
            shutil.rmtree(data, ignore_errors=True)


def _settled(settings: Settings) -> Settings:
    """What the children must not decide each for itself."""
    return settings.model_copy(
        update={"home": settings.home.absolute(), "serve_port": settings.serve_port or free_port()}
    )


def _organised(settings: Settings) -> Settings:
    """With the simulated lender's own organisation and goals of these days, unless another is given."""
    if settings.config is not None:
        return settings
    config = settings.home / ORGANISATION
    config.parent.mkdir(parents=True, exist_ok=True)
    today = local_date(clock_of(settings).now_ms(), ZoneInfo(settings.tz))
    organisation = Lender(Options.seed, settings.tz).organisation() | {"goals": goals(today)}
    config.write_text(json.dumps(organisation, indent=1), "utf-8")
    return settings.model_copy(update={"config": config})


@contextmanager
def _space(settings: Settings, endpoints: Endpoints) -> Iterator[Settings]:
    """The usual names where nobody else is, so that other commands find everything; else names of our own."""
    if settings.kafka is not None or settings.redis is not None:
        with own_space(settings, endpoints, "demo") as own:
            yield own
        return
    topics = dict.fromkeys((settings.topic(name) for name in TOPICS), settings.partitions)
    apart(create_topics, endpoints.kafka, topics | {settings.dead_letters: 1})
    apart(create_topics, endpoints.kafka, {settings.alerts: 1}, KEEP_ALERTS)
    yield settings.model_copy(update={"kafka": endpoints.kafka, "redis": endpoints.redis})


def _exports(settings: Settings) -> str:
    """What another terminal has to set beside the servers' addresses."""
    needed = ("namespace", "topic_prefix", "config", "tz")
    return " ".join(f"{variable(field)}={getattr(settings, field)}" for field in needed)


def _start(name: str, settings: Settings, stack: ExitStack) -> Child:
    log = settings.home / "log" / f"{name}.log"
    child = Child(name, PROCESSES[name], os.environ | environ_of(settings), log)
    stack.callback(child.stop)
    return child
