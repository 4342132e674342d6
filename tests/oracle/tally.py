"""From observations to the rows of the replay contract: filters, then plain sums."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any

from tests.oracle.facts import EPOCH, MS
from tests.oracle.kpis import KPIS
from tests.oracle.observe import Observation
from tests.oracle.windows import WINDOWS, Edges, Span

Row = dict[str, Any]
Label = tuple[tuple[str, str], ...]


def iso(at: int) -> str:
    return (EPOCH + at * MS).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nearest_rank(ordered: list[int], percent: int) -> int | None:
    """The ceil(percent · n / 100)-th smallest; None of nothing."""
    return ordered[math.ceil(percent * len(ordered) / 100) - 1] if ordered else None


def divided(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def _row(numerator: int, denominator: int | None, n: int, value: float | None, **more: object) -> Row:
    base = {"numerator": numerator, "denominator": denominator, "n": n, "value": value}
    return {"sum": None, "p50": None, "p90": None, "p95": None} | base | more


def _counted(found: list[Observation]) -> Row:
    total = sum(o.numerator for o in found)
    return _row(total, None, len(found), float(total))


def _divided(found: list[Observation]) -> Row:
    a, b = sum(o.numerator for o in found), sum(o.denominator for o in found)
    return _row(a, b, len(found), divided(a, b))


def _durations(found: list[Observation]) -> Row:
    lengths = sorted(o.length for o in found)
    p50, p90, p95 = (nearest_rank(lengths, percent) for percent in (50, 90, 95))
    value = None if p90 is None else p90 / 1000
    within = sum(o.numerator for o in found)
    return _row(within, len(found), len(found), value, sum=sum(lengths), p50=p50, p90=p90, p95=p95)


def _clients(found: list[Observation]) -> Row:
    clients = len({o.client for o in found})
    return _row(clients, None, clients, float(clients))


def _average(found: list[Observation]) -> Row:
    amount, clients = sum(o.numerator for o in found), len({o.client for o in found})
    return _row(amount, clients, clients, divided(amount, clients))


def _per_head(found: list[Observation]) -> Row:
    heads = len({o.group.officer for o in found})
    return _row(len(found), heads, len(found), divided(len(found), heads))


FIGURES: dict[str, Callable[[list[Observation]], Row]] = {
    "count": _counted,
    "sum": _counted,
    "mean": _divided,
    "ratio": _divided,
    "conversion": _divided,
    "flow_and_stock": _divided,
    "level": _divided,
    "duration": _durations,
    "distinct": _clients,
    "average": _average,
    "per_head": _per_head,
}


def _growth(this: list[Observation], before: list[Observation]) -> Row:
    now, then = sum(o.numerator for o in this), sum(o.numerator for o in before)
    return _row(now - then, then, len(this), divided(now - then, then), sum=now)


def in_span(observations: Iterable[Observation], span: Span) -> list[Observation]:
    return [o for o in observations if o.at is not None and span[0] <= o.at < span[1]]


def moved_to_latest(observations: list[Observation], until: int) -> list[Observation]:
    """Each client's observations (of one split) in the group of its latest one before `until`."""
    known = sorted((o for o in observations if o.at is not None and o.at < until), key=lambda o: o.latest)
    latest = {(o.client, o.split): o.group for o in known}
    return [o._replace(group=latest[o.client, o.split]) for o in known]


def labels(kpi: str, observation: Observation) -> list[Label]:
    """The organisation's row and one row a dimension, each with the split's member."""
    rule = KPIS[kpi]
    split: Label = ((rule.split, str(observation.split)),) if rule.split else ()
    own = observation.group._asdict()
    return [split, *(((dimension, own[dimension]), *split) for dimension in rule.by)]


def organisation(kpi: str, observations: list[Observation]) -> set[Label]:
    """The rows of the whole, which are there even when empty: one per split value ever seen."""
    split = KPIS[kpi].split
    return {((split, str(o.split)),) for o in observations} if split else {()}


def by_label(kpi: str, observations: list[Observation]) -> dict[Label, list[Observation]]:
    found: dict[Label, list[Observation]] = defaultdict(list)
    for observation in observations:
        for label in labels(kpi, observation):
            found[label].append(observation)
    return found


def rows_of(kpi: str, observations: list[Observation], as_of_ms: int, edges: Edges) -> list[Row]:
    """All rows of one KPI; observations after as_of (deadlines to come) are in none."""
    known = [o for o in observations if o.at is None or o.at <= as_of_ms]
    if KPIS[kpi].kind == "level":
        times: dict[str, str | None] = {"from": None, "to": iso(as_of_ms + 1)}
        return _rows(kpi, "now", known, [], organisation(kpi, known), times)
    rows = []
    for window in WINDOWS:
        span, before = edges(window)
        times = {"from": iso(span[0]), "to": iso(span[1])}
        earlier: list[Observation] = []
        if KPIS[kpi].kind == "growth":
            earlier = in_span(known, before)
            times |= {"before_from": iso(before[0]), "before_to": iso(before[1])}
        moving = KPIS[kpi].kind in ("distinct", "average")
        found = in_span(moved_to_latest(known, span[1]) if moving else known, span)
        found += [o for o in known if o.at is None]
        rows += _rows(kpi, window, found, earlier, organisation(kpi, known), times)
    return rows


def _rows(
    kpi: str,
    window: str,
    found: list[Observation],
    before: list[Observation],
    whole: set[Label],
    times: Mapping[str, str | None],
) -> list[Row]:
    kind, rows = KPIS[kpi].kind, []
    this, earlier = by_label(kpi, found), by_label(kpi, before)
    for label in sorted(whole | set(this) | set(earlier)):
        own = this.get(label, [])
        figures = _growth(own, earlier.get(label, [])) if kind == "growth" else FIGURES[kind](own)
        if kind == "flow_and_stock" and label not in whole and not figures["denominator"]:
            continue
        rows.append({"kpi": kpi, "window": window, "group": dict(label), **figures, **times})
    return rows
