"""Dead letters are read back as they were written, from a real topic."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import ConsumerRecord
from kafka import KafkaProducer

from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from loanpulse.doctor.letters import letters
from loanpulse.lab.kafka_server import Kafka
from streams.runtime.admission import DeadLetter
from streams.runtime.dead_letters import DeadLetterTopic

pytestmark = pytest.mark.servers

RAW = b'{"type": "loan.\xff"}'


def letter(offset: int, reason: str = "invalid", field: str | None = "data.score") -> DeadLetter:
    record = ConsumerRecord(
        topic="loan-events", partition=2, offset=offset, timestamp=1_700_000_000_000, timestamp_type=0, key=b"C-1",
        value=RAW, checksum=None, serialized_key_size=3, serialized_value_size=len(RAW), headers=(),
    )  # fmt: skip
    return DeadLetter(record, reason, f"{field} is 7: must be at most 5", field, "7")


@pytest.fixture
def topic(kafka: Kafka, make_topic: Callable[[int], str]) -> str:
    """A topic with three letters, one of them written twice, and a record that is no letter."""
    name = make_topic(1)

    async def write() -> None:
        dead = DeadLetterTopic(kafka.bootstrap, name)
        await dead.put(
            [letter(10), letter(11), letter(12, "undecodable", None), letter(12, "undecodable", None)]
        )
        await dead.close()

    asyncio.run(write())
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    producer.send(name, b"something else").get(10)
    producer.close()
    return name


@pytest.fixture
def run(
    kafka: Kafka, topic: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs `loanpulse dlq` on the topic: exit code, standard output, standard error."""
    monkeypatch.setenv("LOANPULSE_KAFKA", kafka.bootstrap)
    monkeypatch.setenv("LOANPULSE_DEAD_LETTER_TOPIC", topic)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = outcome(lambda: app(["dlq", *arguments], prog_name="loanpulse", standalone_mode=False))
        return code, *capsys.readouterr()

    return run


Run = Callable[..., tuple[int, str, str]]


def test_letters_come_back_as_they_were_written(kafka: Kafka, topic: str) -> None:
    found = sorted(letters(kafka.bootstrap, topic), key=lambda found: found.told.offset)
    assert [found.told.position for found in found] == [
        f"loan-events/2@{number}" for number in (10, 11, 12, 12)
    ]
    assert found[0].told.message == "data.score is 7: must be at most 5"
    assert (found[0].key, found[0].value) == (b"C-1", RAW)


def test_only_the_newest_are_read_when_so_many_are_wanted(kafka: Kafka, topic: str) -> None:
    assert [found.told.offset for found in letters(kafka.bootstrap, topic, last=3)] == [12, 12]


def test_an_empty_topic_has_no_letters(kafka: Kafka, make_topic: Callable[[int], str]) -> None:
    assert list(letters(kafka.bootstrap, make_topic(1))) == []


def test_complaints_are_counted_each_letter_once(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    lines = {tuple(line.split()[:2]) for line in out.splitlines()[1:]}
    assert lines == {("2", "invalid"), ("1", "undecodable")}
    assert "data.score" in out


def test_complaints_can_be_chosen_by_reason(run: Run) -> None:
    assert "invalid" not in run("list", "--reason", "undecodable")[1]
    assert run("list", "--reason", "nothing")[1] == "no dead letters\n"


def test_a_letter_is_shown_with_its_bytes(run: Run) -> None:
    code, out, _ = run("show", "loan-events/2@11")
    assert code == 0
    assert "data.score is 7: must be at most 5" in out
    assert out.endswith('{"type": "loan.\\xff"}\n')


def test_a_letter_that_is_not_there_is_a_failure(run: Run) -> None:
    code, out, err = run("show", "loan-events/2@99")
    assert (code, out) == (1, "")
    assert "loan-events/2@99" in err
