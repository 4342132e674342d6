"""Compacts a pane's log: one row a cell, cells of zeros left out; of open cases one row each."""

import numpy as np

from streams.calculus.open_log import compacted_log, is_open_log

COLUMNS = 4


def compacted_pane(pane: str, log: bytes) -> bytes:
    """A pane's log, whatever it holds, as short as it can be."""
    return compacted_log(log) if is_open_log(pane) else compacted(log)


def compacted(rows: bytes) -> bytes:
    """The same sums in as few rows as there are cells."""
    table = np.frombuffer(rows, "<i8").reshape(-1, COLUMNS)
    heads, index = np.unique(table[:, 0], return_inverse=True)
    sums = np.zeros((len(heads), COLUMNS), "<i8")
    sums[:, 0] = heads
    np.add.at(sums[:, 1:], index, table[:, 1:])
    return sums[np.any(sums[:, 1:] != 0, axis=1)].tobytes()
