"""Open cases as columns: a row for each case and KPI. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule
from loanpulse.board.members import PARTS, SEPARATOR, Members
from loanpulse.board.open_table import Ints, OpenTable, OpenTables
from streams.calculus.business_time import OpenTime, PlainTime
from streams.calculus.open_cases import Band, OpenCase, Span
from streams.calculus.program import Program
from streams.calculus.watches import Watch

_MARKS = ("begins", "ends", "target", "half", "three_quarters", "due", "beyond")


class Row(NamedTuple):
    """One open case of one KPI as its ledger's log has it; of its targets only the one in force `at` its instant."""

    watch: Watch
    ledger: int
    case: bytes
    opened: OpenCase
    at: int

    @property
    def span(self) -> Span:
        return self.opened.spans[0]

    @property
    def band(self) -> Band:
        band = self.opened.band(self.at)
        assert band is not None, "only what is open then is a row"
        return band

    def time(self, program: Program) -> OpenTime | PlainTime:
        """What its clock runs by."""
        return time_of(program, self.watch.rule, self.opened.group.split(SEPARATOR)[1])


class OpenRows:
    """The open cases of some KPIs, each as of its ledger's instant `at`."""

    def __init__(
        self, tables: OpenTables, members: Members, watches: Sequence[Watch], at: Mapping[int, int]
    ) -> None:
        self._members, self._at = members, at
        self._parts: list[tuple[Watch, int, OpenTable, Ints]] = []
        columns = []
        for watch in watches:
            tables.advance(watch.index, at)
            for ledger, table in tables.of(watch.index):
                bands = table.bands()
                self._parts.append((watch, ledger, table, bands.slots))
                columns.append(bands)
        nothing = np.empty(0, np.int64)
        self.group, self.band, self.since, self.due = (
            np.concatenate([nothing, *(found[i] for found in columns)]) for i in range(4)
        )
        self._starts = np.cumsum([0, *(len(slots) for *_, slots in self._parts)])

    def __len__(self) -> int:
        return len(self.band)

    @cached_property
    def at(self) -> Ints:
        """The instant of each row."""
        instants = np.array([self._at[ledger] for _, ledger, *_ in self._parts], np.int64)
        return np.repeat(instants, np.diff(self._starts))

    def column(self, name: str) -> Ints:
        """One of an open table's columns."""
        found = (table.column(name, slots) for _, _, table, slots in self._parts)
        return np.concatenate([np.empty(0, np.int64), *found])

    def by_rule(self) -> Iterator[tuple[Rule, slice]]:
        """Whose rows stand where."""
        for (watch, *_), start, end in zip(self._parts, self._starts[:-1], self._starts[1:], strict=True):
            yield watch.rule, slice(int(start), int(end))

    def members(self, dimension: str) -> tuple[list[str], Ints]:
        """The names of a dimension, and which of them each row has."""
        return self._members.names[dimension].list, self._members.codes(dimension)[self.group]

    def within(self, group: Mapping[str, str]) -> NDArray[np.bool_]:
        """Which rows belong to all of some members, by dimension."""
        inside = np.ones(len(self), np.bool_)
        for dimension, member in group.items():
            if not len(self):
                break
            names, codes = self.members(dimension)
            inside &= codes == (names.index(member) if member in names else -1)
        return inside

    def row(self, i: int) -> Row:
        part = int(np.searchsorted(self._starts, i, side="right")) - 1
        watch, ledger, table, slots = self._parts[part]
        slot = slots[i - self._starts[part]]
        place = np.array([slot])
        since, paused_since, pauses, *span = (
            int(table.column(name, place)[0]) for name in ("since", "paused_since", "pauses", *_MARKS)
        )
        opened = OpenCase(self._name(int(self.group[i])), since, paused_since, pauses, (Span(*span),))
        return Row(watch, ledger, table.case(int(slot)), opened, self._at[ledger])

    def _name(self, group: int) -> str:
        return SEPARATOR.join(
            self._members.names[part].list[self._members.codes(part)[group]] for part in PARTS
        )


def time_of(program: Program, rule: Rule, branch: str) -> OpenTime | PlainTime:
    """What the clock of a rule's open cases runs by: plain time where it is no duration."""
    clock = rule.measure.clock if isinstance(rule.measure, DurationMeasure) else "calendar"
    return program.clocks.time(clock, branch)
