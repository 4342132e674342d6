"""A dead letter holds the record as it came, why it was rejected, and where it stood."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka.errors import KafkaError
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaConsumer, TopicPartition

from loanpulse.doctor.letters import letters
from loanpulse.lab.kafka_server import Kafka
from streams.runtime.admission import DeadLetter
from streams.runtime.dead_letters import MOST_BYTES, DeadLetterTopic, content_of, headers_of, told_by
from tests.partition_lab import record


def letter(value: bytes | None, key: bytes | None = b"c-1", offset: int = 5) -> DeadLetter:
    return DeadLetter(
        record(value, offset, key), "invalid", "data.score is 7: must be at most 5", "data.score", "7"
    )


def test_headers_tell_reason_position_and_complaint() -> None:
    told = told_by(headers_of(letter(b"{}")))
    assert (told.reason, told.field, told.value) == ("invalid", "data.score", "7")
    assert told.message == "data.score is 7: must be at most 5"
    assert told.position == "loan-events/0@5"
    assert told.cut_from is None


@given(
    value=st.none() | st.binary(max_size=50),
    key=st.none() | st.binary(max_size=20),
    message=st.text(),
    field=st.none() | st.text(),
    shown=st.none() | st.text(),
    offset=st.integers(0, 2**60),
)
def test_what_headers_tell_is_what_was_said(
    value: bytes | None, key: bytes | None, message: str, field: str | None, shown: str | None, offset: int
) -> None:
    """Also a lone surrogate in a message, which no UTF-8 can hold, and which must not hold a partition up."""
    sent = content_of(DeadLetter(record(value, offset, key), "invalid", message, field, shown))
    assert (sent["value"], sent["key"]) == (value, key)
    told = told_by(sent["headers"])
    assert (told.message, told.field, told.value, told.offset) == (message, field, shown, offset)


def test_a_character_that_utf_8_cannot_hold_is_replaced() -> None:
    told = told_by(headers_of(DeadLetter(record(b""), "invalid", "\ud800", None, None)))
    assert told.message == "?"


@pytest.mark.parametrize(("key", "value"), [(10, MOST_BYTES), (MOST_BYTES + 5, 10), (MOST_BYTES, MOST_BYTES)])
def test_what_the_topic_would_refuse_is_cut_and_says_so(key: int, value: int) -> None:
    sent = content_of(letter(b"v" * value, b"k" * key))
    assert len(sent["key"]) + len(sent["value"]) == MOST_BYTES
    assert told_by(sent["headers"]).cut_from == key + value


def test_a_record_that_just_fits_is_whole() -> None:
    sent = content_of(letter(b"v" * (MOST_BYTES - 3)))
    assert len(sent["value"]) == MOST_BYTES - 3
    assert told_by(sent["headers"]).cut_from is None


@pytest.mark.servers
def test_letters_of_several_partitions_at_once_are_all_stored(
    kafka: Kafka, make_topic: Callable[[int], str]
) -> None:
    topic = make_topic(2)

    async def story() -> None:
        dead = DeadLetterTopic(kafka.bootstrap, topic)
        await asyncio.gather(
            *(dead.put([letter(b"{}", offset=10 * n + m) for m in range(10)]) for n in range(9))
        )
        await dead.put([])
        await dead.close()
        await dead.put([letter(b"{}", offset=90)])
        await dead.close()
        await dead.close()

    asyncio.run(story())
    assert sorted(found.told.offset for found in letters(kafka.bootstrap, topic)) == list(range(91))


@pytest.mark.servers
def test_a_record_as_large_as_kafka_takes_has_a_letter(
    kafka: Kafka, make_topic: Callable[[int], str]
) -> None:
    topic = make_topic(1)

    async def story() -> None:
        dead = DeadLetterTopic(kafka.bootstrap, topic)
        await dead.put([letter(b"x" * 8_000_000), letter(b"y" * MOST_BYTES, None, 6)])
        await dead.close()

    asyncio.run(story())
    found = {found.told.offset: found for found in letters(kafka.bootstrap, topic)}
    assert found[5].told.cut_from == 8_000_003
    assert found[6].value == b"y" * MOST_BYTES


@pytest.mark.servers
def test_letters_wait_for_no_connection_that_failed(kafka: Kafka, make_topic: Callable[[int], str]) -> None:
    """A batch whose letters were refused is read again: its letters then need a producer that works."""
    topic = make_topic(1)

    async def story() -> None:
        dead = DeadLetterTopic(kafka.bootstrap, topic)
        refused = letter(b"{}")._replace(message="x" * 2_000_000)
        for _ in range(2):
            with pytest.raises(KafkaError):
                await dead.put([refused])
        await dead.put([letter(b"{}")])
        await dead.close()

    asyncio.run(story())
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap)
    place = TopicPartition(topic, 0)
    assert consumer.end_offsets([place])[place] == 1
    consumer.close()


@pytest.mark.servers
def test_a_kafka_that_is_not_there_is_an_error_each_time() -> None:
    async def story() -> None:
        dead = DeadLetterTopic("127.0.0.1:1", "dead-letters")
        for _ in range(2):
            with pytest.raises(KafkaError):
                await dead.put([letter(b"{}")])
        await dead.close()

    asyncio.run(story())
