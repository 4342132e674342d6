"""The doctor finds what is wrong with a real Kafka and a real Redis, and says how to mend it."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from faust.types import TP
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from loanpulse.board.board import Board
from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from loanpulse.doctor.examine import CHECKS, examine
from loanpulse.doctor.finding import Finding, Level
from loanpulse.doctor.gap import NoGapError, accept, find_resumption
from loanpulse.doctor.site import Site
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.topics import create_topics, delete_topics
from schemas.registry import TOPICS
from streams.runtime.clock import WallClock
from streams.runtime.keys import NamespaceKeys
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Head
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import read_rulebook
from streams.runtime.settings import Settings, environ_of
from streams.runtime.worker import LedgerProcessor

pytestmark = pytest.mark.servers

LOANS = "loan-events"


@pytest.fixture
def site(kafka: Kafka, redis_url: str, namespace: str) -> Iterator[Site]:
    """An installation without topics; those that a test makes are deleted afterwards."""
    settings = Settings(namespace=namespace, topic_prefix=f"{namespace}.", partitions=2)
    with Site(settings, kafka.bootstrap, redis_url) as made:
        yield made
    delete_topics(kafka.bootstrap, [*made.topics, settings.dead_letters, settings.alerts])


def make_topics(site: Site, partitions: int = 2) -> None:
    names = dict.fromkeys((site.settings.topic(name) for name in TOPICS), partitions)
    create_topics(site.kafka, names | {site.settings.dead_letters: 1, site.settings.alerts: 1})


def configure(site: Site, topic: str, **config: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=site.kafka)
    changes = {name.replace("_", "."): value for name, value in config.items()}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, site.settings.topic(topic), changes)])
    admin.close()


def produce(site: Site, key: str, partition: int | None = None, timestamp_ms: int | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=site.kafka)
    producer.send(
        site.settings.topic(LOANS), b"{}", key=key.encode(), partition=partition, timestamp_ms=timestamp_ms
    ).get(10)
    producer.close()


def acquire(site: Site, state: str = "") -> Head:
    """Let a worker have had partition 0 of the loans' topic, and say a state."""

    async def take() -> Head:
        client = await connect(site.redis)
        topic = site.settings.topic(LOANS)
        ledger = Ledger(client, site.settings.namespace, topic, 0)
        source = site.source(topic)
        assert source is not None
        head = await ledger.acquire("worker", source)
        await ledger.tick("worker", head.position, None, state)
        await client.aclose()
        return head

    return asyncio.run(take())


def compute_board(site: Site, *, stay: bool) -> None:
    """Let a board process have computed once; `stay`: it is still there, as its lease says."""

    async def compute() -> None:
        client = await connect(site.redis)
        board = Board(site.settings, read_rulebook(None, None, "UTC"), client, WallClock())
        await board.step()
        if not stay:
            await client.delete(NamespaceKeys(site.settings.namespace).board_lease)
        await client.aclose()

    asyncio.run(compute())


def findings(site: Site, check: str) -> list[Finding]:
    """What one check says, seen with fresh eyes."""
    with Site(site.settings, site.kafka, site.redis) as fresh:
        return [finding for _, finding in examine(fresh, [check])]


def worst(site: Site, check: str) -> Finding:
    found = max(findings(site, check), key=lambda finding: finding.level)
    assert found.level is Level.OK or found.mend
    return found


@pytest.mark.parametrize("check", ["kafka", "topics", "retention", "partitioner", "redis", "clocks"])
def test_a_new_installation_is_well(site: Site, check: str) -> None:
    make_topics(site)
    assert worst(site, check).level is Level.OK


def test_a_missing_topic_is_to_be_created(site: Site) -> None:
    found = worst(site, "topics")
    assert found.level is Level.BAD
    assert found.mend == "loanpulse topics create"


def test_another_number_of_partitions_is_seen(site: Site) -> None:
    make_topics(site, partitions=3)
    found = worst(site, "topics")
    assert found.level is Level.BAD
    assert "has 3 partitions, LOANPULSE_PARTITIONS says 2" in found.text


@pytest.mark.parametrize(
    ("config", "level", "word"),
    [
        ({"cleanup_policy": "compact"}, Level.BAD, "compacted"),
        ({"retention_ms": "1"}, Level.BAD, "less than twice"),
        ({"retention_bytes": "1000000"}, Level.WARN, "bytes"),
    ],
)
def test_a_topic_that_forgets_is_seen(site: Site, config: dict[str, str], level: Level, word: str) -> None:
    make_topics(site)
    configure(site, LOANS, **config)
    found = worst(site, "retention")
    assert (found.level, word in found.text) == (level, True)


def test_records_where_murmur2_puts_them_are_well(site: Site) -> None:
    make_topics(site)
    for number in range(20):
        produce(site, f"C-{number}")
    assert worst(site, "partitioner").text.startswith("the newest 20 records")


def test_a_producer_that_hashes_otherwise_is_seen(site: Site) -> None:
    make_topics(site)
    for partition in range(2):
        produce(site, "C-1", partition=partition)
    found = worst(site, "partitioner")
    assert found.level is Level.BAD
    assert "1 of its newest records" in found.text


