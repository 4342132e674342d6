"""What goes wrong with the embedded servers is said in one line that names the cause."""

import errno
import functools
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from loanpulse.lab.causes import disk_full, last_words
from loanpulse.lab.kafka_jars import kafka_jars
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.ports import free_port
from loanpulse.lab.process import ServerError
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.topics import create_topics
from tests.waiting import wait_until

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("kind", [Kafka, Redis])
def test_a_taken_port_is_named(kind: type[Kafka | Redis], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ServerError, match=f"{kind.name} cannot start: port {port} is taken by another program"
        ):
            kind.start(tmp_path, port=port)
    assert not (tmp_path / "owner.json").exists()


@pytest.mark.parametrize("kind", [Kafka, Redis])
def test_a_directory_that_cannot_be_made_is_named(kind: type[Kafka | Redis], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match=rf"{kind.name} cannot start in .*/file/data: Not a directory"):
        kind.start(tmp_path / "file" / "data")


def test_a_damaged_append_only_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_bytes(b"*not redis\r\n")
    with pytest.raises(ServerError, match="its append only file is damaged"):
        Redis.start(tmp_path)


def test_a_broker_setting_that_kafka_refuses_is_quoted(own_kafka: Callable[..., Kafka]) -> None:
    with pytest.raises(ServerError, match=r"num\.network\.threads"):
        own_kafka(config={"num.network.threads": "none"})


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("redis_server.Redis", 64), ("kafka_server.Kafka", 64), ("kafka_server.Kafka", 100_000)],
)
def test_a_full_disk_is_named(kind: str, limit: int, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: at 64 bytes we cannot write, at 100,000 the server cannot."""
    module, name = kind.split(".")
    code = f"from pathlib import Path; from loanpulse.lab.{module} import {name}; {name}.start(Path({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert f"ServerError: {name} cannot start: no space left on the disk" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S607  (where it is differs between systems)


def fill(producer: KafkaProducer, topic: str) -> None:
    """Send more than the small disk holds."""
    for _ in range(100):
        producer.send(topic, bytes(200_000)).get(timeout=5)


@pytest.mark.slow
def test_a_disk_that_fills_up_while_kafka_runs_is_named(small_disk: Path) -> None:
    server = Kafka.start(small_disk / "kafka")
    try:
        create_topics(server.bootstrap, {"big": 1})
        producer = KafkaProducer(bootstrap_servers=server.bootstrap, retries=0)
        with pytest.raises(KafkaError):
            fill(producer, "big")
        producer.close(timeout=0)
        wait_until(lambda: server.failure() is not None)
        assert "Kafka ended: no space left on the disk" in str(server.failure())
    finally:
        server.stop()


@pytest.fixture
def fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """`fresh_machine(port)`: nothing fetched yet, and the Maven repository is that port of this machine."""
    for variable in ("HTTP_PROXY", "http_proxy", "JGO_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "maven"))

    def repository_at(port: int) -> Path:
        (tmp_path / ".config").mkdir(exist_ok=True)
        (tmp_path / ".config" / "jgo.conf").write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")
        return tmp_path

    return repository_at


@pytest.fixture
def mirror() -> Iterator[int]:
    """The port of a Maven repository that serves the real jars, whatever folder they are asked for in."""

    class Flat(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(Path(self.directory) / Path(path).name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name of the overridden one)
            pass

    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Flat, directory=str(kafka_jars()))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_no_network_on_the_first_run_is_named(fresh_machine: Callable[[int], Path]) -> None:
    home = fresh_machine(free_port())
    with pytest.raises(
        ServerError, match="its Maven repository cannot be reached, and the first start needs it once"
    ):
        kafka_jars()
    assert list((home / ".cache" / "loanpulse").glob("*/*")) == []


def test_the_jars_come_from_the_mirror_that_jgo_is_set_to(
    mirror: int, fresh_machine: Callable[[int], Path]
) -> None:
    fresh_machine(mirror)
    fetched = kafka_jars()
    assert fetched.is_relative_to(Path.home())
    assert (fetched / "kafka_2.13-4.3.1.jar").stat().st_size > 1_000_000


def test_a_jar_that_an_interrupted_download_cut_off_is_fetched_anew(
    mirror: int, fresh_machine: Callable[[int], Path]
) -> None:
    home = fresh_machine(mirror)
    cut = home / "maven" / "org" / "slf4j" / "slf4j-api" / "1.7.36" / "slf4j-api-1.7.36.jar"
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"PK")
    assert (kafka_jars() / cut.name).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (
            "java.net.BindException: Address already in use\n\tat sun.nio",
            "its port is taken by another program",
        ),
        ("java.io.IOException: No space left on device", "no space left on the disk"),
        ("WARNING: deprecated\nWARN slow\nERROR bad zone\n\tat x\nINFO shut down", "ERROR bad zone"),
        ("one\ntwo\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_the_last_words_of_a_log_are_its_cause(log: str, cause: str) -> None:
    assert last_words(log) == cause


def test_a_full_disk_is_found_behind_another_error() -> None:
    error = ValueError("could not write")
    assert not disk_full(error)
    error.__context__ = OSError(errno.ENOSPC, "No space left on device")
    assert disk_full(error)
