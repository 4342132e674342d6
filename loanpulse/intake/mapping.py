"""Mappings: which rows of a CSV file are which events. YAML, so that a lender's export needs no code.

    source: our-los                  # CloudEvents source, the same for all rows
    id: seq                          # a column; left out, the row's number, or what the event states
    time: {column: at, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
    subject: case_id
    data: {customer_id: client, officer_id: clerk}           # every event's own
    match: first                     # a row is the first entry that fits it, or `all`
    events:
      - when: {status: [NEW, REOPENED]}
        type: application.submitted
        data: {amount_minor: {column: amount, as: minor}, currency: {value: EUR}}
    organisation: {tz: Europe/Berlin}                        # defaults of --config; optional

A field is a column's name, `{column: …, as: text|integer|minor|boolean|time, values: {cell: text}, prefix: …}` or
`{value: …}`. An empty cell is an absent field. What cannot be read as asked stays as it is written: a replay's event is
then dead-lettered with its field, value and rule, and an import names the row before anything is sent.
"""

import codecs
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from kpi_rules.calendars import ZoneName


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Model):
    """A field that is read from a column."""

    column: str
    form: Literal["text", "integer", "minor", "boolean", "time"] = Field("text", alias="as")
    """`minor`: an amount in major units, written as minor units. `time`: as ISO 8601; a day is its last ms, as it is due."""
    decimals: Annotated[int, Field(ge=0, le=4)] | Literal["currency"] = 2
    """Minor units of one major unit, as a power of ten; `currency`: as ISO 4217 has it for the event's own."""
    decimal_point: Literal[".", ","] = "."
    values: dict[str, str] = Field(default_factory=dict)
    """What a cell's text stands for, "" for nothing; a text that is not listed stays."""
    prefix: str = ""


class Constant(_Model):
    """A field that is the same in all rows."""

    value: str | bool | int


class TimeColumn(_Model):
    """The event's time; `zone` (or the organisation's) is for texts without an offset."""

    column: str
    format: str = "iso"
    """`iso`, `epoch_seconds`, `epoch_milliseconds` or a pattern of strptime."""
    zone: ZoneName | None = None
    day: Literal["start", "end", "yielding"] = "start"
    """Where in it a day without a time of day is. `yielding`: where a statement of the same fact and day that has a time
    wins over it, so at the end of the day where the first statement counts, else at its start."""
    minus_days: str | None = None
    """A column: so many days before."""
    plus_days: int = 0

    @property
    def columns(self) -> list[str]:
        """Every column that is read."""
        return [self.column] if self.minus_days is None else [self.column, self.minus_days]


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ValueError(str(error)) from None
    return name


def _as_column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _variant(cell: object) -> str:
    """Which of the two is meant, so that a complaint is about that one."""
    is_constant = "value" in cell if isinstance(cell, dict) else isinstance(cell, Constant)
    return "Constant" if is_constant else "Column"


Cell = Annotated[
    Annotated[Column, Tag("Column")] | Annotated[Constant, Tag("Constant")],
    Discriminator(_variant),
    BeforeValidator(_as_column),
]
Cells = dict[str, Cell]
Time = Annotated[TimeColumn, BeforeValidator(_as_column)]
Names = Annotated[list[str], BeforeValidator(_as_list)]


class Entry(_Model):
    """Rows that are like this become events of this type."""

    when: dict[str, str | list[str]] = Field(default_factory=dict)
    """A column and what its cell is; all must hold."""
    given: Names = []
    """Columns whose cells are not empty."""
    above: dict[str, int] = Field(default_factory=dict)
    """A column and what its number is greater than."""
    type: str
    time: Time | None = None
    """In place of the mapping's."""
    data: Cells = Field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Every column that is read."""
        cells = [cell.column for cell in self.data.values() if isinstance(cell, Column)]
        return [
            *self.when,
            *([] if self.time is None else self.time.columns),
            *cells,
            *self.given,
            *self.above,
        ]


class Mapping(_Model):
    """A mapping as written; `file` says where, for messages."""

    source: str = Field(min_length=1, max_length=256)
    id: Cell | None = None
    time: Time | None = None
    subject: Cell
    data: Cells = Field(default_factory=dict)
    match: Literal["first", "all"] = "first"
    """Whether a row is one event, of the first entry that fits, or one of each that fits and whose time is given."""
    events: list[Entry] = Field(min_length=1)
    optional: Names = []
    """Columns that a file may lack: as if their cells were empty."""
    unmatched: Literal["ignored", "wrong"] = "ignored"
    """What a row is that no entry fits; an import refuses those that are wrong."""
    organisation: dict[str, Any] = Field(default_factory=dict)
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    file: str = Field("", exclude=True)

    @property
    def columns(self) -> list[str]:
        """Every column that is read, where it comes first."""
        read = [self.id, self.subject, *self.data.values()]
        entries = [column for entry in self.events for column in entry.columns]
        shared = [] if self.time is None else self.time.columns
        return list(dict.fromkeys([*(c.column for c in read if isinstance(c, Column)), *shared, *entries]))
