"""How many cases are open in which band: of the organisation, and of each officer, branch and product."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from kpi_rules.model import Rule
from loanpulse.board.members import Members
from loanpulse.board.open_table import Ints, OpenTables
from loanpulse.board.snapshot import OpenFigures
from streams.calculus.business_time import NEVER_MS
from streams.calculus.open_cases import Band

_DIMENSIONS = ("officer", "branch", "product")


def open_figures(tables: OpenTables, watch: int, rule: Rule, members: Members) -> OpenFigures:
    """A watch's open cases at the instants that its tables were last advanced to."""
    counted = [table.count() for _, table in tables.of(watch)]
    by_group = _sum([found.by_group for found in counted])
    groups: list[Mapping[str, str]] = [{}]
    counts: list[Sequence[int]] = [by_group.sum(axis=0).tolist()]
    for dimension in (name for name in _DIMENSIONS if name in rule.dimensions):
        for name, of_member in _by(dimension, by_group, members):
            groups.append({dimension: name})
            counts.append(of_member)
    return OpenFigures(
        groups=[dict(labels) for labels in groups],
        counts=[list(row) for row in counts],
        oldest_ms=_first(found.oldest for found in counted),
        next_due_ms=_first(found.next_due for found in counted),
    )


def _sum(tables: Sequence[Ints]) -> Ints:
    """By group and band; a ledger's table ends with the last group that it knows."""
    total = np.zeros((max(map(len, tables), default=0), len(Band)), np.int64)
    for table in tables:
        total[: len(table)] += table
    return total


def _first(instants: Iterable[int]) -> int | None:
    found = min(instants, default=NEVER_MS)
    return None if found == NEVER_MS else found


def _by(dimension: str, by_group: Ints, members: Members) -> Iterator[tuple[str, list[int]]]:
    """Each member that has open cases, in the order of names."""
    names = members.names[dimension].list
    table = np.zeros((len(names), len(Band)), np.int64)
    np.add.at(table, members.codes(dimension)[: len(by_group)], by_group)
    for code in sorted(np.flatnonzero(table.any(axis=1)).tolist(), key=names.__getitem__):
        yield names[code], table[code].tolist()
