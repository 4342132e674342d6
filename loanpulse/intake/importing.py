"""`loanpulse import`: what was before the stream, as events of the contract, sent to Kafka like all others.

The whole file is judged first; nothing is sent while a row is bad, unless bad rows are to be set apart. Every event is named
by the fact that it states, so that a second import of the same changes nothing.
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from kpi_rules.organisation import Organisation
from loanpulse.intake.files import PackedFile
from loanpulse.intake.mapping import Mapping
from loanpulse.intake.mapping_file import load_mapping
from loanpulse.intake.naming import encode
from loanpulse.intake.organised import organisation_for
from loanpulse.intake.producing import Producer, demand_topics
from loanpulse.intake.rows import Mapped
from loanpulse.intake.sources import raw_of
from loanpulse.intake.survey import Keep, Survey, surveyed
from loanpulse.intake.table import Line, Table
from loanpulse.intake.times import Reading, time_text
from loanpulse.lab.failures import InputError
from schemas.decode import decode
from schemas.event import Event
from schemas.fields import time_ms
from streams.runtime.settings import Settings

PROBLEM = "problem"
"""The column that says, in a file of bad rows, what is wrong with each."""
_REPORTED = "loan.status_reported"
_STRIDE = 2_000

Tell = Callable[[str, float, int], None]
"""Hears a stage (`reading`, `sending`), how much of it is done, 0 to 1, and how many rows that is."""


@dataclass(frozen=True)
class Options:
    """What an import is asked for beside the settings, of which `kafka`, `topic_prefix`, `tz` and `config` count."""

    file: Path
    mapping: str
    """A built-in mapping's name or a YAML file."""
    dry_run: bool = False
    skip_bad: Path | None = None
    """Where bad rows are written; the others are then sent."""
    before: str | None = None
    """An instant or a day in the file's zone: what happened from then on is left to the stream."""
    revision: int = 0
    """A higher one states all its facts anew, over what was said before."""


class Result(NamedTuple):
    """What became of a file."""

    survey: Survey
    sent: int
    """Events that Kafka has; 0 if it was only judged, or rows are bad."""


def import_file(
    options: Options, settings: Settings, now_ms: int, tell: Tell = lambda _stage, _done, _rows: None
) -> Result:
    """Judge a file and send its events. Raises InputError, ConfigError, UnknownTopicError, ProduceError."""
    mapping = load_mapping(options.mapping)
    zone = _zone_for(settings, mapping)
    file = PackedFile(options.file)
    table = Table(file, mapping, zone, by_fact=True, revision=options.revision)
    keep = _before(options.before, zone, mapping)
    if options.skip_bad is not None:
        _demand_new(options.skip_bad)
    if not options.dry_run:
        demand_topics(settings)
    survey = surveyed(table, now_ms, keep, lambda rows: tell("reading", file.fraction_read(), rows))
    if options.skip_bad is not None and survey.bad:
        _set_apart(table, survey, options.skip_bad)
    if options.dry_run or (survey.bad and options.skip_bad is None):
        return Result(survey, 0)
    lines = (line for line in _told(table, file, tell) if line.number not in survey.bad)
    return Result(survey, _send(lines, keep, settings))


def _zone_for(settings: Settings, mapping: Mapping) -> ZoneInfo:
    document: dict[str, Any] = {"tz": settings.tz} | organisation_for(settings, mapping)
    return ZoneInfo(Organisation.model_validate(document).tz)


def _send(lines: Iterator[Line], keep: Keep, settings: Settings) -> int:
    """Each record carries the time of sending: what it tells is old, but nothing is complete through that time."""
    with Producer(str(settings.kafka), prefix=settings.topic_prefix) as producer:
        for line in lines:
            for mapped in line.events:
                value = encode(mapped.event)
                if keep(decode(value), mapped):
                    producer.send(raw_of(value))
        producer.flush()
        return producer.acknowledged


def _told(table: Table, file: PackedFile, tell: Tell) -> Iterator[Line]:
    for line in table:
        yield line
        if line.number % _STRIDE == 0:
            tell("sending", file.fraction_read(), line.number)


def _before(text: str | None, zone: ZoneInfo, mapping: Mapping) -> Keep:
    """Reports of a loan's state are kept in any case: they say what it is on their day, not what happened then.

    One that is dated back is about what happened then.
    """
    if text is None:
        return lambda _event, _mapped: True
    try:
        end = time_ms(time_text(text, Reading("iso", zone)))
    except ValueError:
        raise InputError(
            f"is {text!r}: write 2026-03-01 or 2026-03-01T09:00:00+01:00", field="--before"
        ) from None
    times = [entry.time or mapping.time for entry in mapping.events]
    is_state = [time is not None and time.minus_days is None for time in times]

    def keep(event: Event, mapped: Mapped) -> bool:
        return event.statement.at < end or (event.type.name == _REPORTED and is_state[mapped.entry])

    return keep


def _set_apart(table: Table, survey: Survey, path: Path) -> None:
    """The bad rows as they are, and before each what is wrong with it: mended, the file can be imported."""
    with _new_file(path, table.mapping.encoding) as out:
        writer = csv.writer(out, delimiter=table.mapping.delimiter)
        rows = ((line.number, line.cells) for line in table if line.number in survey.bad)
        first = next(rows, None)  # the header is there once a row is
        told_before = table.header[:1] == [PROBLEM]
        writer.writerow([PROBLEM, *table.header[told_before:]])
        for number, cells in chain([first] if first else [], rows):
            writer.writerow([survey.bad[number], *cells[told_before:]])


def _demand_new(path: Path) -> None:
    """Refuse at once what would fail after the reading."""
    if path.exists():
        raise InputError("is there already", file=str(path), field="--skip-bad")


@contextmanager
def _new_file(path: Path, encoding: str) -> Iterator[Any]:
    try:
        with path.open("x", encoding=encoding, newline="") as out:
            yield out
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(path), field="--skip-bad") from None
