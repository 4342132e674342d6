"""Producing to a real Kafka, and replays through real Kafka, Redis and workers, from the file to the board."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import redis
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.partitioner import murmur2

from loanpulse.intake.producing import Producer, produce
from loanpulse.intake.sources import Raw
from loanpulse.lab.failures import InputError, ProduceError, ReplayError
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.replay import Options, replay
from loanpulse.lab.simulator.hours import DAY, HOUR
from loanpulse.lab.simulator.lender import Lender
from loanpulse.lab.simulator.wire import records
from loanpulse.lab.topics import create_topics, delete_topics
from streams.runtime.rulebook import ConfigError
from streams.runtime.settings import Settings, load_settings
from tests.oracle.recount import recount
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

BPIC2012 = Path(__file__).parents[2] / "shared" / "data" / "bpic2012_events.csv.gz"
START = 1_772_323_200_000
"""2026-03-01T00:00:00Z, a Sunday"""

Replay = Callable[..., dict[str, Any]]


def consumed(kafka: Kafka, topic: str) -> list[Any]:
    """All records of a topic, by partition and offset."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(places)
    missing = sum(consumer.end_offsets(places).values())
    found: list[Any] = []
    while len(found) < missing:
        for some in consumer.poll(timeout_ms=1_000).values():
            found += some
    consumer.close()
    return sorted(found, key=lambda record: (record.partition, record.offset))


def test_records_reach_the_partition_of_their_key_in_order_with_the_timestamp_that_is_asked_for(
    kafka: Kafka, make_topic: Callable[[int], str]
) -> None:
    topic = make_topic(3)
    prefix, name = topic[:5], topic[5:]
    keys = [f"k-{number}".encode() for number in range(20)]
    told: list[int] = []
    raws = [Raw(name, keys[number % 20], str(number).encode(), None) for number in range(3_500)]
    assert produce(kafka.bootstrap, raws, prefix=prefix, timestamp_ms=123, progress=told.append) == 3_500
    assert sum(told) == 3_500
    found = consumed(kafka, topic)
    assert all(record.timestamp == 123 for record in found)
    for record in found:
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 3
    for key in keys:
        values = [int(record.value) for record in found if record.key == key]
        assert values == sorted(values)
        assert len(values) == 175


def test_a_record_without_a_key_and_an_empty_one_are_sent(
    kafka: Kafka, make_topic: Callable[[int], str]
) -> None:
    topic, before = make_topic(2), time.time_ns() // 1_000_000
    assert produce(kafka.bootstrap, [Raw(topic, None, b"{", None), Raw(topic, None, b"", None)]) == 2
    found = consumed(kafka, topic)
    assert sorted(record.value for record in found) == [b"", b"{"]
    assert all(record.timestamp >= before for record in found)


def test_records_that_kafka_refuses_are_counted_and_the_first_reason_is_told(
    kafka: Kafka, namespace: str
) -> None:
    def send() -> None:
        with Producer(kafka.bootstrap) as producer:
            producer.send(Raw(namespace, b"k", b"small", None))
            producer.flush()
            producer.send(Raw(namespace, b"k", os.urandom(5_000), None))

    create_topics(kafka.bootstrap, {namespace: 1}, {"max.message.bytes": "1000"})
    try:
        with pytest.raises(
            ProduceError, match=rf"1 of 2 records .*; the first: {namespace}: .*MessageSizeTooLarge"
        ):
            send()
    finally:
        delete_topics(kafka.bootstrap, [namespace])


@pytest.fixture
def settings(kafka: Kafka, redis_url: str, tmp_path: Path) -> Settings:
    return load_settings({}, kafka=kafka.bootstrap, redis=redis_url, home=str(tmp_path / "home"))


