"""A file of events through real Kafka and Redis, and the board at its end: the replay contract."""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from loanpulse.board.snapshot import Snapshot, iso
from loanpulse.board.ticks import batch_board
from loanpulse.intake import mapping as csv
from loanpulse.intake.mapping_file import load_mapping
from loanpulse.intake.organised import organisation_for
from loanpulse.intake.producing import Producer
from loanpulse.intake.sources import EventFile, Raw, read_events
from loanpulse.lab.apart import apart, run_cancellable
from loanpulse.lab.catching_up import caught_up
from loanpulse.lab.child import Child
from loanpulse.lab.failures import InputError, ReplayError
from loanpulse.lab.servers import Endpoints, running
from loanpulse.lab.space import end_offsets, own_space
from schemas.decode import Rejected, decode
from streams.calculus.program import Program
from streams.runtime.clock import clock_of
from streams.runtime.rulebook import compile_program
from streams.runtime.settings import PREFIX, Settings, environ_of

Tell = Callable[[str, float, int], None]
"""Hears a stage (`reading`, `loading`, `computing`), how much of it is done, 0 to 1, and how many events that is."""

OUTCOMES = ("applied", "duplicate", "dead_letter", "expired")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRIDE = 2_000
_LEAVE_SECONDS = 10.0


@dataclass(frozen=True)
class Options:
    """What a replay is asked for beside the settings, of which `as_of`, `tz`, `config` and `rules` count."""

    file: Path
    mapping: str | None = None
    """A built-in mapping's name or a YAML file; None: JSON lines."""
    workers: int = 1
    board: Path | None = None
    """Where the result is written as JSON."""


@dataclass(frozen=True)
class _Job:
    settings: Settings
    program: Program
    events: EventFile
    as_of_ms: int
    workers: int
    tell: Tell


def replay(
    options: Options, settings: Settings, tell: Tell = lambda _stage, _done, _events: None
) -> dict[str, Any]:
    """The result of the replay contract.

    Raises InputError, ConfigError or RuleError before anything is started; ServerError, ProduceError or ReplayError
    later. Whatever happens, its topics, keys and processes are gone afterwards.
    """
    _demand_place(options.board)
    mapping = None if options.mapping is None else load_mapping(options.mapping)
    with _own_directory(settings.home) as home:
        settings = _organised(settings, mapping, home)
        program = compile_program(settings.rules, settings.config, settings.tz)
        events = read_events(options.file, mapping, program.zone)
        if settings.as_of is None:
            settings = settings.model_copy(update={"as_of": _last_time(events, tell)})
        as_of_ms = clock_of(settings).now_ms()
        if as_of_ms < 0:
            raise InputError("before 1970, where the times of Kafka begin", field="--as-of")
        with running(settings) as endpoints:
            result = _run(_Job(settings, program, events, as_of_ms, options.workers, tell), endpoints)
    if options.board is not None:
        options.board.write_bytes(msgspec.json.encode(result))
    return result


def _demand_place(board: Path | None) -> None:
    """Refuse at once what would fail at the end."""
    if board is not None and not board.absolute().parent.is_dir():
        raise InputError("no such directory", file=str(board.absolute().parent), field="--board")


@contextmanager
def _own_directory(home: Path) -> Iterator[Path]:
    """For the embedded servers' data and the workers' logs, so that replays and a demo never meet."""
    directory = home.absolute() / "replay" / uuid.uuid4().hex[:12]
    try:
        directory.mkdir(parents=True)
        yield directory
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(directory):
            raise
        raise InputError(
            error.strerror or str(error), file=str(error.filename), field="LOANPULSE_HOME"
        ) from None
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _organised(settings: Settings, mapping: csv.Mapping | None, directory: Path) -> Settings:
    """The workers' settings."""
    document = organisation_for(settings, mapping)
    config = directory / "organisation.json"
    config.write_text(json.dumps(document), "utf-8")
    own = {"config": config, "home": directory, "worker_id": None, "reject_limit": 1.0}
    return settings.model_copy(update={**own, "tz": document.get("tz", settings.tz)})


def _last_time(events: EventFile, tell: Tell) -> datetime:
    """The time of the last event that is one; InputError if there is none."""
    last: int | None = None
    for number, raw in enumerate(events, 1):
        at = _time_of(raw)
        if at is not None and (last is None or at > last):
            last = at
        if number % _STRIDE == 0:
            tell("reading", events.fraction_read(), number)
    if last is None:
        raise InputError("has no valid event: --as-of is needed", file=str(events.path))
    return _EPOCH + timedelta(milliseconds=last)


def _time_of(raw: Raw) -> int | None:
    try:
        return decode(raw.value).statement.at
    except Rejected:
        return None


def _run(job: _Job, endpoints: Endpoints) -> dict[str, Any]:
    with ExitStack() as stack:
        own = stack.enter_context(own_space(job.settings, endpoints, "replay"))
        grace = 0.0 if job.settings.kafka is None else _LEAVE_SECONDS
        workers = [_start_worker(own, number, grace, stack) for number in range(1, job.workers + 1)]
        loaded, not_yet = _load(job, own)
        waiting = caught_up(
            own, apart(end_offsets, own), job.as_of_ms, (endpoints, workers), partial(job.tell, "computing")
        )
        run_cancellable(waiting)
        snapshot = run_cancellable(batch_board(str(own.redis), own, job.program, job.as_of_ms))
    events = {name: snapshot.meta.events[name] for name in OUTCOMES}
    _demand_whole(snapshot, events, loaded)
    return _result(snapshot, events | {"not_yet": not_yet})


def _start_worker(settings: Settings, number: int, grace: float, stack: ExitStack) -> Child:
    """`grace`: seconds to leave the group in order, which matters only to a Kafka that outlives the replay."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    name = f"worker-{number}"
    child = Child(name, ["worker"], others | environ_of(settings), settings.home / f"{name}.log")
    stack.callback(child.stop, grace)
    return child


def _load(job: _Job, settings: Settings) -> tuple[int, int]:
    """Send what had happened by the as-of; how many records that are, and how many are not yet.

    They carry the as-of as their time, so that none is of the future.
    """
    not_yet = 0
    with Producer(str(settings.kafka), prefix=settings.topic_prefix, timestamp_ms=job.as_of_ms) as producer:
        for number, raw in enumerate(job.events, 1):
            if raw.at is not None and raw.at > job.as_of_ms:
                not_yet += 1
            else:
                producer.send(raw)
            if number % _STRIDE == 0:
                job.tell("loading", job.events.fraction_read(), number)
        producer.flush()
        return producer.acknowledged, not_yet


def _demand_whole(snapshot: Snapshot, events: Mapping[str, int], loaded: int) -> None:
    """A result that lacks something is no result."""
    lacks = list(snapshot.meta.incomplete)
    if sum(events.values()) != loaded:
        lacks.append(f"of {loaded} events {sum(events.values())} are accounted for: {dict(events)}")
    if lacks:
        raise ReplayError(f"the board is not whole: {'; '.join(lacks)}")


def _result(snapshot: Snapshot, events: Mapping[str, int]) -> dict[str, Any]:
    meta = snapshot.meta
    return {
        "as_of": iso(meta.as_of_ms),
        "complete_through": None if meta.complete_through_ms is None else iso(meta.complete_through_ms),
        "rules": meta.rules,
        "events": dict(events),
        "rows": [msgspec.to_builtins(row) for row in snapshot.rows()],
    }
