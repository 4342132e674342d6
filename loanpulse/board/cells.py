"""Sums by key, kept sorted by key, that grow by whole batches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Sums = NDArray[Any]
"""Integers: int64 where they cannot overflow, else Python's own."""


class Cells:
    """For each key, a sum per window and column: `sums[window, column, key]`.

    Invariants:
        keys_are_sorted_and_unique
        adding_in_parts_is_adding_at_once
    """

    def __init__(self, windows: int, columns: int, dtype: type) -> None:
        self.keys: Keys = np.empty(0, np.int64)
        self.sums: Sums = np.zeros((windows, columns, 0), dtype)

    def add(self, keys: Keys, sums: Sums) -> None:
        """Add sums; a key may come several times."""
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        fresh, starts = np.unique(keys[order], return_index=True)
        merged = np.add.reduceat(sums[:, :, order], starts, axis=2)
        self._make_room(fresh)
        self.sums[:, :, np.searchsorted(self.keys, fresh)] += merged

    def _make_room(self, keys: Keys) -> None:
        new = keys[~self.holds(keys)]
        if len(new):
            places = np.searchsorted(self.keys, new)
            self.keys = np.insert(self.keys, places, new)
            self.sums = np.insert(self.sums, places, 0, axis=2)

    def holds(self, keys: Keys) -> NDArray[np.bool_]:
        places = np.searchsorted(self.keys, keys)
        found = places < len(self.keys)
        found[found] = self.keys[places[found]] == keys[found]
        return found

    def at(self, keys: Keys) -> Sums:
        """The sums of some keys, zero for those that are not there."""
        found = self.holds(keys)
        sums = np.zeros((*self.sums.shape[:2], len(keys)), self.sums.dtype)
        sums[:, :, found] = self.sums[:, :, np.searchsorted(self.keys, keys[found])]
        return sums
