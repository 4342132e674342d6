"""Percentiles from log-buckets by the nearest rank, for many groups at once."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from loanpulse.board.cells import Cells, Keys
from streams.calculus.buckets import BUCKETS, value_of
from streams.calculus.panes import BUCKET_BITS

PERCENTS = (50, 90, 95)


@cache
def _lengths() -> NDArray[np.float64]:
    return np.array([value_of(bucket) for bucket in range(BUCKETS)])


def percentiles(histogram: Cells, window: int, keys: Keys) -> list[list[float | None]]:
    """For each of PERCENTS, the length in ms at the nearest rank ceil(percent · n / 100) of each key; None where n is 0."""
    owner = histogram.keys >> BUCKET_BITS
    first, last = np.searchsorted(owner, keys, "left"), np.searchsorted(owner, keys, "right")
    below = np.concatenate(([0], np.cumsum(histogram.sums[window, 0])))
    n = below[last] - below[first]
    return [_at_rank(histogram, below, below[first] + (percent * n + 99) // 100, n) for percent in PERCENTS]


def _at_rank(histogram: Cells, below: Keys, rank: Keys, n: Keys) -> list[float | None]:
    """The length whose bucket holds each rank; `below[i]` are counted in the buckets before the i-th."""
    place = np.minimum(np.searchsorted(below, rank, "left"), len(below) - 1) - 1
    lengths = (
        _lengths()[histogram.keys[place] & ((1 << BUCKET_BITS) - 1)]
        if len(histogram.keys)
        else np.zeros(len(n))
    )
    return [length if count > 0 else None for length, count in zip(lengths.tolist(), n.tolist(), strict=True)]
