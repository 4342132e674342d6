"""A `loanpulse` process of our own that runs beside us: its log in a file, and its end before ours."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loanpulse.lab.causes import last_words
from loanpulse.lab.process import ServerError, leashed


class Child:
    """One command of ours as a process; start it in the main thread, whose end would end it.

    Invariants:
        it dies with us: the kernel kills it when this process ends, in whatever way
        a terminal's Ctrl-C is ours: it sits in a session of its own, so that we end it in order
    """

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                leashed([sys.executable, "-m", "loanpulse", *arguments]),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def failure(self) -> ServerError | None:
        """Why it no longer runs, None while it does; none of ours ends by itself."""
        code = self._process.poll()
        if code is None:
            return None
        if code < 0:
            return ServerError(f"{self.name} was ended by {signal.Signals(-code).name} (log: {self.log})")
        words = last_words(self.log.read_text(errors="replace")) if code else "somebody has stopped it"
        return ServerError(f"{self.name} ended: {words} (log: {self.log})")

    def stop(self, grace_seconds: float = 10.0) -> None:
        """Ask it to end (SIGTERM), insist after the grace (SIGKILL); a Ctrl-C meanwhile insists at once."""
        try:
            self._process.terminate()
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
