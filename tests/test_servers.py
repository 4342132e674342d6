"""The embedded servers' life: they keep their data and address over crashes, and end with whoever started them."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from loanpulse.lab.claim import Claim, is_dead
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.ports import is_free
from loanpulse.lab.process import ServerError
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.servers import find_running, running
from loanpulse.lab.topics import create_topics, delete_topics
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

OWNER = """
import json, signal, sys
from pathlib import Path
from loanpulse.lab.servers import running
from tests.test_servers import Places
with running(Places(Path(sys.argv[1]))) as servers:
    pids = [server.pid for server in servers.servers]
    print(json.dumps({"kafka": servers.kafka, "redis": servers.redis, "pids": pids}), flush=True)
    signal.pause()
"""


@dataclass(frozen=True)
class Places:
    """The settings that `running` needs."""

    home: Path
    kafka: str | None = None
    redis: str | None = None


@dataclass(frozen=True)
class Owner:
    """A process that runs embedded servers, and what it said about them."""

    process: subprocess.Popen[str]
    kafka: str
    redis: str
    pids: list[int]


@contextmanager
def owner_of(home: Path) -> Iterator[Owner]:
    """Runs the servers of `home` in a process (and process group) of its own."""
    command = [sys.executable, "-c", OWNER, str(home)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Owner(process, **json.loads(process.stdout.readline()))
        finally:
            process.kill()


def send(bootstrap: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send(topic, value).get(timeout=20)
    producer.close()


def values(bootstrap: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    end, found = consumer.end_offsets([place])[place], list[bytes]()
    while consumer.position(place) < end:
        found += [record.value for records in consumer.poll(1000).values() for record in records]
    consumer.close()
    return found


def test_kafka_comes_back_after_a_crash_with_its_address_and_its_records(tmp_path: Path) -> None:
    (tmp_path / "log.draft" / "of-a-crashed-format").mkdir(parents=True)
    server = Kafka.start(tmp_path)
    try:
        address = server.bootstrap
        create_topics(address, {"kept": 1})
        send(address, "kept", b"before")
        server.kill()
        assert "Kafka ended" in str(server.failure())
        assert server.restart().failure() is None
        assert server.bootstrap == address
        send(address, "kept", b"after")
        assert values(address, "kept") == [b"before", b"after"]
    finally:
        server.stop()


def test_redis_comes_back_after_a_crash_with_its_address_and_every_write(
    own_redis: Callable[..., Redis],
) -> None:
    server = own_redis()
    address = server.url
    with redis.Redis.from_url(address) as client:
        client.mset({f"key{n}": n for n in range(1000)})
        server.kill()
        server.restart()
        assert server.url == address
        assert client.dbsize() == 1000


def test_redis_without_append_only_file_forgets(own_redis: Callable[..., Redis]) -> None:
    server = own_redis(appendonly=False)
    with redis.Redis.from_url(server.url) as client:
        client.set("key", 1)
        server.restart()
        assert client.dbsize() == 0


def test_redis_never_evicts_and_logs_each_write(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        config = client.config_get("*")
    assert (config["maxmemory-policy"], config["appendonly"], config["bind"]) == (
        "noeviction",
        "yes",
        "127.0.0.1",
    )


def test_the_redis_of_the_path_goes_before_the_one_of_the_wheel(
    own_redis: Callable[..., Redis], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_server: Redis
) -> None:
    assert redis_server.pid is not None
    ours = tmp_path / "bin" / "redis-server"
    ours.parent.mkdir()
    ours.symlink_to(Path(f"/proc/{redis_server.pid}/exe").resolve())
    monkeypatch.setenv("PATH", str(ours.parent), prepend=os.pathsep)
    pid = own_redis().pid
    assert str(ours) in Path(f"/proc/{pid}/cmdline").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "exit_code"),
    [
        (signal.SIGINT, -signal.SIGINT),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_nothing_is_left_when_the_owner_is_ended(
    number: signal.Signals, exit_code: int, tmp_path: Path
) -> None:
    with owner_of(tmp_path) as owner:
        assert not any(map(is_dead, owner.pids))
        create_topics(owner.kafka, {"kept": 1})
        os.killpg(owner.process.pid, number)  # as a terminal does
        assert owner.process.wait(30) == exit_code
        wait_until(lambda: all(map(is_dead, owner.pids)))
    assert is_free(int(owner.kafka.rpartition(":")[2]))
    assert (number == signal.SIGKILL) == (tmp_path / "kafka" / "owner.json").exists()
    with pytest.raises(ServerError, match="no Kafka runs in"):
        find_running(Places(tmp_path))


@pytest.mark.slow
def test_servers_start_on_the_data_of_a_crashed_owner(tmp_path: Path) -> None:
    with owner_of(tmp_path) as owner:
        create_topics(owner.kafka, {"kept": 1})
        send(owner.kafka, "kept", b"before")
        owner.process.kill()
        owner.process.wait(30)
    with running(Places(tmp_path)) as servers:
        assert values(servers.kafka, "kept") == [b"before"]
        servers.check()


@pytest.mark.slow
def test_servers_are_found_from_other_processes_and_belong_to_one(tmp_path: Path) -> None:
    with owner_of(tmp_path) as owner:
        found = find_running(Places(tmp_path))
        assert (found.kafka, found.redis) == (owner.kafka, owner.redis)
        named = find_running(Places(tmp_path, kafka="broker:9092"))
        assert (named.kafka, named.redis) == ("broker:9092", owner.redis)
        with pytest.raises(ServerError, match=f"already running in .* for process {owner.process.pid}"):
            Kafka.start(tmp_path / "kafka")
        assert not any(map(is_dead, owner.pids))


def test_servers_that_the_settings_name_are_used_and_none_is_started(tmp_path: Path) -> None:
    with running(Places(tmp_path, "broker:9092", "redis://store:6379/0")) as servers:
        assert (servers.kafka, servers.redis, servers.servers) == ("broker:9092", "redis://store:6379/0", ())
        assert list(tmp_path.iterdir()) == []


def test_an_embedded_server_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    with running(Places(tmp_path, kafka="broker:9092")) as servers:
        servers.check()
        servers.servers[0].kill()
        with pytest.raises(ServerError, match="Redis ended"):
            servers.check()


def test_the_signal_handlers_are_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with running(Places(tmp_path, "broker:9092", "redis://store:6379/0")):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_it_dies_with_the_process_and_not_with_the_thread_that_started_it(
    own_redis: Callable[..., Redis],
) -> None:
    started: list[Redis] = []
    thread = threading.Thread(target=lambda: started.append(own_redis()))
    thread.start()
    thread.join()
    with redis.Redis.from_url(started[0].url) as client:
        assert client.ping()


def claimed_by_a_dead_owner(directory: Path, pid: int) -> None:
    code = "import sys; from pathlib import Path; from loanpulse.lab.claim import Claim\n"
    code += "claim = Claim(Path(sys.argv[1])); claim.take(); claim.note(int(sys.argv[2]), 1)"
    subprocess.run([sys.executable, "-c", code, str(directory), str(pid)], check=True)


def test_no_orphan_a_server_whose_owner_is_dead_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as orphan:
        claimed_by_a_dead_owner(tmp_path, orphan.pid)
        assert Claim(tmp_path).take() is None
        assert orphan.wait(10) == -signal.SIGKILL


def test_no_stranger_a_process_that_only_has_the_recorded_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as stranger:
        claimed_by_a_dead_owner(tmp_path, stranger.pid)
        record = json.loads((tmp_path / "owner.json").read_text())
        record["server"]["started"] += "0"  # ten times as late
        (tmp_path / "owner.json").write_text(json.dumps(record))
        assert Claim(tmp_path).take() is None
        assert stranger.poll() is None
        stranger.kill()


def test_one_owner_a_second_server_on_the_same_data_is_refused(redis_server: Redis) -> None:
    with pytest.raises(ServerError, match=f"already running in .* for process {os.getpid()}"):
        Redis.start(redis_server.data_dir)
    assert redis_server.failure() is None


def test_stopping_twice_or_after_a_crash_is_nothing(own_redis: Callable[..., Redis]) -> None:
    server = own_redis()
    server.kill()
    server.stop()
    server.stop()
    assert server.pid is None


def test_topics_are_made_once_and_deleted_once(kafka: Kafka, namespace: str) -> None:
    create_topics(kafka.bootstrap, {f"{namespace}-a": 3, f"{namespace}-b": 1})
    create_topics(kafka.bootstrap, {f"{namespace}-a": 3, f"{namespace}-b": 1})
    with pytest.raises(ServerError, match=f"topic {namespace}-a has 3 partitions, not 4"):
        create_topics(kafka.bootstrap, {f"{namespace}-a": 4})
    delete_topics(kafka.bootstrap, [f"{namespace}-a", f"{namespace}-b"])
    delete_topics(kafka.bootstrap, [f"{namespace}-a", f"{namespace}-b"])
