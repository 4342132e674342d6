"""A real Prometheus and a real Alertmanager on generated configuration, a page that they scrape, and a sink for what is told."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self
from urllib.request import urlopen

from kpi_rules.rulebook import Rulebook
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.made import made
from loanpulse.lab.ports import free_port, require_free
from loanpulse.lab.server import Server
from loanpulse.pages.write import write
from tests.programs import TEMPLATES, Program, templates_of

PACE = 1 / 60
"""A minute of the generated configuration is a second here."""
_READY_SECONDS = 60.0
Find = Callable[[Program], Path]


class _Watching(Server):
    """A program of Prometheus': it says under a path of its own that it is ready."""

    stop_seconds: ClassVar[float] = 10.0

    def __init__(self, program: Path, data_dir: Path, *words: str) -> None:
        super().__init__(data_dir, None)
        self._command: list[str | Path] = [
            program,
            *words,
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    @classmethod
    def start(cls, program: Path, data_dir: Path, *words: str) -> Self:
        """On a free port, with its data in `data_dir`."""
        data_dir.mkdir(parents=True)
        if (templates := templates_of(program)) is not None:
            (data_dir / TEMPLATES).symlink_to(templates)
        return cls(program, data_dir, *words).restart()

    @staticmethod
    def address(port: int) -> str:
        return f"127.0.0.1:{port}"

    @property
    def place(self) -> str:
        return self.address(self.port)

    def text(self, path: str) -> str:
        """What it answers."""
        with urlopen(f"http://{self.place}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def ask(self, path: str) -> Any:
        """The JSON that it answers."""
        return json.loads(self.text(path))

    def _run(self) -> None:
        require_free(self.name, self.port)
        self._process.run(self._command, self.port, self._is_ready, timeout_seconds=_READY_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return bool(self.text("/-/ready"))
        except OSError:  # refused, or 503 while it is not
            return False


class Prometheus(_Watching):
    name: ClassVar[str] = "Prometheus"


class Alertmanager(_Watching):
    name: ClassVar[str] = "Alertmanager"


class Told(NamedTuple):
    """One notification: of a group of alerts, whether any fires, and the alerts."""

    group: dict[str, str]
    receiver: str
    status: str
    alerts: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.group.get("alertname", "")


@dataclass
class Web:
    """What the test serves: `page` at /metrics, and what is sent to /alerts, in order."""

    page: str = ""
    told: list[Told] = field(default_factory=list)

    def of(self, name: str) -> list[Told]:
        """The notifications about an alert, by its name."""
        return [told for told in self.told if told.name == name]


@contextlib.contextmanager
def serving() -> Iterator[tuple[Web, str]]:
    """A page to scrape and a sink for notifications, with its host:port."""
    web = Web()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = web.page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            web.told.append(Told(said["groupLabels"], said["receiver"], said["status"], said["alerts"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Answers)
    thread = threading.Thread(target=server.serve_forever, name="web", daemon=True)
    thread.start()
    try:
        yield web, f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Alerting:
    """A running pair."""

    prometheus: Prometheus
    alertmanager: Alertmanager

    def firing(self) -> set[str]:
        """The names of the alerts that fire in Prometheus."""
        found = self.prometheus.ask("/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}

    def silenced(self, **labels: str) -> set[str]:
        """The names of the alerts, with these labels if some are given, that Alertmanager keeps back because of others."""
        found = self.alertmanager.ask("/api/v2/alerts?inhibited=true&active=false")
        return {
            alert["labels"]["alertname"]
            for alert in found
            if alert["status"]["inhibitedBy"] and labels.items() <= alert["labels"].items()
        }


@contextlib.contextmanager
def alerting(find: Find, home: Path, book: Rulebook, target: str, webhook: str) -> Iterator[Alerting]:
    """Prometheus and Alertmanager that watch a scrape target by a rulebook's alerts, and tell a webhook; sixty times as fast."""
    with contextlib.ExitStack() as running:
        at = Installation(targets=(target,), webhook=webhook, pace=PACE)
        write(made(book, at), home / "made")
        alertmanager = Alertmanager.start(
            find("alertmanager"),
            home / "alertmanager",
            f"--config.file={home}/made/alertmanager.yml",
            f"--storage.path={home}/alertmanager/data",
            "--cluster.listen-address=",
        )
        running.callback(alertmanager.stop)
        at = Installation(targets=(target,), webhook=webhook, pace=PACE, alertmanagers=(alertmanager.place,))
        write(made(book, at), home / "made")
        prometheus = Prometheus.start(
            find("prometheus"),
            home / "prometheus",
            f"--config.file={home}/made/prometheus.yml",
            f"--storage.tsdb.path={home}/prometheus/data",
            "--rules.alert.resend-delay=1s",
        )
        running.callback(prometheus.stop)
        yield Alerting(prometheus, alertmanager)
