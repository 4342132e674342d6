"""From a CSV row to its events: a mapping, compiled against the columns of one file."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from loanpulse.intake import mapping as written
from loanpulse.intake.cells import Reader, Row, integer, reader_of
from loanpulse.intake.naming import Event, fact_name
from loanpulse.intake.times import Reading, time_text
from loanpulse.lab.failures import InputError, nearest
from schemas.registry import EVENT_TYPES, EventType

_NOWHERE = -1


class Mapped(NamedTuple):
    """An event and which entry of the mapping made it."""

    event: Event
    entry: int


class _Entry(NamedTuple):
    fits: Callable[[Row], bool]
    kind: EventType
    time: Reader
    is_dated: Callable[[Row], bool]
    data: list[tuple[str, Reader]]


class RowMapper:
    """Turns rows of one file into events; raises InputError when the file lacks a column of the mapping.

    Without an `id` in the mapping an event is named by the row's number, or, with `by_fact` and where a row may be
    several events, by the fact that it states: then a second telling of the same has the same name.
    """

    def __init__(
        self,
        mapping: written.Mapping,
        header: Row,
        file: str,
        zone: ZoneInfo,
        *,
        by_fact: bool = False,
        revision: int = 0,
    ) -> None:
        names = [name.strip() for name in header]
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            raise InputError(f"has the column {twice[0]!r} twice", file=file, line=1)
        self._columns = {name: place for place, name in enumerate(names) if name}
        self._mapping, self._file, self._zone = mapping, file, zone
        self._by_fact = by_fact or mapping.match == "all"
        self._several = mapping.match == "all"
        self._revision = revision
        self._used: set[str] = set()
        self._id = None if mapping.id is None else self._reader(mapping.id, "id")
        self._subject = self._reader(mapping.subject, "subject")
        self._entries = [self._entry(entry, number) for number, entry in enumerate(mapping.events)]

    @property
    def unread(self) -> list[str]:
        """The file's columns that the mapping has no use for."""
        return [name for name in self._columns if name not in self._used]

    def events(self, row: Row, number: int) -> Iterator[Mapped]:
        """The events of a row; `number` is the row's."""
        for place, entry in enumerate(self._entries):
            if entry.fits(row) and (not self._several or entry.is_dated(row)):
                yield Mapped(self._event(row, number, entry), place)
                if not self._several:
                    return

    def column_of(self, entry: int, field: str | None) -> str | None:
        """The column that a member of an event (`time`, `data.amount_minor` …) is read from, if it is one."""
        made_by = self._mapping.events[entry]
        if field == "time":
            time = made_by.time or self._mapping.time
            return None if time is None else time.column
        shared: dict[str, Any] = {"id": self._mapping.id, "subject": self._mapping.subject}
        cells = shared | {f"data.{name}": cell for name, cell in (self._mapping.data | made_by.data).items()}
        cell = cells.get(field or "")
        return cell.column if isinstance(cell, written.Column) else None

    def _event(self, row: Row, number: int, entry: _Entry) -> Event:
        event: Event = {
            "specversion": "1.0",
            "source": self._mapping.source,
            "id": str(number) if self._id is None else self._id(row),
            "type": entry.kind.name,
            "time": entry.time(row),
            "subject": self._subject(row),
            "data": {name: value for name, read in entry.data if (value := read(row)) is not None},
        }
        if self._by_fact and self._id is None:
            event["id"] = fact_name(entry.kind, event)
        elif self._several:
            event["id"] = f"{event['id']}/{entry.kind.name}"
        if self._revision and not entry.kind.never_revised:
            event["revision"] = self._revision
        return event

    def _entry(self, entry: written.Entry, number: int) -> _Entry:
        where, kind = f"events.{number}", EVENT_TYPES[entry.type]
        time = entry.time or self._mapping.time
        assert time is not None  # the mapping was checked
        place = self._place(time.column, f"{where}.time" if entry.time else "time")
        cells = [(name, cell, f"data.{name}") for name, cell in self._mapping.data.items()]
        cells += [(name, cell, f"{where}.data.{name}") for name, cell in entry.data.items()]
        currency = next((self._reader(cell, at) for name, cell, at in cells if name == "currency"), None)
        readers = {name: self._reader(cell, at, currency) for name, cell, at in cells}
        return _Entry(
            self._conditions(entry, where),
            kind,
            self._time_reader(time, place, kind, where),
            lambda row: bool(_text(row, place)),
            list(readers.items()),
        )

    def _conditions(self, entry: written.Entry, where: str) -> Callable[[Row], bool]:
        texts = [
            (self._place(column, f"{where}.when"), {wanted} if isinstance(wanted, str) else set(wanted))
            for column, wanted in entry.when.items()
        ]
        given = [self._place(column, f"{where}.given") for column in entry.given]
        above = [(self._place(column, f"{where}.above"), least) for column, least in entry.above.items()]

        def fits(row: Row) -> bool:
            return (
                all(_text(row, place) in wanted for place, wanted in texts)
                and all(_text(row, place) for place in given)
                and all((integer(_text(row, place)) or 0) > least for place, least in above)
            )

        return fits

    def _time_reader(self, time: written.TimeColumn, place: int, kind: EventType, where: str) -> Reader:
        zone = self._zone if time.zone is None else ZoneInfo(time.zone)
        yields = time.day == "yielding" and kind.first and kind.per != "event"
        reading = Reading(time.format, zone, time.day == "end" or yields)
        if time.minus_days is None:
            return lambda row: time_text(_text(row, place), reading, time.plus_days)
        less = self._place(time.minus_days, f"{where}.time.minus_days")

        def read(row: Row) -> str:
            days = integer(_text(row, less))
            return (
                _text(row, place)
                if days is None
                else time_text(_text(row, place), reading, time.plus_days - days)
            )

        return read

    def _reader(self, cell: written.Cell, where: str, currency: Reader | None = None) -> Reader:
        if isinstance(cell, written.Constant):
            return lambda _row: cell.value
        if cell.decimals == "currency" and cell.form == "minor" and currency is None:
            raise InputError(
                "decimals: currency needs a currency among the event's data",
                file=self._mapping.file,
                field=where,
            )
        place = self._place(cell.column, where)
        return (lambda _row: None) if place == _NOWHERE else reader_of(cell, place, currency, self._zone)

    def _place(self, column: str, where: str) -> int:
        self._used.add(column)
        if column in self._columns:
            return self._columns[column]
        if column in self._mapping.optional:
            return _NOWHERE
        raise InputError(
            f"{self._file} has no column {column!r}{nearest(column, self._columns)}",
            file=self._mapping.file,
            field=where,
        )


def _text(row: Row, place: int) -> str:
    return "" if place == _NOWHERE else row[place].strip()
