"""The last record that was applied is looked at again: is it still the one that it was?"""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaAdminClient, TopicPartition

from loanpulse.lab.kafka_server import Kafka
from streams.runtime import last_record
from streams.runtime.last_record import checksum, checksum_at
from tests.partition_lab import record
from tests.transport_lab import produce, producing

some_bytes = st.none() | st.binary(max_size=8)


@given(key=some_bytes, value=some_bytes, other_key=some_bytes, other_value=some_bytes)
def test_records_with_other_keys_or_values_have_other_checksums(
    key: bytes | None, value: bytes | None, other_key: bytes | None, other_value: bytes | None
) -> None:
    """Also when a byte moves from the key to the value."""
    is_same = (key or b"", value or b"") == (other_key or b"", other_value or b"")
    assert (checksum(record(value, 1, key)) == checksum(record(other_value, 2, other_key))) is is_same


def test_a_byte_that_moves_from_key_to_value_shows() -> None:
    assert checksum(record(b"c", key=b"ab")) != checksum(record(b"bc", key=b"a"))


@pytest.fixture
def topic(kafka: Kafka, make_topic: Callable[[int], str]) -> str:
    """Records 0 to 4 with values 0 to 4; of three more the first is deleted, so 0 is gone."""
    return make_topic(1)


def found(kafka: Kafka, topic: str, offset: int) -> int | None:
    return asyncio.run(checksum_at(kafka.bootstrap, topic, 0, offset))


def test_the_record_at_an_offset_is_read_again(kafka: Kafka, topic: str) -> None:
    asyncio.run(produce(kafka.bootstrap, topic, 3))
    assert [found(kafka, topic, offset) for offset in (0, 2)] == [
        checksum(record(b"0")),
        checksum(record(b"2")),
    ]


def test_beyond_the_end_and_before_the_start_there_is_none(kafka: Kafka, topic: str) -> None:
    assert found(kafka, topic, 0) is None
    asyncio.run(produce(kafka.bootstrap, topic, 3))
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(topic, 0): 2})
    admin.close()
    assert [found(kafka, topic, offset) for offset in (1, 2, 3)] == [None, checksum(record(b"2")), None]


async def transact(producer: AIOKafkaProducer, topic: str, *, commit: bool) -> None:
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"x", partition=0)
    await (producer.commit_transaction() if commit else producer.abort_transaction())


def test_a_marker_or_an_aborted_record_is_none_even_at_the_end_of_the_log(kafka: Kafka, topic: str) -> None:
    """Offsets: 0 a record, 1 its marker, 2 aborted, 3 the marker."""

    async def story() -> None:
        async with producing(kafka.bootstrap, transactional_id=topic) as producer:
            await transact(producer, topic, commit=True)
            await transact(producer, topic, commit=False)

    asyncio.run(story())
    assert [found(kafka, topic, offset) for offset in range(4)] == [checksum(record(b"x")), None, None, None]


def test_a_broker_that_does_not_say_is_not_taken_for_one_without_the_record(
    kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a slow Kafka would let a ledger be read on from another topic's record."""
    asyncio.run(produce(kafka.bootstrap, topic, 1))
    monkeypatch.setattr(last_record, "READ_SECONDS", 0)
    with pytest.raises(TimeoutError):
        found(kafka, topic, 0)


@pytest.mark.servers
def test_a_kafka_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KafkaError):
        asyncio.run(checksum_at("127.0.0.1:1", "topic", 0, 0))
