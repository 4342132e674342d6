"""`loanpulse demo`, whole: KPIs go live, other commands find it, and nothing is left however it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from kafka.admin import KafkaAdminClient

from loanpulse.lab.child import Child
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.ports import free_port
from streams.runtime.rulebook import read_rulebook
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

START_SECONDS = 120.0
END_SECONDS = 60.0


def processes_in(home: Path) -> list[str]:
    """Command lines of all processes that have to do with a directory, by their arguments or their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(home).encode() in text and state != "Z":
            found.append(text.split(b"\0\0")[0].replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


class Run:
    """`loanpulse demo` without a terminal, its output in a file."""

    def __init__(self, directory: Path, **environ: str) -> None:
        self.home = directory / "home"
        self.output = directory / "output"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
        self.environ = clean | {"LOANPULSE_HOME": str(self.home)} | environ
        self.port = free_port()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "loanpulse", "demo", "--serve-port", str(self.port)],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def says(self, text: str) -> bool:
        said = self.output.read_text()
        assert self.process.poll() is None, said
        return text in said

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command, in another terminal."""
        return subprocess.run(
            [sys.executable, "-m", "loanpulse", *arguments],
            env=self.environ,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(END_SECONDS)


@contextmanager
def running(directory: Path, **environ: str) -> Iterator[Run]:
    """A demo that is gone after the `with` block, with all its processes."""
    started = Run(directory, **environ)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
        wait_until(lambda: not processes_in(started.home), 20)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with running(tmp_path) as started:
        yield started


def applied(run: Run) -> int:
    """Events that are in the board, over all partitions."""
    counts = re.findall(
        r'^loanpulse_events_total\{.*outcome="applied".*\} (\S+)', run.get("metrics"), re.MULTILINE
    )
    return sum(int(float(count)) for count in counts)


def test_kpis_go_live_and_move_and_ctrl_c_leaves_nothing(run: Run) -> None:
    wait_until(lambda: run.says("started worker"), START_SECONDS)
    second = run.command("demo", "--serve-port", "0")
    assert second.returncode == 1
    assert "already running" in second.stderr

    wait_until(lambda: run.says("KPIs are live"), START_SECONDS)
    wait_until(lambda: run.says("Ctrl-C stops"), 30)
    areas = [area for area in read_rulebook(None, None, "UTC").areas if not run.says(f"\n{area.title} ")]
    assert areas == []
    wait_until(lambda: re.search(r"^loanpulse_kpi_ratio\{", run.get("metrics"), re.MULTILINE) is not None, 30)
    assert run.get("healthz")
    before = applied(run)
    assert before > 60_000
    wait_until(lambda: applied(run) > before, 30)
    shown = run.command("show", "--window", "90d")
    assert shown.returncode == 0, shown.stderr
    assert "Loan approval rate" in shown.stdout
    assert run.command("doctor", "--only", "redis", "--only", "topics", "--only", "clocks").returncode == 0
    listed = run.command("dlq", "list")
    assert listed.returncode == 0
    assert "invalid" in listed.stdout

    assert run.end(signal.SIGINT) == 130
    assert not processes_in(run.home)


def test_sigterm_while_starting_leaves_nothing(run: Run) -> None:
    wait_until(lambda: run.says("started worker"), START_SECONDS)
    assert run.end(signal.SIGTERM) == 143
    assert not processes_in(run.home)


def test_a_crash_leaves_nothing(run: Run) -> None:
    wait_until(lambda: run.says("started worker"), START_SECONDS)
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not processes_in(run.home), 20)


def test_a_closed_terminal_leaves_nothing(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
    command = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", command, sys.executable, "-m", "loanpulse", "demo", "--serve-port", "0"],
        env=clean | {"LOANPULSE_HOME": str(tmp_path), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        said = b""
        while b"events are taken in" not in said:
            said += os.read(ours, 65_536)
        os.close(ours)
        assert process.wait(END_SECONDS) == 129
        assert not processes_in(tmp_path)
    finally:
        process.kill()
        process.wait()


def test_given_servers_are_used_and_left_as_they_were(kafka: Kafka, redis_url: str, tmp_path: Path) -> None:
    with (
        running(tmp_path, LOANPULSE_KAFKA=kafka.bootstrap, LOANPULSE_REDIS=redis_url) as run,
        redis.Redis.from_url(redis_url) as client,
    ):
        wait_until(lambda: run.says("started worker"), START_SECONDS)
        assert run.says(f"Kafka is at {kafka.bootstrap}, Redis at {redis_url}")
        found = re.search(r"LOANPULSE_NAMESPACE=(\S+)", run.output.read_text())
        assert found is not None
        name = found[1]
        wait_until(lambda: any(name.encode() in key for key in client.scan_iter()), 60)
        assert run.end(signal.SIGTERM) == 143
        assert list(client.scan_iter()) == []
        assert not processes_in(run.home)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    assert [topic for topic in admin.list_topics() if topic.startswith(name)] == []
    admin.close()


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "loanpulse", "demo", "--serve-port", str(port), "--home", str(tmp_path)],
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"port {port} is taken by another program: set LOANPULSE_SERVE_PORT" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_child_that_ends_says_why(tmp_path: Path) -> None:
    child = Child("rules", ["rules", "show", "nope"], os.environ, tmp_path / "log" / "rules.log")
    wait_until(lambda: child.failure() is not None, 30)
    assert "there is no rule 'nope'" in str(child.failure())
    child.stop()
