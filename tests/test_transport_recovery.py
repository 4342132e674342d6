"""No gap and no repetition: workers that are killed, stopped, joined by others or left without a broker."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP

from loanpulse.lab.kafka_server import Kafka
from streams.runtime.settings import Settings
from tests.transport_lab import Bench, SqliteProcessor, until, working
from tests.transport_worker import Job

pytestmark = [pytest.mark.servers, pytest.mark.slow]

EXIT_SECONDS = 10.0


@pytest.fixture
def bench(kafka: Kafka, namespace: str, tmp_path: Path) -> Bench:
    return Bench(kafka.bootstrap, namespace, tmp_path, partitions=2)


@contextlib.contextmanager
def process(
    bench: Bench, settings: Settings, *, hold: float = 0.0, entered: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of its own process; killed at the end if it still runs."""
    given = {name: str(value) for name, value in settings if value is not None and name in NEEDED}
    job = Job(str(bench.path), given, hold, str(entered or ""))
    command = [sys.executable, "-m", "tests.transport_worker", msgspec.json.encode(job).decode()]
    with subprocess.Popen(command) as worker:
        try:
            yield worker
        finally:
            worker.kill()


NEEDED = {"kafka", "namespace", "topic_prefix", "session_timeout_seconds", "worker_id"}


async def ended(worker: subprocess.Popen[bytes]) -> int:
    """Its exit status; TimeoutExpired when it needs longer than a shutdown may."""
    return await asyncio.to_thread(worker.wait, EXIT_SECONDS)


@pytest.mark.parametrize(
    ("worker_id", "kills"), [("the-same-again", (2_000, 16_000, 30_000)), (None, (16_000,))]
)
def test_killed_workers_leave_no_gap_and_no_repetition(
    bench: Bench, worker_id: str | None, kills: tuple[int, ...]
) -> None:
    """A repetition would break the ledger's primary key; a gap would show in the offsets.

    A worker without a lasting name takes over only when the session of the one before it is over: 6 s.
    """
    settings = bench.settings.model_copy(update={"worker_id": worker_id})
    each = 12_000

    async def scenario() -> None:
        ledger = bench.processor()
        for tp in bench.tps[:4]:
            await bench.produce(each, tp)
        for killed_at in kills:
            with process(bench, settings, hold=0.1) as worker:
                await until(lambda at=killed_at: ledger.total() > at)  # type: ignore[misc]  # bound now
                worker.kill()
        with process(bench, settings):
            await until(lambda: ledger.total() == 4 * each)
        for tp in bench.tps[:4]:
            assert ledger.offsets(tp) == list(range(each))

    asyncio.run(scenario())


def test_a_batch_in_hand_is_finished_before_a_shutdown(bench: Bench, tmp_path: Path) -> None:
    async def scenario() -> None:
        ledger, entered = bench.processor(), tmp_path / "entered"
        await bench.produce(50)
        with process(bench, bench.settings, hold=2, entered=entered) as worker:
            await until(entered.exists)
            assert ledger.total() == 0
            worker.send_signal(signal.SIGTERM)
            assert await ended(worker) == 0
        assert ledger.offsets(bench.tp) == list(range(50))

    asyncio.run(scenario())


def test_a_batch_that_hangs_does_not_hold_a_shutdown_up(bench: Bench, tmp_path: Path) -> None:
    async def scenario() -> None:
        ledger, entered = bench.processor(), tmp_path / "entered"
        await bench.produce(50)
        with process(bench, bench.settings, hold=3600, entered=entered) as worker:
            await until(entered.exists)
            worker.send_signal(signal.SIGINT)
            assert await ended(worker) == 0
        assert ledger.total() == 0
        async with working(bench.settings, ledger):
            await until(lambda: ledger.offsets(bench.tp) == list(range(50)))

    asyncio.run(scenario())


class Gate:
    """A hook that keeps batches of one partition inside `process` until it is opened."""

    def __init__(self, tp: TP) -> None:
        self.tp = tp
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, tp: TP, _records: Sequence[ConsumerRecord]) -> None:
        if tp == self.tp:
            self.entered.set()
            await self.opened.wait()


@contextlib.asynccontextmanager
async def joining(settings: Settings, processor: SqliteProcessor) -> AsyncIterator[None]:
    """Another worker in this process, which starts in the background."""
    leave = asyncio.Event()

    async def work() -> None:
        async with working(settings, processor):
            await leave.wait()

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        leave.set()
        await task


def test_a_batch_in_flight_is_finished_before_its_partition_moves(bench: Bench) -> None:
    async def scenario() -> None:
        gate = Gate(bench.tp)
        first, second = bench.processor(gate), bench.processor()
        for tp in bench.tps:
            await bench.produce(3_000, tp)
        async with working(bench.settings, first) as app:
            await gate.entered.wait()
            async with joining(bench.settings, second):
                await until(lambda: app.rebalancing)
                assert second.opened == []
                assert first.offsets(bench.tp) == []
                gate.opened.set()
                await until(lambda: bool(second.opened) and first.total() == len(bench.tps) * 3_000)
                for tp in bench.tps:
                    await bench.produce(3_000, tp)
                await until(lambda: first.total() == len(bench.tps) * 6_000)
        for tp in bench.tps:
            assert first.offsets(tp) == list(range(6_000))
        assert first.owners(bench.tp)[0] == first.owner
        assert len({owner for tp in bench.tps for owner in first.owners(tp)}) == 2

    asyncio.run(scenario())


def test_workers_that_come_and_go_leave_no_gap(bench: Bench) -> None:
    """Rebalances while batches are fetched, buffered and processed."""

    async def scenario() -> None:
        async def slowly(tp: TP, records: Sequence[ConsumerRecord]) -> None:
            await asyncio.sleep(0.05)

        first = bench.processor(slowly)
        for tp in bench.tps:
            await bench.produce(10_000, tp)
        async with working(bench.settings, first) as app:
            await until(lambda: first.total() > 0)
            for _ in range(2):
                second = bench.processor(slowly)
                async with working(bench.settings, second):
                    await until(lambda second=second: len(second.opened) > 1)  # type: ignore[misc]  # bound now
                await until(lambda: not app.rebalancing and len(app.holdings.stopped) == 0)
                for tp in bench.tps:
                    await bench.produce(2_000, tp)
            await until(lambda: first.total() == len(bench.tps) * 14_000)
        for tp in bench.tps:
            assert first.offsets(tp) == list(range(14_000))

    asyncio.run(scenario())


def test_without_a_broker_there_are_no_ticks_and_then_everything_goes_on(
    own_kafka: Callable[..., Kafka], namespace: str, tmp_path: Path
) -> None:
    kafka = own_kafka()
    bench = Bench(kafka.bootstrap, namespace, tmp_path)

    async def scenario() -> None:
        processor = bench.processor()
        await bench.produce(100)
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.total() == 100 and processor.caught_up(bench.tp))
            kafka.kill()
            await until(lambda: not app.holdings.broker_answers)
            processor.ticks.clear()
            for _ in range(3):
                await app.holdings.tick()
            assert processor.ticks == []
            await asyncio.to_thread(kafka.restart)
            await until(lambda: processor.caught_up(bench.tp))
            await bench.produce(100)
            await until(lambda: processor.offsets(bench.tp) == list(range(200)))

    asyncio.run(scenario())
