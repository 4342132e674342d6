"""Open cases that nobody closes: queries to a thousand officers, nearly all of them weeks from being at risk."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import redis

from bench.report import Figures
from bench.stored import fill, folded
from bench.workload import ZONE, Workload
from kpi_rules.calendars import MINUTES_A_DAY, WEEKDAYS
from loanpulse.intake.sources import Raw
from schemas.fields import time_text
from schemas.registry import CUSTOMER
from streams.calculus.open_log import OPEN, SHARDS
from streams.calculus.windows import DAY_MS
from streams.runtime.keys import LedgerKeys
from streams.runtime.settings import Settings

KPI = "response_time"
TARGET_DAYS = 30
AT_RISK_MS = 3 * TARGET_DAYS * DAY_MS // 4
OFFICERS, BRANCHES = 1_000, 20
_RECEIVED_MS = 10 * DAY_MS


def write_organisation(path: Path) -> None:
    """One whose clock always runs, and whose target keeps what was received lately far from at risk."""
    always = [("00:00", f"{MINUTES_A_DAY // 60}:00")]
    said = {
        "tz": ZONE,
        "calendar": {"weekly": dict.fromkeys(WEEKDAYS, always)},
        "targets": {KPI: {"at_most": f"{24 * TARGET_DAYS} hours"}},
    }
    path.write_text(json.dumps(said), "utf-8")


def query(name: str, number: int, received_ms: int) -> Raw:
    """A client's question to one of the officers."""
    officer = number % OFFICERS
    data = {
        "customer_id": f"c-{name}",
        "officer_id": f"o-{officer}",
        "branch_id": f"b-{officer % BRANCHES}",
    }
    said = {
        "specversion": "1.0",
        "source": "bench",
        "id": name,
        "type": "query.received",
        "time": time_text(received_ms),
        "subject": name,
        "data": data,
    }
    return Raw(CUSTOMER, data["customer_id"].encode(), json.dumps(said).encode(), received_ms)


def fill_with_queries(client: redis.Redis, settings: Settings, wanted: int, now_ms: int) -> int:
    """At least so many in the store, received over the last ten days; how many it came to."""
    step = _RECEIVED_MS // OFFICERS
    raws = [query(f"q-{n}", n, now_ms - n * step) for n in range(OFFICERS)]
    return fill(client, settings, folded(Workload("queries", "one to each officer", raws)), wanted)


class Probe(NamedTuple):
    """A query that comes to be at risk at an instant (UTC ms)."""

    name: str
    at_risk_ms: int

    def raw(self, number: int) -> Raw:
        return query(self.name, number, self.at_risk_ms - AT_RISK_MS)


def customer_ledgers(settings: Settings) -> Iterator[LedgerKeys]:
    """Those that have the queries."""
    for partition in range(settings.partitions):
        yield LedgerKeys(settings.namespace, settings.topic(CUSTOMER), partition)


def bytes_a_case(client: redis.Redis, settings: Settings, cases: int) -> Figures:
    """What Redis has allocated for the cases, for their logs, and for when each has to be looked at."""
    found = dict.fromkeys(("case", "open log", "watch"), 0)
    for ledger in customer_ledgers(settings):
        version = client.hget(ledger.head, "version")
        assert isinstance(version, bytes), "its worker has made one"
        keys = ledger.version(version.decode())
        logs = [f"{keys.panes}{OPEN}{shard}" for shard in range(SHARDS)]
        found["case"] += _allocated(client, ledger.cases)
        found["watch"] += _allocated(client, keys.watch)
        found["open log"] += sum(_allocated(client, log) for log in logs)
    return {f"redis bytes a case: {name}": size / cases for name, size in found.items()}


def _allocated(client: redis.Redis, key: str) -> int:
    """Of every member, not of a sample of them."""
    return int(client.memory_usage(key, samples=0) or 0)
