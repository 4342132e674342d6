"""How many cases are open in which band: of the organisation, and of each officer, branch and product."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kpi_rules.model import Rule
from loanpulse.board.members import Members
from loanpulse.board.open_table import Ints, OpenTables
from loanpulse.board.snapshot import OpenFigures
from streams.calculus.open_cases import Band

_RUNNING = (Band.ON_TRACK, Band.WARNING, Band.AT_RISK)
_DIMENSIONS = ("officer", "branch", "product")


def open_figures(tables: OpenTables, watch: int, rule: Rule, members: Members) -> OpenFigures:
    """A watch's open cases at the instants that its tables were last advanced to."""
    found = [table.bands() for _, table in tables.of(watch)]
    group, band, since, due = (
        (
            np.concatenate([np.empty(0, np.int64), *columns])
            for columns in zip(*(f[:4] for f in found), strict=True)
        )
        if found
        else (np.empty(0, np.int64),) * 4
    )
    groups: list[Mapping[str, str]] = [{}]
    counts: list[Sequence[int]] = [np.bincount(band, minlength=len(Band)).tolist()]
    for dimension in (name for name in _DIMENSIONS if name in rule.dimensions):
        for name, of_member in _by(dimension, group, band, members):
            groups.append({dimension: name})
            counts.append(of_member)
    ahead = due[np.isin(band, _RUNNING)]
    return OpenFigures(
        groups=[dict(labels) for labels in groups],
        counts=[list(row) for row in counts],
        oldest_ms=int(since.min()) if len(since) else None,
        next_due_ms=int(ahead.min()) if len(ahead) else None,
    )


def _by(dimension: str, group: Ints, band: Ints, members: Members) -> Iterator[tuple[str, list[int]]]:
    """Each member that has open cases, in the order of names."""
    if not len(group):
        return
    names = members.names[dimension].list
    codes = members.codes(dimension)[group]
    table = np.bincount(codes * len(Band) + band, minlength=len(names) * len(Band)).reshape(-1, len(Band))
    for code in sorted(np.flatnonzero(table.any(axis=1)).tolist(), key=names.__getitem__):
        yield names[code], table[code].tolist()
