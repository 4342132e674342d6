"""The simulated lender on its way: to Kafka, each event with the time at which it arrived, or to a file."""

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from loanpulse.lab.failures import ProduceError
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.ports import free_port
from loanpulse.lab.simulate import DAY_MS, Options, past_line, past_sent, simulate, write
from loanpulse.lab.topics import create_topics, delete_topics
from schemas.fields import time_ms
from schemas.registry import TOPICS
from streams.runtime.admission import Admission, Admitted
from streams.runtime.settings import Settings, load_settings
from streams.runtime.source import UnknownTopicError

SMALL = Options(seed=3, scale=0.02, days=4, rate=0)
FIXED = load_settings({}, as_of="2026-03-01T00:00:00Z")
AS_OF_MS = 1_772_323_200_000
PARTITIONS = 2


def silent(_done: float, _events: int) -> None:
    """Hears how far it is."""


@pytest.fixture
def settings(kafka: Kafka, namespace: str) -> Iterator[Settings]:
    """Of a Kafka with topics."""
    chosen = load_settings({}, kafka=kafka.bootstrap, topic_prefix=f"{namespace}.")
    names = [chosen.topic(name) for name in TOPICS]
    create_topics(kafka.bootstrap, dict.fromkeys(names, PARTITIONS))
    yield chosen
    delete_topics(kafka.bootstrap, names)


def sent(settings: Settings) -> list[Any]:
    """All records of the event topics, in the order of their timestamps."""
    places = [TopicPartition(settings.topic(name), number) for name in TOPICS for number in range(PARTITIONS)]
    consumer = KafkaConsumer(bootstrap_servers=str(settings.kafka), auto_offset_reset="earliest")
    consumer.assign(places)
    missing = sum(consumer.end_offsets(places).values())
    found: list[Any] = []
    while len(found) < missing:
        for some in consumer.poll(timeout_ms=1_000).values():
            found += some
    consumer.close()
    return sorted(found, key=lambda record: record.timestamp)


@pytest.mark.servers
def test_a_record_carries_the_time_at_which_its_event_arrived(settings: Settings) -> None:
    before = time.time_ns() // 1_000_000
    told: list[tuple[float, int]] = []
    count = simulate(SMALL, settings, lambda done, events: told.append((done, events)))
    records = sent(settings)
    assert count == len(records) > 100
    assert told[0] == (0.0, 0)
    assert told[-1] == (1.0, count)
    times = [record.timestamp for record in records]
    assert before - 4 * DAY_MS <= times[0]
    assert times[-1] <= time.time_ns() // 1_000_000
    spread = {(at - times[0]) // DAY_MS for at in times}
    assert spread == {0, 1, 2, 3}
    for record in records:
        topic = record.topic.removeprefix(settings.topic_prefix)
        admission = Admission(topic, record.partition, PARTITIONS, "murmur2")
        assert isinstance(admission.admit(record), Admitted)


@pytest.mark.servers
def test_the_life_after_the_past_keeps_its_pace_and_ends_after_so_many_events(settings: Settings) -> None:
    living = Options(seed=3, scale=0.02, days=0, rate=100, most=30)
    simulate(living, settings, silent)
    times = [record.timestamp for record in sent(settings)][-30:]
    assert [at - times[0] for at in times] == [10 * place for place in range(30)]
    assert times[-1] <= time.time_ns() // 1_000_000


@pytest.mark.servers
def test_a_past_up_to_an_instant_has_no_life_after_it(settings: Settings) -> None:
    frozen = settings.model_copy(update={"as_of": FIXED.as_of})
    simulate(Options(seed=3, scale=0.02, days=2, rate=100), frozen, silent)
    assert max(record.timestamp for record in sent(settings)) < AS_OF_MS


@pytest.mark.servers
def test_missing_topics_and_a_missing_kafka_are_named_at_once(kafka: Kafka, namespace: str) -> None:
    nowhere = load_settings({}, kafka=kafka.bootstrap, topic_prefix=f"{namespace}.")
    with pytest.raises(UnknownTopicError, match=rf"{namespace}\.loan-events.*: loanpulse topics create"):
        simulate(SMALL, nowhere, silent)
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ProduceError, match=f"no Kafka answers at {address}"):
        simulate(SMALL, load_settings({}, kafka=address), silent)


def test_the_same_options_write_the_same_file_packed_or_not(tmp_path: Path) -> None:
    plain, again, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl.gz"
    counts = {write(SMALL, FIXED, file, silent) for file in (plain, again, packed)}
    assert len(counts) == 1
    lines = plain.read_bytes()
    assert lines == again.read_bytes() == gzip.decompress(packed.read_bytes())
    events = [json.loads(line) for line in lines.splitlines()]
    assert counts == {len(events)}
    assert max(time_ms(event["time"]) for event in events) < AS_OF_MS


def test_a_log_tells_how_much_of_the_past_is_sent() -> None:
    assert past_sent("") == (0, 0)
    log = "\n".join([past_line("sent", 10, 900), "a warning", past_line("sent", 100, 91_228), ""])
    assert past_sent(log) == (100, 91_228)


def loanpulse(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loanpulse", "simulate", *arguments],
        cwd=home,
        env={"PATH": "", "HOME": str(home)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def test_without_a_terminal_progress_is_a_line_for_each_tenth(tmp_path: Path) -> None:
    done = loanpulse(
        *("--days", "9", "--scale", "1", "--as-of", "2026-03-01T00:00:00Z", "--out", "x.jsonl"), home=tmp_path
    )
    assert done.returncode == 0, done.stderr
    count = len((tmp_path / "x.jsonl").read_bytes().splitlines())
    assert done.stdout == f"{count:,} events are in x.jsonl\n"
    lines = done.stderr.splitlines()
    assert 5 < len(lines) <= 10
    assert lines[-1] == past_line("written", 100, count)


def test_a_lender_without_a_kafka_or_a_directory_is_told_in_one_line(tmp_path: Path) -> None:
    done = loanpulse(home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "no Kafka runs in .loanpulse: start `loanpulse demo`, or set LOANPULSE_KAFKA\n"
    done = loanpulse("--scale", "0.01", "--days", "1", "--out", "none/x", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "none/x: --out: No such file or directory\n"
