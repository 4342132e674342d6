"""Makes a KPI's block: which rows there are, in every window, and what they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpi_rules.model import Rule
from loanpulse.board.cells import Keys, Sums
from loanpulse.board.expected import Expected, Places, places
from loanpulse.board.heads import heads
from loanpulse.board.members import Members
from loanpulse.board.percentiles import percentiles
from loanpulse.board.plan import NOW, Plan
from loanpulse.board.snapshot import Block, Frame
from loanpulse.board.tally import ORGANISATION, Tally, member_of, split_of
from loanpulse.board.values import Sums as Shown
from loanpulse.board.values import figures
from streams.calculus.windows import Edges

UNASSIGNED = "unassigned"


@dataclass(frozen=True)
class Sources:
    """What a rule's block is made of: the sums of its flow or its stock, or of both."""

    rule: Rule
    flow: Tally | None
    stock: Tally | None


class _Part(NamedTuple):
    """The rows of one dimension: its keys, their sums by window, and which keys have a row in which window."""

    keys: Keys
    sums: Sums
    shown: NDArray[np.bool_]


def block_of(
    sources: Sources,
    plan: Plan,
    members: Members,
    no_heads: frozenset[str],
    gaps: Sequence[Edges],
    expected: Mapping[str, Expected],
) -> Block:
    """The rows of one rule. `no_heads` are officers who are programs; windows that overlap `gaps` are incomplete.

    Whoever is `expected`, by dimension, has a row also where nothing was observed.
    """
    rule = sources.rule
    parts = {
        dimension: _part(sources, dimension, members, no_heads)
        for dimension in (ORGANISATION, *rule.dimensions)
    }
    for dimension in expected.keys() & set(rule.dimensions):
        due = _due(rule, expected[dimension], dimension, parts[ORGANISATION], plan, members)
        parts[dimension] = _with(parts[dimension], due)
    groups: list[dict[str, str]] = []
    places: dict[str, NDArray[np.int64]] = {}
    for dimension, part in parts.items():
        used = part.shown.any(axis=0)
        places[dimension] = len(groups) + np.cumsum(used) - 1
        groups += _labels(rule, dimension, part.keys[used], members)
    frames = [
        _frame(sources, window, name, plan, gaps, parts, places) for window, name in enumerate(_windows(rule))
    ]
    return Block(rule.id, groups, frames)


def _windows(rule: Rule) -> Sequence[str]:
    return rule.windows if rule.timed else (NOW,)


def _part(sources: Sources, dimension: str, members: Members, no_heads: frozenset[str]) -> _Part:
    rule, flow, stock = sources.rule, sources.flow, sources.stock
    tallies = [tally for tally in (flow, stock) if tally is not None]
    keys = np.unique(np.concatenate([tally.cells[dimension].keys for tally in tallies]))
    if dimension == ORGANISATION and rule.split is None:
        keys = np.zeros(1, np.int64)
    sums = tallies[0].cells[dimension].at(keys)
    if flow is not None and rule.measure.kind == "per_head":
        sums = heads(flow.finer[dimension], keys, _codes(members, {UNASSIGNED, *no_heads}))
    shown = _shown(sources, keys, sums, dimension)
    if flow is not None and stock is not None:
        sums = _over_stock(sums, stock.cells[dimension].at(keys))
        if dimension != ORGANISATION:
            shown = (sums[: len(rule.windows), 2] > 0).astype(np.bool_)
    return _Part(keys, sums, shown)


def _due(
    rule: Rule, expected: Expected, dimension: str, organisation: _Part, plan: Plan, members: Members
) -> Places:
    """Where members have a row whatever was observed: with each value of the split that the organisation has a row for."""
    splits = split_of(organisation.keys[organisation.shown.any(axis=0)])
    windows = [_edges(name, plan, growth=False)[0] or Edges(plan.to - 1, plan.to) for name in _windows(rule)]
    return places(expected, members.expect(dimension, expected.names), splits, windows)


def _with(part: _Part, due: Places) -> _Part:
    """A part with some more rows, all of them zero: what has no row for want of a denominator is not shown by halves."""
    keys = np.union1d(part.keys, due.keys)
    own = np.searchsorted(keys, part.keys)
    sums = np.zeros((*part.sums.shape[:2], len(keys)), part.sums.dtype)
    sums[:, :, own] = part.sums
    sums[: len(part.shown), :, own] *= part.shown[:, None, :]
    shown = np.zeros((len(part.shown), len(keys)), np.bool_)
    shown[:, own] = part.shown
    shown[:, np.searchsorted(keys, due.keys)] |= due.shown
    return _Part(keys, sums, shown)


