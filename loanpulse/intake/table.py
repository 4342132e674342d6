"""A CSV file as rows, each with the events that its mapping makes of it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from loanpulse.intake.files import PackedFile
from loanpulse.intake.mapping import Mapping
from loanpulse.intake.rows import Mapped, RowMapper
from loanpulse.lab.failures import InputError


class Line(NamedTuple):
    """A row: its number, beginning with 1 below the header, the file's line that it ends on, and what it says."""

    number: int
    line: int
    cells: list[str]
    events: list[Mapped]


class Table:
    """The rows of a CSV file; iterating again reads it again. InputError: it cannot be read, or lacks a column.

    `header` and `mapper` are those of the last reading.
    """

    def __init__(
        self, file: PackedFile, mapping: Mapping, zone: ZoneInfo, *, by_fact: bool = False, revision: int = 0
    ) -> None:
        self.mapping = mapping
        self.header: list[str] = []
        self.mapper: RowMapper
        self._file, self._zone = file, zone
        self._by_fact, self._revision = by_fact, revision

    @property
    def path(self) -> Path:
        return self._file.path

    def __iter__(self) -> Iterator[Line]:
        with self._file.opened() as stream:
            text = io.TextIOWrapper(stream, encoding=self.mapping.encoding, newline="")
            rows = csv.reader(text, delimiter=self.mapping.delimiter)
            try:
                self.header = [name.removeprefix("\ufeff") for name in next(rows, [])]
                self.mapper = RowMapper(
                    self.mapping, self.header, str(self.path), self._zone,
                    by_fact=self._by_fact, revision=self._revision,
                )  # fmt: skip
                for number, cells in enumerate(rows, 1):
                    full = cells + [""] * (len(self.header) - len(cells))
                    yield Line(number, rows.line_num, cells, list(self.mapper.events(full, number)))
            except (csv.Error, UnicodeError) as error:
                raise InputError(str(error), file=str(self.path), line=rows.line_num) from None
