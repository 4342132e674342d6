"""What becomes of a partition, without a broker: what is told when it fails, and what a late tick may claim."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaConnectionError
from faust.types import TP
from redis.exceptions import ConnectionError as RedisConnectionError

from streams.runtime import holdings as holdings_module
from streams.runtime.holdings import Holdings
from streams.runtime.ledger_errors import Torn
from streams.runtime.ledger_values import Source
from streams.runtime.reading import Batch, Reading
from streams.runtime.source import UnknownTopicError
from tests.partition_lab import SOURCE, record
from tests.transport_lab import until

PLACE = TP("loan-events", 0)


class Reader:
    """A consumer that reads nothing by itself; `end` is where its partitions end."""

    def __init__(self) -> None:
        self.begun: list[Reading] = []
        self.end = 0

    async def begin(self, reading: Reading) -> None:
        self.begun.append(reading)

    def advance(self, reading: Reading) -> None:
        reading.done += 1

    def forget(self, tp: TP) -> None:
        pass

    async def pause(self, tp: TP) -> None:
        pass

    async def starts(self, tps: Collection[TP]) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    async def ends(self, tps: Collection[TP]) -> dict[TP, int]:
        return dict.fromkeys(tps, self.end)


class Ledgers:
    """Ledgers at position 0, which fail once at a batch if they are told to."""

    def __init__(self) -> None:
        self.fails: dict[TP, Exception] = {}
        self.ticks: list[bool] = []

    async def open(self, tp: TP, source: Source) -> int:
        assert source == SOURCE, tp
        return 0

    async def process(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        assert records
        if tp in self.fails:
            raise self.fails.pop(tp)

    async def tick(self, tp: TP, *, caught_up: bool) -> None:
        assert tp == PLACE
        self.ticks.append(caught_up)

    async def stopped(self, tp: TP, reason: str) -> None:
        raise AssertionError(f"{tp}: {reason}")

    async def close(self, tp: TP) -> None:
        pass


async def describe(topics: Collection[str]) -> Mapping[str, Source]:
    return dict.fromkeys(topics, SOURCE)


TROUBLES = [
    RedisConnectionError("connection refused"),
    KafkaConnectionError("no broker"),
    Torn("cut off"),
    UnknownTopicError("no topic"),
    ConnectionResetError("reset"),
    TimeoutError("3 s"),
]


def test_trouble_is_told_in_a_line_and_a_bug_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    errors = dict(enumerate([*TROUBLES, KeyError("a bug")]))
    places = [TP("loan-events", number) for number in errors]

    async def story() -> None:
        ledgers, reader = Ledgers(), Reader()
        held = Holdings(ledgers, describe)
        assert await held.take_over(places, reader) == dict.fromkeys(places, 0)
        ledgers.fails = {place: errors[place.partition] for place in places}
        for begun in tuple(reader.begun):
            await held.process(Batch(begun, 0, 1, [record(b"x")]))
        await until(lambda: len(reader.begun) == 2 * len(places))
        await held.release()

    asyncio.run(story())
    said = [entry for entry in caplog.records if entry.name == holdings_module.__name__]
    assert [entry.getMessage() for entry in said] == [
        f"loan-events/{number} failed; it is opened again: {type(error).__name__}: {error}"
        for number, error in errors.items()
    ]
    *troubles, bug = said
    assert all(entry.levelno == logging.WARNING and not entry.exc_info for entry in troubles)
    assert bug.levelno == logging.ERROR
    assert bug.exc_info


@pytest.mark.parametrize("is_late", [True, False])
def test_a_tick_that_a_batch_kept_waiting_does_not_claim_that_all_is_in(
    is_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knows of the partition's end is too old."""

    async def story() -> None:
        ledgers, reader = Ledgers(), Reader()
        held = Holdings(ledgers, describe)
        await held.take_over([PLACE], reader)
        await held.tick()
        if is_late:
            monkeypatch.setattr(holdings_module, "ANSWER_SECONDS", 0)
        await until(lambda: bool(ledgers.ticks))
        await held.release()
        assert ledgers.ticks == [not is_late]

    asyncio.run(story())


def test_a_partition_with_unread_records_is_not_caught_up() -> None:
    async def story() -> None:
        ledgers, reader = Ledgers(), Reader()
        held = Holdings(ledgers, describe)
        await held.take_over([PLACE], reader)
        reader.end = 1
        await held.tick()
        await until(lambda: ledgers.ticks == [False])
        await held.process(Batch(reader.begun[0], 0, 1, [record(b"x")]))
        await held.tick()
        await until(lambda: ledgers.ticks == [False, True])
        await held.release()

    asyncio.run(story())
