"""How much of its target a case has used at most, by its columns: so that of those that have used most few are looked at. Pure.

What a clock shows is known at its marks: when it began, when half, three quarters and all of the target were used. Since the
last of them it has run in open time, less pauses, which only the case knows.
"""

import numpy as np
from numpy.typing import NDArray

from loanpulse.board.open_table import Ints
from loanpulse.cases.rows import OpenRows, time_of
from streams.calculus.business_time import OpenTime, PlainTime
from streams.calculus.program import Program

_MARKS = ("half", "three_quarters", "due", "beyond")


def most_used(rows: OpenRows, program: Program) -> NDArray[np.float64]:
    """The largest share of its target that each row can have used."""
    target = rows.column("target")
    lengths = (-(-target // 2), -(-3 * target // 4), target, target + 1)
    stands = np.minimum(rows.at, rows.column("paused_since"))
    mark, shown = rows.since.copy(), np.zeros_like(target)
    for name, length in zip(_MARKS, lengths, strict=True):
        at = rows.column(name)
        passed = at <= stands
        mark, shown = np.where(passed, at, mark), np.where(passed, length, shown)
    return _shares(shown + _open(rows, program, mark, stands), target)


def _shares(used: Ints, target: Ints) -> NDArray[np.float64]:
    """As `share` has them."""
    of_nothing = np.where(used > 0, np.inf, 1.0)
    return np.where(target == 0, of_nothing, used / np.maximum(target, 1))


def _open(rows: OpenRows, program: Program, since: Ints, until: Ints) -> Ints:
    """The ms that the clock of each row counts in a time of its own, without pauses."""
    found = np.zeros_like(since)
    if not len(rows):
        return found
    names, codes = rows.members("branch")
    for rule, part in rows.by_rule():
        for code in np.unique(codes[part]).tolist():
            own = part.start + np.flatnonzero(codes[part] == code)
            time = time_of(program, rule, names[code])
            found[own] = between(time, since[own], np.maximum(since, until)[own])
    return found


def between(time: OpenTime | PlainTime, since: Ints, until: Ints) -> Ints:
    """Open ms of many times at once, none of which ends before it begins."""
    if isinstance(time, PlainTime):
        return until - since
    periods = np.array(time.periods(int(since.min()), int(until.max())), np.int64).reshape(-1, 2)
    begins, ends = periods[:, 0], periods[:, 1]
    sums = np.concatenate([[0], np.cumsum(ends - begins)])

    def before(at: Ints) -> Ints:
        i = np.searchsorted(begins, at, side="right")
        last = np.maximum(i - 1, 0)
        inside = np.minimum(at, ends[last]) - begins[last] if len(begins) else np.zeros_like(at)
        return np.where(i == 0, 0, sums[last] + inside)

    return before(until) - before(since)


def share(used_ms: int, target_ms: int) -> float:
    """How much of a target is used; of a target of nothing all, or more than of any other."""
    if target_ms:
        return used_ms / target_ms
    return float("inf") if used_ms else 1.0
