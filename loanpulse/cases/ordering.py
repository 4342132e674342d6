"""Puts open cases in order by their columns, and finds those that come first. Pure."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from loanpulse.board.open_table import Ints
from loanpulse.cases.choice import BAND_ORDER, Sort
from loanpulse.cases.rows import OpenRows
from streams.calculus.open_cases import Band


class First(NamedTuple):
    """Rows that come first, in order, `keys` by which they do; and all others that tie with the last of them."""

    rows: list[int]
    keys: list[tuple[int, ...]]


def first(rows: OpenRows, among: Ints, sort: Sort, called: Callable[[str], str], limit: int | None) -> First:
    """The first of some rows; `called` gives an officer's name as it is shown. Not for `used`."""
    keys = [key[among] for key in _keys(rows, sort, called)]
    order = np.lexsort(keys[::-1])
    if limit is not None and limit < len(order):
        last = order[limit - 1]
        ties = np.flatnonzero(np.logical_and.reduce([key == key[last] for key in keys]))
        order = np.concatenate([order[:limit], np.setdiff1d(ties, order[:limit])])
    columns = (key[order].tolist() for key in keys)
    return First(among[order].tolist(), list(zip(*columns, strict=True)))


def _keys(rows: OpenRows, sort: Sort, called: Callable[[str], str]) -> Sequence[Ints]:
    """What rows are ordered by, the most important first."""
    if sort == "since":
        return rows.since, rows.due
    if sort == "due":
        return rows.due, rows.since
    ranks = np.argsort(BAND_ORDER)[rows.band]
    waiting = np.where(rows.band == Band.PAUSED, rows.column("paused_since"), rows.due)
    by_band = (ranks, waiting, rows.since)
    if sort == "band":
        return by_band
    names, codes = rows.members("officer") if len(rows) else ([], rows.group)
    by_name = sorted(range(len(names)), key=lambda code: (called(names[code]).casefold(), names[code]))
    return np.argsort(np.array(by_name, np.int64))[codes], *by_band
