"""Compacts a pane's log: one row a cell, cells of zeros left out."""

import numpy as np

COLUMNS = 4


def compacted(rows: bytes) -> bytes:
    """The same sums in as few rows as there are cells."""
    table = np.frombuffer(rows, "<i8").reshape(-1, COLUMNS)
    heads, index = np.unique(table[:, 0], return_inverse=True)
    sums = np.zeros((len(heads), COLUMNS), "<i8")
    sums[:, 0] = heads
    np.add.at(sums[:, 1:], index, table[:, 1:])
    return sums[np.any(sums[:, 1:] != 0, axis=1)].tobytes()