@pytest.fixture
def leaves_nothing(kafka: Kafka, redis_url: str, settings: Settings) -> Iterator[None]:
    """A replay removes its topics, keys, consumer group, files and processes, however it ends."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    yield
    assert not [topic for topic in admin.list_topics() if topic.startswith("replay-")]
    assert not [group for group in admin.list_groups() if "replay-" in str(group)]
    admin.close()
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys() == []
    assert list((settings.home / "replay").glob("*")) == []


def write_lines(path: Path, events: list[Any]) -> Path:
    path.write_bytes(b"\n".join(json.dumps(event).encode() for event in events) + b"\n")
    return path


def by_name(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {(row["kpi"], row["window"], *sorted(row["group"].items())): row for row in rows}


@pytest.mark.usefixtures("leaves_nothing")
def test_a_replay_of_every_kind_of_event_gives_the_recount(settings: Settings, tmp_path: Path) -> None:
    """Shuffled, repeated, corrected, late, with undecodable lines, and some of after the as-of; two workers."""
    lender = Lender(5, "Europe/Amsterdam", 0.08)
    course = lender.course(START)
    arrivals = [*course.until(START + 25 * DAY), *islice(course.live(2.0), 2_000)]
    lines = [raw.value for raw in records(arrivals, broken=0.01, seed=2)]
    random.Random(1).shuffle(lines)
    file, config = tmp_path / "events.jsonl", tmp_path / "organisation.json"
    file.write_bytes(b"\n".join([*lines, b"{"]) + b"\n")
    organisation: dict[str, Any] = lender.organisation()
    config.write_text(json.dumps(organisation))
    as_of = START + 20 * DAY + HOUR + 1
    told: set[str] = set()
    result = replay(
        Options(file, workers=2, board=tmp_path / "board.json"),
        settings.model_copy(
            update={"as_of": load_settings({}, as_of="2026-03-21T01:00:00.001Z").as_of, "config": config}
        ),
        lambda stage, _done, _events: told.add(stage),
    )
    events: list[dict[str, Any]] = [arrival.event for arrival in arrivals]
    expected = recount(
        events,
        as_of,
        zone="Europe/Amsterdam",
        calendar=organisation["calendar"],
        system_users=["sys-scoring"],
    )
    ours, theirs = by_name(result["rows"]), by_name([dict(row) for row in expected])
    assert ours.keys() == theirs.keys()
    for name, row in ours.items():
        for member in ("numerator", "denominator", "n", "from", "to"):
            assert row[member] == theirs[name][member], (name, member)
    counts = result["events"]
    assert sum(counts.values()) == len(lines) + 1
    assert counts["dead_letter"] == len(lines) + 1 - len(events) - _broken_after(lines, as_of)
    assert counts["not_yet"] > 100
    assert counts["duplicate"] > 5
    assert (result["as_of"], result["complete_through"]) == ("2026-03-21T01:00:00.001Z",) * 2
    assert json.loads((tmp_path / "board.json").read_bytes()) == result
    assert told == {"loading", "computing"}


def _broken_after(lines: list[bytes], as_of: int) -> int:
    """Broken records whose time can be read and is after the as-of are not loaded."""
    from loanpulse.intake.sources import raw_of
    from schemas.decode import Rejected, decode

    def is_broken(line: bytes) -> bool:
        try:
            decode(line)
        except Rejected:
            return True
        return False

    return sum((raw_of(line).at or 0) > as_of and is_broken(line) for line in lines)


@pytest.mark.usefixtures("leaves_nothing")
def test_a_replay_through_a_mapping_ends_at_the_last_event_and_takes_the_mappings_calendar(
    settings: Settings, tmp_path: Path
) -> None:
    rows = [
        "0,7,A_SUBMITTED,COMPLETE,2011-10-29T23:00:00.000+02:00,112,5000",
        "1,7,A_APPROVED,COMPLETE,2011-10-30T12:00:00.250+01:00,10138,5000",
        "2,8,A_SUBMITTED,COMPLETE,2011-10-30T12:00:00.250+01:00,,700",
        "3,8,W_Afhandelen leads,START,2011-11-01T00:00:00.000+01:00,,700",
    ]
    file = tmp_path / "log.csv"
    file.write_text("seq,case_id,activity,lifecycle,timestamp,resource,amount_req\n" + "\n".join(rows) + "\n")
    result = replay(Options(file, mapping="bpic2012"), settings)
    assert result["as_of"] == "2011-10-30T11:00:00.250Z"
    assert result["events"] == {"applied": 3, "duplicate": 0, "dead_letter": 0, "expired": 0, "not_yet": 0}
    found = by_name(result["rows"])["turnaround_time", "24h", ("officer", "10138")]
    assert found["sum"] == 14 * HOUR + 250
    assert (found["from"], found["to"]) == ("2011-10-29T11:00:00.251Z", "2011-10-30T11:00:00.251Z")
    assert by_name(result["rows"])["approval_rate", "today"]["from"] == "2011-10-29T22:00:00.000Z"


@pytest.mark.slow
@pytest.mark.usefixtures("leaves_nothing")
def test_the_bpic2012_log_gives_its_publishers_totals(settings: Settings) -> None:
    if not BPIC2012.exists():
        pytest.skip(f"the log is not here: {BPIC2012}")
    as_of = load_settings({}, as_of="2012-03-14T16:04:54.681+01:00").as_of
    result = replay(Options(BPIC2012, "bpic2012", workers=3), settings.model_copy(update={"as_of": as_of}))
    found = by_name(result["rows"])
    approval = found["approval_rate", "180d"]
    assert (approval["numerator"], approval["denominator"]) == (2_246, 2_246 + 7_635)
    assert found["approval_rate.of_submitted", "180d"]["denominator"] == 13_087
    officers = [row for name, row in found.items() if name[:2] == ("approval_rate", "180d") and name[2:]]
    named = [row for row in officers if row["group"].get("officer", "unassigned") != "unassigned"]
    assert len([row for row in named if row["numerator"]]) == 9
    assert result["events"]["applied"] == 28_021


@pytest.mark.usefixtures("leaves_nothing")
def test_input_that_is_wrong_is_told_before_anything_is_started(settings: Settings, tmp_path: Path) -> None:
    def told(options: Options, **changes: Any) -> str:
        with pytest.raises((InputError, ConfigError)) as raised:
            replay(options, settings.model_copy(update={"kafka": None, "redis": None, **changes}))
        return str(raised.value)

    file, config = write_lines(tmp_path / "events.jsonl", [{"type": "x"}]), tmp_path / "organisation.json"
    config.write_text('{"calender": {}}')
    assert told(Options(tmp_path / "no")) == f"{tmp_path}/no: cannot be read: No such file or directory"
    assert "bpic2021: no mapping of this name: did you mean 'bpic2012'?" in told(Options(file, "bpic2021"))
    assert told(Options(file)) == f"{file}: has no valid event: --as-of is needed"
    assert (
        told(Options(file, board=tmp_path / "no" / "o.json")) == f"{tmp_path}/no: --board: no such directory"
    )
    assert "calender: is not known here" in told(Options(file), config=config)
    assert "before 1970" in told(Options(file), as_of=load_settings({}, as_of="1969-12-31T23:59:59Z").as_of)


@pytest.mark.usefixtures("leaves_nothing")
def test_a_file_without_a_valid_event_gives_an_empty_board(settings: Settings, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "events.jsonl", [{"type": "x"}, 7])
    as_of = load_settings({}, as_of="2026-01-01T00:00:00+01:00").as_of
    result = replay(Options(file), settings.model_copy(update={"as_of": as_of}))
    assert result["as_of"] == result["complete_through"] == "2025-12-31T23:00:00.000Z"
    assert result["events"]["dead_letter"] == 2
    assert by_name(result["rows"])["approval_rate", "30d"]["value"] is None


def test_a_worker_that_ends_is_told_with_its_reason(
    kafka: Kafka, own_redis: Callable[..., Redis], settings: Settings, tmp_path: Path
) -> None:
    server = own_redis()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    file = write_lines(tmp_path / "events.jsonl", [_query()])
    with pytest.raises(ReplayError, match=r"worker-1 ended: .*noeviction"):
        replay(Options(file), settings.model_copy(update={"redis": server.url}))


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_that_is_interrupted_leaves_nothing(
    kafka: Kafka, settings: Settings, tmp_path: Path, sign: signal.Signals
) -> None:
    file = write_lines(tmp_path / "events.jsonl", [_query()])
    code = (
        "import sys, pathlib; from loanpulse.lab.replay import *; from streams.runtime.settings import load_settings;"
        "replay(Options(pathlib.Path(sys.argv[1])), load_settings({}, kafka=sys.argv[2], redis=sys.argv[3], home=sys.argv[4]))"
    )
    arguments = [str(file), kafka.bootstrap, str(settings.redis), str(settings.home)]
    child = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.DEVNULL)
    wait_until(lambda: any((settings.home / "replay").glob("*/worker-1.log")))
    child.send_signal(sign)
    assert child.wait(60) != 0


def _query() -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "crm",
        "type": "query.received",
        "time": "2026-01-05T10:00:00Z",
        "subject": "q-1",
        "data": {"customer_id": "c-1"},
    }