def test_a_record_from_the_future_is_seen(site: Site) -> None:
    make_topics(site)
    produce(site, "C-1", timestamp_ms=site.now_ms + 1_000_000)
    assert "in the future" in worst(site, "clocks").text


def test_a_redis_that_evicts_is_seen(site: Site, own_redis: Callable[..., Redis]) -> None:
    server = own_redis()
    with Site(site.settings, site.kafka, server.url) as evicting:
        evicting.client.config_set("maxmemory-policy", "allkeys-lru")
        found = worst(evicting, "redis")
    assert found.level is Level.BAD
    assert "noeviction" in found.text


def test_an_installation_that_no_worker_has_seen_is_told_so(site: Site) -> None:
    make_topics(site)
    assert worst(site, "ledgers").mend == "loanpulse worker"
    assert worst(site, "lag").mend == "loanpulse worker"


def test_partitions_that_nobody_took_up_are_named(site: Site) -> None:
    make_topics(site)
    acquire(site)
    text = worst(site, "ledgers").text
    assert f"{site.settings.topic(LOANS)}/1" in text
    assert f"{site.settings.topic(LOANS)}/0" not in text


def test_a_stopped_partition_is_shown_with_its_reason(site: Site) -> None:
    make_topics(site)
    acquire(site, "live")
    processor = LedgerProcessor(site.settings, read_rulebook(None, None, "UTC"), site.kafka, site.redis)
    asyncio.run(processor.stopped(TP(site.settings.topic(LOANS), 0), "too many rejected"))
    assert any("too many rejected" in found.text for found in findings(site, "ledgers"))


def test_a_missing_board_is_seen(site: Site) -> None:
    found = worst(site, "board")
    assert found.level is Level.BAD
    assert found.mend == "loanpulse board"


def test_a_board_is_well_while_it_is_computed_and_seen_when_nobody_does(site: Site) -> None:
    make_topics(site)
    compute_board(site, stay=True)
    assert any("is 0 s old" in found.text for found in findings(site, "board"))
    compute_board(site, stay=False)
    assert any("nobody computes" in found.text for found in findings(site, "board"))


def test_a_board_that_lacks_ledgers_is_seen(site: Site) -> None:
    make_topics(site)
    acquire(site)
    compute_board(site, stay=True)
    assert any("is not whole" in found.text for found in findings(site, "board"))


def test_a_topic_made_anew_is_seen_and_its_gap_can_be_accepted(site: Site) -> None:
    make_topics(site)
    head = acquire(site)
    topic = site.settings.topic(LOANS)
    delete_topics(site.kafka, [topic])
    make_topics(site)
    produce(site, "C-1", partition=0)
    assert any("was filled from" in found.text for found in findings(site, "ledgers"))
    with Site(site.settings, site.kafka, site.redis) as fresh:
        resumption = find_resumption(fresh, topic, 0)
        assert resumption.position == 0
        asyncio.run(accept(fresh, topic, 0, resumption, "made anew"))
    with Site(site.settings, site.kafka, site.redis) as fresh:
        assert fresh.heads[topic, 0].source == fresh.source(topic) != head.source
        assert [gap.note for gap in fresh.heads[topic, 0].gaps] == ["made anew"]
        with pytest.raises(NoGapError, match="no gap"):
            find_resumption(fresh, topic, 0)


def test_the_command_fails_when_something_is_bad_and_says_how_to_mend_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ_of(site.settings).items():
        monkeypatch.setenv(name, value)
    arguments = ["doctor", "--kafka", site.kafka, "--redis", site.redis, "--only", "topics"]
    assert outcome(lambda: app(arguments, standalone_mode=False)) == 1
    assert "→ loanpulse topics create" in capsys.readouterr().out
    assert outcome(lambda: app(["topics", "create", "--kafka", site.kafka], standalone_mode=False)) == 0
    assert f"{site.settings.topic(LOANS)}: 2 partitions" in capsys.readouterr().out
    assert outcome(lambda: app(arguments, standalone_mode=False)) == 0


def test_a_gap_of_an_unknown_partition_cannot_be_accepted(site: Site) -> None:
    make_topics(site)
    with pytest.raises(NoGapError, match="no ledger"):
        find_resumption(site, "nope", 0)


def test_a_position_outside_of_the_log_cannot_be_accepted(site: Site) -> None:
    make_topics(site)
    acquire(site)
    with pytest.raises(NoGapError, match="holds 0 to 0"):
        find_resumption(site, site.settings.topic(LOANS), 0, position=7)


def test_servers_that_do_not_answer_are_findings_of_every_check(site: Site) -> None:
    with Site(site.settings, "127.0.0.1:1", "redis://127.0.0.1:1/0") as dead:
        found = list(examine(dead))
    assert [check for check, _ in found] == list(CHECKS)
    assert all(finding.level is Level.BAD and "does not answer" in finding.text for _, finding in found)
