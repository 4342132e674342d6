"""CPU time, which a busy machine changes little, where wall time would measure our neighbours."""

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import redis

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid: int) -> float:
    """CPU seconds of all threads of a process so far; 10 ms fine."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def waited_of(pid: int) -> float:
    """Seconds that the threads of a process wanted a core and had none, because others had them all."""
    waited = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            waited += int((thread / "schedstat").read_text().split()[1])
    return waited / 1e9


def memory_of(pid: int) -> int:
    """Bytes of a process that are in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_of_redis(client: redis.Redis) -> float:
    """CPU seconds of the server so far."""
    info = client.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def seconds_of_commands(client: redis.Redis) -> dict[str, float]:
    """Seconds that Redis has spent in each command since its start, without reading requests and sending replies."""
    stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): of["usec"] / 1e6 for name, of in stats.items()}


class Laps:
    """Adds up the CPU time of this process by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - begun

    def undo(self, earlier: Mapping[str, float], stages: Iterable[str], under: str) -> None:
        """Go back to an earlier state of `seconds`, and book what these stages took since as another one's."""
        took = sum(self.seconds[stage] - earlier.get(stage, 0.0) for stage in stages)
        self.seconds = defaultdict(float, earlier)
        self.seconds[under] += took


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each figure's median over the runs; a figure that a run lacks is 0 there."""
    return {name: median(run.get(name, 0.0) for run in runs) for name in runs[0]}
