"""An opening book and a stream on real servers: whatever they say twice, the board is the recount of both."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis

from loanpulse.board.feed import Feed
from loanpulse.board.snapshot import Snapshot
from loanpulse.board.ticks import Ticks
from loanpulse.intake.files import PackedFile
from loanpulse.intake.mapping_file import load_mapping
from loanpulse.intake.producing import produce
from loanpulse.intake.sources import raw_of
from loanpulse.intake.table import Table
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.space import own_space
from streams.calculus.windows import Grid
from streams.runtime.clock import FixedClock, WallClock
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.ledger_values import head_of
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import compile_program
from streams.runtime.settings import Settings, environ_of
from tests.board_processes import process
from tests.crash_lab import OUTCOMES, rows_of
from tests.nasty_boards import assert_equal
from tests.oracle.recount import recount
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Event = dict[str, Any]
ZONE = "Europe/Amsterdam"
LOANS = """\
customer_id,loan_id,officer_id,branch_id,product,funded_at,amount,currency,reported_at,outstanding,days_past_due,paid_off_at,\
submitted_at,decided_at,outcome,grade,default_probability_percent
c-1,L-1,ann,north,home,{y5},250000,EUR,{d3},201500.40,45,,{y5b},{y5a},approved,B,1.25
c-1,L-0,ann,north,car,{y6},12000,EUR,,,,{y5},,,,,
c-2,L-2,ben,south,home,{y3},90000,EUR,{d3},80000,120,,,,,,
c-3,L-3,ben,south,car,{y4},5000,EUR,{d3},4000,0,,,,,,
"""
CASES = """\
kind,case_id,customer_id,officer_id,branch_id,opened_at,due_at,regulatory
query,Q-1,c-1,ann,north,{d500}T09:00,,
query,Q-2,c-2,ben,south,{d5}T09:00,,
training,T-1,,ann,north,{d500},{d2},yes
"""


def ago(days: int, clock: str = "") -> str:
    """A day so long ago, in the zone; with a time of day an instant."""
    moment = datetime.fromtimestamp(WallClock().now_ms() / 1000, ZoneInfo(ZONE)) - timedelta(days=days)
    return f"{moment:%Y-%m-%d}" if not clock else f"{moment:%Y-%m-%d}T{clock}{moment:%z}"[:-2] + ":00"


def days() -> dict[str, str]:
    years = {"y6": 2190, "y5": 1830, "y5a": 1832, "y5b": 1840, "y4": 1460, "y3": 1100}
    return {name: ago(n) for name, n in years.items()} | {f"d{n}": ago(n) for n in (2, 3, 5, 500)}


def told(number: int, name: str, subject: str, time: str, **data: Any) -> Event:
    return {
        "specversion": "1.0",
        "source": "core",
        "id": f"{name}-{number}",
        "type": name,
        "time": time,
        "subject": subject,
        "data": data,
    }


def stream() -> list[Event]:
    """What the stream says of the same loans, and what comes after."""
    c1, c2 = {"customer_id": "c-1"}, {"customer_id": "c-2"}
    money: dict[str, Any] = {"currency": "EUR", "amount_minor": 25_000_000, "product": "home"}
    return [
        told(1, "loan.funded", "L-1", ago(1830, "11:20:00"), **c1, **money, officer_id="ann", branch_id="north"),
        told(2, "loan.status_reported", "L-1", ago(9, "23:00:00"), **c1, outstanding_minor=20_500_000, currency="EUR",
             days_past_due=10),
        told(3, "loan.status_reported", "L-3", ago(1, "07:00:00"), customer_id="c-3", outstanding_minor=390_000,
             currency="EUR", days_past_due=31),
        told(4, "loan.funded", "L-9", ago(2, "12:00:00"), **c1, **money, officer_id="cid"),
        told(5, "query.answered", "Q-1", ago(1, "10:00:00"), **c1, officer_id="ann"),
        told(6, "query.received", "Q-2", ago(5, "08:00:00"), **c2, officer_id="ben"),
        told(7, "query.answered", "Q-2", ago(4, "10:00:00"), **c2, officer_id="ben"),
    ]  # fmt: skip


class Scene:
    """A namespace with a worker, and a count of what was sent to it."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self.settings, self.home = settings, home
        self.sent = 0

    def send(self, events: list[Event]) -> None:
        records = [raw_of(json.dumps(event).encode()) for event in events]
        self.sent += produce(str(self.settings.kafka), records, prefix=self.settings.topic_prefix)
        self.settle()

    def bring_in(self, file: Path, mapping: str, *more: str) -> None:
        """The command itself."""
        plain = {key: value for key, value in os.environ.items() if not key.startswith("LOANPULSE_")}
        said = subprocess.run(
            [sys.executable, "-m", "loanpulse", "import", str(file), "--mapping", mapping, *more],
            env=plain | environ_of(self.settings), check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        self.sent += int(said.stdout.splitlines()[-1].split()[0])
        self.settle()

    def settle(self) -> None:
        wait_until(lambda: sum(self.counts().values()) >= self.sent, 60)

    def counts(self) -> dict[str, int]:
        heads = [head_of(self._client().hgetall(keys.head)) for keys in self._ledgers()]
        return {name: sum(head.counts.get(name, 0) for head in heads) for name in OUTCOMES}

    def cases(self) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for keys in self._ledgers():
            found |= self._client().hgetall(keys.cases)
        return found

    def _ledgers(self) -> list[LedgerKeys]:
        namespace = self.settings.namespace
        places = [
            member.decode().rpartition("/")
            for member in self._client().smembers(NamespaceKeys(namespace).ledgers)
        ]
        return [LedgerKeys(namespace, topic, int(partition)) for topic, _, partition in places]

    def _client(self) -> Any:
        return redis.Redis.from_url(str(self.settings.redis))

    def assert_exact(self, events: list[Event]) -> list[Event]:
        """The board as of now is the recount of all these."""
        now = WallClock().now_ms()
        rows, grid = asyncio.run(self._board(now)), Grid.live(ZoneInfo(ZONE))
        to = grid.end(now)
        wanted = recount(
            events, to - 1, zone=ZONE, edges=lambda window: (grid.window(window, to), grid.before(window, to))
        )
        assert_equal(telling(rows), telling(wanted))
        return rows

    async def _board(self, now: int) -> list[Event]:
        client = await connect(str(self.settings.redis))
        try:
            program = compile_program(None, None, ZONE)
            feed = Feed(client, self.settings.namespace, program)
            ticks = Ticks(program, feed, FixedClock(now), Grid.live(program.zone))
            result = await ticks.tick()
            assert result.meta.incomplete == []
            return rows_of(Snapshot(result.meta, result.blocks))
        finally:
            await client.aclose()


def telling(rows: list[Event]) -> list[Event]:
    """Without rows of a currency that the board has seen only in days that are out of every window: they hold nothing."""
    return [row for row in rows if row["n"] or row["denominator"] or not row["group"]]


@contextmanager
def scene(kafka: Kafka, redis_url: str, home: Path) -> Iterator[Scene]:
    settings = Settings(kafka=kafka.bootstrap, redis=redis_url, tz=ZONE, home=home, partitions=2)
    with own_space(settings, Endpoints(kafka.bootstrap, redis_url), "import") as own:
        live = own.model_copy(update={"as_of": None})
        with process("worker", live, home / "worker.log"):
            yield Scene(live, home)


def events_of(file: Path, mapping: str) -> list[Event]:
    table = Table(PackedFile(file), load_mapping(mapping), ZoneInfo(ZONE), by_fact=True)
    return [mapped.event for line in table for mapped in line.events]


def written(home: Path) -> tuple[Path, Path]:
    loans, cases = home / "loans.csv", home / "cases.csv"
    loans.write_text(LOANS.format(**days()))
    cases.write_text(CASES.format(**days()))
    return loans, cases


def test_a_book_the_stream_and_the_book_again_give_the_recount_of_both(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    loans, cases = written(tmp_path)
    book = [*events_of(loans, "loans"), *events_of(cases, "open-cases")]
    with scene(kafka, redis_url, tmp_path) as on:
        on.bring_in(loans, "loans")
        on.bring_in(cases, "open-cases")
        assert on.counts() == {"applied": len(book), "duplicate": 0, "dead_letter": 0, "expired": 0}
        on.assert_exact(book)
        on.send(stream())
        rows = on.assert_exact([*book, *stream()])
        of_all = {
            (row["kpi"], row["window"]): row for row in rows if row["group"] in ({}, {"currency": "EUR"})
        }
        assert of_all["repeat_clients", "7d"]["n"] == 1
        assert (
            of_all["portfolio_at_risk", "now"]["denominator"] == 20_150_040 + 8_000_000 + 390_000 + 25_000_000
        )
        before, applied = on.cases(), on.counts()["applied"]
        on.bring_in(loans, "loans")
        on.bring_in(cases, "open-cases")
        assert on.cases() == before
        assert on.counts()["duplicate"] + on.counts()["applied"] - applied == len(book)
        on.assert_exact([*book, *stream()])


def test_a_stream_that_has_spoken_before_the_book_comes_gives_the_same(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    loans, cases = written(tmp_path)
    book = [*events_of(loans, "loans"), *events_of(cases, "open-cases")]
    with scene(kafka, redis_url, tmp_path) as on:
        on.send(stream())
        on.bring_in(cases, "open-cases")
        on.bring_in(loans, "loans")
        on.assert_exact([*book, *stream()])
