"""What is wrong with a row that is to be imported, in words for whoever made the file."""

from collections.abc import Iterator
from typing import NamedTuple

from loanpulse.intake.mapping import Column, Mapping
from loanpulse.intake.naming import encode
from loanpulse.intake.rows import Mapped
from loanpulse.intake.table import Line, Table
from schemas.decode import Rejected, decode
from schemas.event import Event
from schemas.rejected import shorten

_WAYS_OUT = {
    "integer": "write a whole number, as 12",
    "minor": "write an amount, as 1234.50, with no more decimals than its currency has",
    "boolean": "write yes or no",
    "time": "write 2026-03-31 or 2026-03-31T17:30:00+02:00",
}


class Problem(NamedTuple):
    """One thing that is wrong in a row; `column` is empty where it is no cell's."""

    line: int
    column: str
    message: str

    @property
    def text(self) -> str:
        return f"{self.column} {self.message}" if self.column else self.message


class Judged(NamedTuple):
    """A row's events as the engine reads them, and what is wrong with it."""

    events: list[tuple[Event, bytes]]
    problems: list[Problem]


class Judge:
    """Judges the rows of a table as they are read."""

    def __init__(self, table: Table, now_ms: int) -> None:
        self._table, self._now_ms = table, now_ms

    def judge(self, line: Line) -> Judged:
        """The events of a row, or all that is wrong with them; an empty line is nothing and nothing is wrong with it."""
        events: list[tuple[Event, bytes]] = []
        problems = list(self._of_row(line))
        for mapped in line.events:
            value = encode(mapped.event)
            try:
                event = decode(value)
            except Rejected as error:
                problems.append(self._rejected(line, mapped, error))
                continue
            if event.statement.at > self._now_ms:
                problems.append(self._future(line, mapped))
            events.append((event, value))
        return Judged(events, list(dict.fromkeys(problems)))

    def _of_row(self, line: Line) -> Iterator[Problem]:
        header, mapping = self._table.header, self._table.mapping
        if len(line.cells) > len(header):
            message = f"{len(line.cells)} cells, but the header has {len(header)}: quote a cell that holds {mapping.delimiter!r}"
            yield Problem(line.line, "", message)
        if not line.events and mapping.unmatched == "wrong" and any(cell.strip() for cell in line.cells):
            yield Problem(line.line, "", f"says nothing: {_wanted(mapping)}")

    def _rejected(self, line: Line, mapped: Mapped, error: Rejected) -> Problem:
        field = error.field or ""
        column = self._table.mapper.column_of(mapped.entry, field)
        rule = _rule(error)
        if column is None:
            return Problem(line.line, "", f"{mapped.event['type']}: {error.message}")
        cell = self._cell(line, column)
        if not cell:
            return Problem(
                line.line, column, f"is empty, but {mapped.event['type']} needs it: {field} {rule}"
            )
        way_out = _way_out(self._table.mapping, mapped.entry, field)
        return Problem(line.line, column, f"is {shorten(cell)}: {field} {rule}{way_out}")

    def _future(self, line: Line, mapped: Mapped) -> Problem:
        column = self._table.mapper.column_of(mapped.entry, "time") or ""
        cell = self._cell(line, column)
        return Problem(
            line.line,
            column,
            f"is {shorten(cell)}: that is yet to come; of today write the time of day as well",
        )

    def _cell(self, line: Line, column: str) -> str:
        names = [name.strip() for name in self._table.header]
        place = names.index(column) if column in names else len(line.cells)
        return line.cells[place].strip() if place < len(line.cells) else ""


def _rule(error: Rejected) -> str:
    shown = "missing" if error.value is None else error.value
    return error.message.removeprefix(f"{error.field} is {shown}: ")


def _way_out(mapping: Mapping, entry: int, field: str) -> str:
    cell = (mapping.data | mapping.events[entry].data).get(field.removeprefix("data."))
    form = "time" if field == "time" else cell.form if isinstance(cell, Column) else "text"
    return f"; {_WAYS_OUT[form]}" if form in _WAYS_OUT else ""


def _wanted(mapping: Mapping) -> str:
    """What a row would have to say to be one of the mapping's."""
    conditions = {
        column: ", ".join(
            dict.fromkeys(
                text for entry in mapping.events for text in _texts(entry.when.get(column, [])) if text
            )
        )
        for entry in mapping.events
        for column, wanted in entry.when.items()
        if any(_texts(wanted))
    }
    if conditions:
        return "; ".join(f"{column} is one of {texts}" for column, texts in conditions.items())
    columns = dict.fromkeys(
        time.column for entry in mapping.events if (time := entry.time or mapping.time) is not None
    )
    return f"at least one of {', '.join(columns)} must be given"


def _texts(wanted: str | list[str]) -> list[str]:
    return [wanted] if isinstance(wanted, str) else wanted
