"""Who uses a server's data directory: a record of the owner and of the server, which outlives a crash of both."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from loanpulse.lab.exclusive import one_at_a_time

_POLL_SECONDS = 0.02
_STAT_STATE, _STAT_START = 0, 19  # fields of /proc/PID/stat after the command's name


class Claim:
    """The use of one data directory by one process.

    Invariants:
        one owner: a second process (or a second server of this process) is refused while the first one lives
        no orphan: a server whose owner is gone is killed before the directory is used again
        no stranger: a process that merely has a recorded id, but started at another time, is left alone
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._record = directory / "owner.json"

    def take(self) -> int | None:
        """Make the directory ours; the id of the process that uses it if one does, and it stays theirs.

        Raises OSError if the directory cannot be made or written.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        with one_at_a_time(self._directory / "owner.lock"):
            owner, server = self._read()
            if _is_alive(owner):
                return cast("int", owner["pid"])
            _end(server)
            self._write({})
        return None

    def note(self, server_pid: int, port: int | None = None) -> None:
        """Record the server that runs for us, and its port as soon as it is ready."""
        self._write({**_identity(server_pid), "port": port})

    def running_port(self) -> int | None:
        """The port of a server that runs here and is ready, whoever owns it."""
        _, server = self._read()
        return cast("int | None", server["port"]) if _is_alive(server) else None

    def give_up(self) -> None:
        """Leave the directory to whoever comes next."""
        self._record.unlink(missing_ok=True)

    def _read(self) -> tuple[Mapping[str, object], Mapping[str, object]]:
        try:
            record = json.loads(self._record.read_text())
            return record["owner"], record["server"]
        except (FileNotFoundError, NotADirectoryError, ValueError, LookupError, TypeError):
            return {}, {}

    def _write(self, server: Mapping[str, object]) -> None:
        draft = self._record.with_suffix(".draft")
        draft.write_text(json.dumps({"owner": _identity(os.getpid()), "server": server}))
        draft.replace(self._record)


def _identity(pid: int) -> dict[str, object]:
    """What tells a process from a later one with the same id: the boot, and its start in ticks since then."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        return {"pid": pid, "started": f"{boot.read_text().strip()}/{_stat(pid)[_STAT_START]}"}
    except OSError:
        return {"pid": pid, "started": None}


def _is_alive(identity: Mapping[str, object]) -> bool:
    """Whether that very process runs; where there is no /proc nobody can tell, and the answer is no."""
    pid, started = identity.get("pid"), identity.get("started")
    if not isinstance(pid, int) or started is None or _identity(pid)["started"] != started:
        return False
    return not is_dead(pid)


def is_dead(pid: int) -> bool:
    """Whether no thread of the process is left, even if its parent has not taken note.

    A first thread that has ended says nothing: the others may still hold ports and files for a moment.
    """
    try:
        return _stat(pid)[_STAT_STATE] in ("Z", "X") and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return True


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _end(server: Mapping[str, object]) -> None:
    pid = server.get("pid")
    while _is_alive(server) and isinstance(pid, int):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # it leads a session of its own
        time.sleep(_POLL_SECONDS)