def _over_stock(flow: Sums, stock: Sums) -> Sums:
    """The flow's sums; what the stock holds is observed in every window, as denominator only."""
    total = flow.astype(np.result_type(flow, stock))
    total[:, [0, 2]] += stock[0, [0, 2]]
    return total


def _codes(members: Members, officers: set[str]) -> Keys:
    return np.array(
        [code for code, name in enumerate(members.names["officer"].list) if name in officers], np.int64
    )


def _shown(sources: Sources, keys: Keys, sums: Sums, dimension: str) -> NDArray[np.bool_]:
    """The organisation has a row for each value of the split that there ever was, a member one where it has observations."""
    rule, windows = sources.rule, len(_windows(sources.rule))
    n = 2 if rule.measure.kind == "per_client" else 0
    if dimension != ORGANISATION:
        shown = sums[:windows, n] > 0
        if rule.measure.kind == "growth":
            shown = shown | (sums[windows : 2 * windows, n] > 0)
        return shown.astype(np.bool_)
    ever = np.ones(len(keys), np.bool_) if rule.split is None else sums[-1, 0] != 0
    if rule.split is not None and sources.flow is not None and sources.stock is not None:
        ever = ever | (sources.stock.cells[dimension].at(keys)[0, 0] != 0)
    return np.broadcast_to(ever.astype(np.bool_), (windows, len(keys)))


def _labels(rule: Rule, dimension: str, keys: Keys, members: Members) -> list[dict[str, str]]:
    names, splits = members.names, members.names["split"].list
    labels = []
    for member, split in zip(member_of(keys).tolist(), split_of(keys).tolist(), strict=True):
        label = {} if dimension == ORGANISATION else {dimension: names[dimension].list[member]}
        labels.append(label if rule.split is None else label | {rule.split: splits[split]})
    return labels


def _frame(
    sources: Sources,
    window: int,
    name: str,
    plan: Plan,
    gaps: Sequence[Edges],
    parts: dict[str, _Part],
    places: dict[str, NDArray[np.int64]],
) -> Frame:
    rule = sources.rule
    growth, duration = rule.measure.kind == "growth", rule.measure.kind == "duration"
    rows = [part for dimension, part in parts.items()]
    chosen = [np.flatnonzero(part.shown[window]) for part in rows]
    n, a, b = (_column(rows, chosen, window, column) for column in range(3))
    before = _column(rows, chosen, len(rule.windows) + window, 1) if growth else []
    shown = figures(rule.measure, Shown(n, a, b, before))
    p50, p90, p95 = _percentiles(sources, window, parts, chosen) if duration else (None, None, None)
    value = shown.value if p90 is None else [None if length is None else length / 1000 for length in p90]
    edges, edges_before = _edges(name, plan, growth)
    return Frame(
        window=name, from_ms=None if edges is None else edges.from_ms, to_ms=plan.to,
        before_from_ms=None if edges_before is None else edges_before.from_ms,
        before_to_ms=None if edges_before is None else edges_before.to_ms,
        complete=not any(_touches(gap, edges, plan) or _touches(gap, edges_before or edges, plan) for gap in gaps),
        members=[place for of, at in zip(places.values(), chosen, strict=True) for place in of[at].tolist()],
        n=shown.n, numerator=shown.numerator, denominator=shown.denominator, sum=shown.sum,
        p50=p50, p90=p90, p95=p95, value=value,
    )  # fmt: skip


def _column(parts: Sequence[_Part], chosen: Sequence[Keys], window: int, column: int) -> list[int]:
    return [
        value
        for part, at in zip(parts, chosen, strict=True)
        for value in part.sums[window, column, at].tolist()
    ]


def _percentiles(
    sources: Sources, window: int, parts: dict[str, _Part], chosen: Sequence[Keys]
) -> list[list[float | None]]:
    columns: list[list[float | None]] = [[], [], []]
    for (dimension, part), at in zip(parts.items(), chosen, strict=True):
        assert sources.flow is not None
        found = percentiles(sources.flow.finer[dimension], window, part.keys[at])
        for column, lengths in zip(columns, found, strict=True):
            column += lengths
    return columns


def _edges(name: str, plan: Plan, growth: bool) -> tuple[Edges | None, Edges | None]:
    if name == NOW:
        return None, None
    span = plan.spans[name]
    return span.edges, span.before if growth else None


def _touches(gap: Edges, edges: Edges | None, plan: Plan) -> bool:
    """Whether a gap overlaps a window; what stands now (no edges) depends on everything before."""
    if edges is None:
        return gap.from_ms < plan.to
    return gap.from_ms < edges.to_ms and gap.to_ms > edges.from_ms
