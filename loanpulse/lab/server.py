"""What every embedded server can: start on its data, stop, crash, and come back on the same port and data."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from loanpulse.lab.claim import Claim
from loanpulse.lab.ports import free_port
from loanpulse.lab.process import Process, ServerError


class Server(ABC):
    """A real server on a loopback port, with its data and its log in one directory; starting it is up to the subclass.

    Invariants:
        same place: `restart` keeps port and data, after `stop` and after `kill`
        all or nothing: a start that fails leaves neither a process nor a claim on the directory
    """

    name: ClassVar[str]
    stop_seconds: ClassVar[float]

    def __init__(self, data_dir: Path, port: int | None) -> None:
        self.port = port or free_port()
        self._process = Process(self.name, data_dir.absolute())

    @abstractmethod
    def _run(self) -> None:
        """Start the process on the claimed directory and wait until it is ready; raises ServerError."""

    @staticmethod
    @abstractmethod
    def address(port: int) -> str:
        """Where clients connect to a server of this kind on that loopback port."""

    @classmethod
    def running_in(cls, data_dir: Path) -> str | None:
        """The address of a server that any process runs on this data, None if none does."""
        port = Claim(data_dir.absolute()).running_port()
        return None if port is None else cls.address(port)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid

    @property
    def data_dir(self) -> Path:
        """Where its data and `server.log` are."""
        return self._process.directory

    def restart(self) -> Self:
        """End it if it runs, and start it on the same port and data; raises ServerError."""
        self._process.stop(grace_seconds=self.stop_seconds)
        self._process.claim()
        try:
            self._run()
        except BaseException:
            self._process.release()
            raise
        return self

    def stop(self) -> None:
        """End it in order; its data stays. Nothing if it has ended."""
        self._process.stop(grace_seconds=self.stop_seconds)
        self._process.release()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); `restart` brings it back."""
        self._process.kill()

    def failure(self) -> ServerError | None:
        """Why it no longer runs, None while it does."""
        return self._process.failure()
