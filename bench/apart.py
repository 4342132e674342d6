"""Parts that are measured in a process of their own, which ends with us and gives its figures as JSON."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.end_to_end import Filled
from bench.workload import PARTITIONS
from loanpulse.lab.causes import last_words
from loanpulse.lab.process import ServerError, leashed
from schemas.registry import LOAN
from streams.runtime.settings import Settings

_MOST_SECONDS = 300.0
_ROOT = Path(__file__).parent.parent


def fetch(topics: Filled, run: int) -> dict[str, float]:
    """µs of CPU an event from Kafka through aiokafka and Faust to a processor that does nothing."""
    settings = topics.settings.model_copy(update={"namespace": f"{topics.settings.namespace}-fetch-{run}"})
    return _figures(["bench.fetching", settings.model_dump_json(), str(topics.events)], {}, settings.home)


def stock(topics: Filled, run: int) -> dict[str, float]:
    """The stock agent over the loan events of the same topics."""
    settings, topic = topics.settings, topics.settings.topic(LOAN)
    events = sum(end for (name, _), end in topics.ends.items() if name == topic)
    group = f"{settings.namespace}-stock-{run}"
    environ = {
        "BENCH_KAFKA": str(settings.kafka),
        "BENCH_TOPIC": topic,
        "BENCH_GROUP": group,
        "BENCH_PARTITIONS": str(PARTITIONS),
        "BENCH_EVENTS": str(events),
        "BENCH_DATADIR": str(settings.home / group),
    }
    return _figures(["bench.stock_faust", "worker", "--without-web"], environ, settings.home)


def open_count(settings: Settings) -> dict[str, float]:
    """What the board does with the open cases of a namespace."""
    return _figures(["bench.open_count", settings.model_dump_json()], {}, settings.home)


def _figures(arguments: Sequence[str], environ: Mapping[str, str], home: Path) -> dict[str, float]:
    """The line of JSON that a module prints among others; it is ended then. Raises ServerError when it prints none."""
    log = home / f"{arguments[0]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        child = subprocess.Popen(
            leashed([sys.executable, "-m", *arguments]),
            cwd=_ROOT,
            env=dict(os.environ) | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert child.stdout is not None
    watchdog = threading.Timer(_MOST_SECONDS, child.kill)
    watchdog.start()
    try:
        line = next((line for line in child.stdout if line.startswith(b"{")), None)
    finally:
        watchdog.cancel()
        child.kill()
        child.communicate()
    if line is None:
        raise ServerError(f"{arguments[0]} gives no figures: {last_words(log.read_text())} (log: {log})")
    figures: dict[str, float] = json.loads(line)
    return figures
