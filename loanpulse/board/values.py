"""From sums to values: what each kind of measure shows of n, a and b. Here, last of all, it is divided.

a is the numerator (count, amount, points, within, won, part), b the denominator's part, or the ms of durations.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kpi_rules.measures import Measure

Integers = list[int]
Values = list[float | None]


class Sums(NamedTuple):
    """Python integers of the rows to show, one list per column; `a_before` is of the window before."""

    n: Integers
    a: Integers
    b: Integers
    a_before: Integers


class Figures(NamedTuple):
    """Columns of a frame, without percentiles; None: null in every row."""

    n: Integers
    numerator: Integers
    denominator: Integers | None
    sum: Integers | None
    value: Values


def divided(numerators: Sequence[int], denominators: Sequence[int]) -> Values:
    """No value where the denominator is 0."""
    return [a / b if b else None for a, b in zip(numerators, denominators, strict=True)]


def _count(sums: Sums, _scale: int) -> Figures:
    return Figures(sums.n, sums.n, None, None, [float(n) for n in sums.n])


def _sum(sums: Sums, _scale: int) -> Figures:
    return Figures(sums.n, sums.a, None, sums.a, [float(a) for a in sums.a])


def _distinct(sums: Sums, _scale: int) -> Figures:
    return Figures(sums.a, sums.a, None, None, [float(a) for a in sums.a])


def _mean(sums: Sums, scale: int) -> Figures:
    denominators = [n * scale for n in sums.n]
    return Figures(sums.n, sums.a, denominators, None, divided(sums.a, denominators))


def _parts(sums: Sums, scale: int) -> Figures:
    denominators = [b * scale for b in sums.b]
    return Figures(sums.n, sums.a, denominators, None, divided(sums.a, denominators))


def _per_client(sums: Sums, _scale: int) -> Figures:
    """b is 1 at each client's latest fact, so Σ b are the clients: they are what is observed."""
    return Figures(sums.b, sums.a, sums.b, None, divided(sums.a, sums.b))


def _duration(sums: Sums, _scale: int) -> Figures:
    """The value, p90, is the histogram's to give."""
    return Figures(sums.n, sums.a, sums.n, sums.b, [None] * len(sums.n))


def _growth(sums: Sums, _scale: int) -> Figures:
    change = [this - before for this, before in zip(sums.a, sums.a_before, strict=True)]
    return Figures(sums.n, change, sums.a_before, sums.a, divided(change, sums.a_before))


_FIGURES: dict[str, Callable[[Sums, int], Figures]] = {
    "count": _count,
    "sum": _sum,
    "distinct": _distinct,
    "mean": _mean,
    "ratio": _parts,
    "conversion": _parts,
    "level": _parts,
    "per_client": _per_client,
    "per_head": _parts,
    "duration": _duration,
    "growth": _growth,
}
"""Of per_head, n and a are the heads' work and b the heads."""


def figures(measure: Measure, sums: Sums) -> Figures:
    """The columns that a measure shows of some sums."""
    return _FIGURES[measure.kind](sums, getattr(measure, "scale", 1))
