"""One server process of ours: started in its own session, watched until it is ready, stopped by its own process id."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import IO

from loanpulse.lab import leash
from loanpulse.lab.causes import disk_full, last_words
from loanpulse.lab.claim import Claim

_POLL_SECONDS = 0.02


class ServerError(RuntimeError):
    """A server cannot be had; the message is one line that names the cause and, where there is one, the way out."""


class Process:
    """A child process with its data directory, which holds its log too (`server.log`; the run before: `server.log.1`).

    Invariants:
        it dies with us: the kernel kills it when this process ends, in whatever way
        a terminal's Ctrl-C is ours: the child sits in a session of its own, so that we end it in order
    """

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.log = directory / "server.log"
        self._claim = Claim(directory)
        self._claimed = False
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def claim(self) -> None:
        """Make the directory ours (if it is not yet), and end what a crashed run left alive in it."""
        if self._claimed:
            return
        try:
            other = self._claim.take()
        except OSError as error:
            raise cannot_start(self.name, self.directory, error) from error
        if other is not None:
            running = f"{self.name} is already running in {self.directory}, for process {other}"
            raise ServerError(f"{running}: stop that, or choose another LOANPULSE_HOME")
        self._claimed = True

    def release(self) -> None:
        """Give the directory up."""
        if self._claimed:
            self._claim.give_up()
            self._claimed = False

    def run(
        self, command: Sequence[str | Path], port: int, ready: Callable[[], bool], *, timeout_seconds: float
    ) -> None:
        """Start the command and wait until `ready`; raises ServerError (and leaves no process) if it ends or is late."""
        try:
            if self.log.exists():
                self.log.replace(self.log.with_name("server.log.1"))
            with self.log.open("wb") as output:
                self._child = _spawn(leashed(command), self.directory, output)
            self._claim.note(self._child.pid)
            self._await(ready, timeout_seconds)
            self._claim.note(self._child.pid, port)
        except OSError as error:
            self.kill()
            raise cannot_start(self.name, self.directory, error) from error
        except BaseException:
            self.kill()
            raise

    def stop(self, *, grace_seconds: float) -> None:
        """Ask it to end (SIGTERM), insist after the grace (SIGKILL); a Ctrl-C meanwhile insists at once."""
        if self._child is None:
            return
        try:
            self._child.terminate()
            self._child.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """End it now, as a crash would (SIGKILL), with any child of its own; nothing if it has ended."""
        if self._child is not None and self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def failure(self) -> ServerError | None:
        """Why it no longer runs, None while it does."""
        if self.pid is not None:
            return None
        return ServerError(f"{self.name} ended: {self._last_words()}")

    def _await(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if self.pid is None:
                raise ServerError(f"{self.name} cannot start: {self._last_words()}")
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.name} is not ready after {timeout_seconds:.0f} s: {self._last_words()}"
                )
            time.sleep(_POLL_SECONDS)

    def _last_words(self) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"{last_words(text)} (log: {self.log})"


def cannot_start(name: str, directory: Path, error: OSError) -> ServerError:
    """The operating system's error about a server's directory."""
    if disk_full(error):
        return ServerError(f"{name} cannot start: no space left on the disk of {directory}")
    return ServerError(f"{name} cannot start in {directory}: {error.strerror or error}")


def leashed(command: Sequence[str | Path]) -> list[str]:
    """The command, so that the kernel kills it when the thread that starts it ends, at the latest with this process."""
    return [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *map(str, command)]


def _spawn(command: list[str], directory: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    done: Future[subprocess.Popen[bytes]] = Future()
    _parent_thread(os.getpid()).put((start, done))
    return done.result()


_Job = tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]


@cache
def _parent_thread(_pid: int) -> "queue.SimpleQueue[_Job]":
    """The queue of a thread that starts children and lives as long as this process (after a fork: a new one).

    Death of the parent means to the kernel that the *thread* that started the child ended: a child started in some
    worker thread would be killed with that.
    """
    jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()

    def work() -> None:
        while True:
            start, done = jobs.get()
            try:
                done.set_result(start())
            except BaseException as error:  # handed to the thread that waits
                done.set_exception(error)

    threading.Thread(target=work, name="parent-of-servers", daemon=True).start()
    return jobs
