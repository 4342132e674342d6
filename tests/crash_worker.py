"""A worker as a process that can be killed: all that `python -m loanpulse worker` does once its imports are done.

A server process imports once and forks each worker, since the crash tests start a hundred of them.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Self

from loanpulse.cli.main import main
from loanpulse.lab.leash import PR_SET_PDEATHSIG
from streams.runtime.settings import PREFIX, Settings, environ_of

END_SECONDS = 20.0
_PRELOADED = ["__main__", "tests.crash_worker", "streams.runtime.worker", "streams.runtime.rulebook"]


class CrashWorker:
    """One worker process; its log is a file of its own. As a context manager it is killed at the end."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.log = log
        self._process: ForkServerProcess = _context().Process(
            target=_work, args=(environ_of(settings), str(log)), daemon=True
        )
        self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    def says(self, text: str) -> bool:
        return text in self.text

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """As a crash would, also one that stands still."""
        self._process.kill()
        self._process.join()

    def stand_still(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    @property
    def _pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _work(environ: Mapping[str, str], log: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    os.environ.clear()
    os.environ.update({**others, **environ})
    sys.argv = ["loanpulse", "worker"]
    main()
