"""Log-buckets of durations: base 2^(1/32), upper bounds included, as in a Prometheus native histogram of schema 5.

A bucket's representative is within 1.1 % of every length in it (2^(1/64) − 1 = 1.089 %). Zero has a bucket of
its own. Buckets add and subtract, which is what makes percentiles correctable.
"""

from bisect import bisect_left
from functools import cache
from math import ceil

PER_OCTAVE = 32
OCTAVES = 42  # 2^42 ms are 139 years
BUCKETS = OCTAVES * PER_OCTAVE + 2


@cache
def _bounds() -> tuple[int, ...]:
    """The greatest whole ms of each bucket, floor(2^(k/32)), computed in integers so that no float rounds an edge."""
    return tuple(_floor_root(k) for k in range(OCTAVES * PER_OCTAVE + 1))


def _floor_root(k: int) -> int:
    """floor(2^(k/32)): the greatest x with x^32 ≤ 2^k."""
    guess = int(2 ** (k / PER_OCTAVE)) + 2
    while guess**PER_OCTAVE > 1 << k:
        guess -= 1
    return guess


def bucket_of(length_ms: int) -> int:
    """The bucket of a length in ms: 0 for 0, else 1 + ceil(32 · log2(length)); lengths above 139 years share the last."""
    if length_ms <= 0:
        return 0
    return min(bisect_left(_bounds(), length_ms) + 1, BUCKETS - 1)


@cache
def value_of(bucket: int) -> float:
    """The length in ms that stands for a bucket: the only whole number in it, else its geometric middle."""
    if bucket == 0:
        return 0.0
    bounds = _bounds()
    above, low = bounds[bucket - 1], bounds[bucket - 2] if bucket > 1 else 0
    if above - low == 1:
        return float(above)
    return round(2 ** ((bucket - 1.5) / PER_OCTAVE), 3)


def rank_of(percent: int, n: int) -> int:
    """The nearest rank of a percentile among n, from 1: ceil(percent · n / 100)."""
    return max(1, ceil(percent * n / 100))
