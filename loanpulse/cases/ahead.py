"""Which open case comes to be in a worse band next. Pure."""

import numpy as np
from numpy.typing import NDArray

from loanpulse.cases.rows import OpenRows
from loanpulse.cases.told import Turn, zone_of
from loanpulse.serve.shown import Shown
from schemas.fields import local_iso
from streams.calculus.attribution import SEPARATOR
from streams.calculus.business_time import NEVER_MS
from streams.calculus.case import parse_case_id
from streams.calculus.open_cases import Band

_MARKS = {Band.WARNING: "half", Band.AT_RISK: "three_quarters"}


def next_to_be(band: Band, rows: OpenRows, among: NDArray[np.bool_], shown: Shown) -> Turn | None:
    """The first of some cases whose clock, if it goes on, comes to a warning, or to be at risk, under the target in force
    now; None if no clock runs that has not come there."""
    mark = rows.column(_MARKS[band])
    ahead = among & (rows.band < band) & (rows.at < mark) & (mark < rows.column("ends")) & (mark < NEVER_MS)
    coming = np.flatnonzero(ahead)
    if not len(coming):
        return None
    i = int(coming[np.argmin(mark[coming])])
    row, at = rows.row(i), int(mark[i])
    kind, key, subject = parse_case_id(row.case)
    branch = row.opened.group.split(SEPARATOR)[1]
    zone = zone_of(shown, branch)
    return Turn(
        kind=kind,
        key=key,
        subject=subject,
        kpi=row.watch.rule.id,
        branch=branch,
        at=local_iso(at, zone),
        zone=zone.key,
        in_ms=row.time(shown.book.program).between(row.at, at),
    )
