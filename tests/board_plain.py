"""The board's sums once more, in plain Python: a loop over observations, and what the board shows beside it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from kpi_rules.model import Rule
from loanpulse.board.members import Members
from loanpulse.board.snapshot import Block, iso
from loanpulse.board.table import Tables
from streams.calculus.buckets import bucket_of, rank_of, value_of
from streams.calculus.panes import Groups, Observation
from streams.calculus.program import Measure, Program
from streams.calculus.windows import Edges, Grid
from tests.board_lab import DAY_MS, NOON, group, panes_of, program

ZONES = ("UTC", "Europe/Amsterdam", "Asia/Kathmandu", "America/Sao_Paulo")
PROGRAMS = {zone: program(tz=zone) for zone in ZONES}
SPLITS = {"currency": ("EUR", "USD"), "severity": ("low", "high")}
MEMBERS = ("officer", "branch", "product", "channel")

Key = tuple[str, str, tuple[tuple[str, str], ...]]
Signed = list[tuple[Observation, int]]


class Case(NamedTuple):
    """Observations in ledgers, some taken back later; the board's instant and grid."""

    program: Program
    grid: Grid
    to: int
    ledgers: list[Signed]

    def kept(self) -> list[Observation]:
        """Each observation that was not taken back."""
        left: list[Observation] = []
        for observation, sign in (signed for ledger in self.ledgers for signed in ledger):
            left.append(observation) if sign > 0 else left.remove(observation)
        return left


def amounts(measure: Measure) -> st.SearchStrategy[tuple[int, int, int]]:
    """Bucket, a and b as the kind of measure makes them; now and then as great as a row can hold."""
    great = st.one_of(st.integers(0, 10**9), st.integers(2**60, 2**63 - 1))
    kind = measure.rule.measure.kind
    if kind == "duration":
        lengths = st.one_of(st.integers(0, 100), st.integers(0, 10**9))
        return st.builds(lambda ms, within: (bucket_of(ms), within, ms), lengths, st.integers(0, 1))
    if kind in ("count", "distinct", "per_head"):
        return st.just((0, 1, 0))
    if kind == "per_client":
        return st.tuples(st.just(0), great, st.integers(0, 1))
    return st.tuples(st.just(0), great, st.one_of(st.integers(0, 1), great))


@st.composite
def observations(draw: st.DrawFn, measure: Measure, to: int) -> Observation:
    ages = st.one_of(st.integers(-2 * DAY_MS, 3 * DAY_MS), st.integers(0, 400 * DAY_MS), st.integers(-2, 2))
    edge = draw(st.sampled_from([0, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 31 * DAY_MS, 60 * DAY_MS, 180 * DAY_MS]))
    at = None if measure.part == "stock" else to - edge - draw(ages)
    split = draw(st.sampled_from(SPLITS[measure.rule.split])) if measure.rule.split else ""
    lending = measure.rule.by == "lending"
    officer = draw(st.sampled_from(["ann", "ben", "robot", "unassigned"]))
    branch = draw(st.sampled_from(["north", "south"]))
    product, channel = (draw(st.sampled_from(["car", "home"])), "web") if lending else ("", "")
    bucket, a, b = draw(amounts(measure))
    return Observation(measure.index, at, group(officer, branch, product, channel, split), bucket, 1, a, b)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(ZONES))
    of = PROGRAMS[zone]
    now = NOON + draw(st.integers(0, 200)) * DAY_MS + draw(st.integers(0, DAY_MS))
    grid = draw(st.sampled_from([Grid.live(of.zone), Grid.as_of(now, of.zone)]))
    to = grid.end(now)
    measures = draw(st.lists(st.sampled_from(of.measures), min_size=1, max_size=3))
    ledgers: list[Signed] = [[], [], []]
    for measure in measures:
        for observation in draw(st.lists(observations(measure, to), max_size=12)):
            ledger = draw(st.sampled_from(ledgers))
            ledger.append((observation, 1))
            if draw(st.integers(0, 4)) == 0:
                ledger.append((observation, -1))
    return Case(of, grid, to, ledgers)


def labels(rule: Rule, observation: Observation) -> list[dict[str, str]]:
    names = dict(zip((*MEMBERS, "split"), observation.group.split("\x1f"), strict=True))
    split = {rule.split: names["split"]} if rule.split else {}
    return [split, *({dimension: names[dimension]} | split for dimension in rule.dimensions)]


def within(found: Iterable[Observation], edges: Edges | None) -> list[Observation]:
    return [o for o in found if edges is None or (o.at is not None and edges.from_ms <= o.at < edges.to_ms)]


def rank(values: list[int], percent: int) -> float | None:
    ordered = sorted(values)
    return value_of(bucket_of(ordered[rank_of(percent, len(ordered)) - 1])) if ordered else None


def work_by_heads(found: list[Observation]) -> tuple[int, int]:
    officers = {o.group.split("\x1f")[0] for o in found} - {"unassigned", "robot"}
    return sum(o.group.split("\x1f")[0] in officers for o in found), len(officers)


def figures(
    rule: Rule, found: list[Observation], before: list[Observation], stock: list[Observation]
) -> dict[str, Any]:
    """The replay contract's conventions, written out once more."""
    kind, scale = rule.measure.kind, getattr(rule.measure, "scale", 1)
    n, a, b = len(found), sum(o.a for o in found), sum(o.b for o in found)
    row: dict[str, Any] = dict.fromkeys(("denominator", "sum", "p50", "p90", "p95", "value")) | {
        "n": n,
        "numerator": a,
    }
    if kind in ("count", "distinct"):
        row |= {"value": float(n), "numerator": n}
    elif kind == "sum":
        row |= {"value": float(a), "sum": a}
    elif kind == "mean":
        row |= {"denominator": n * scale}
    elif kind in ("ratio", "conversion", "level"):
        row |= {"denominator": (b + sum(o.b for o in stock)) * scale, "n": n + len(stock)}
    elif kind == "per_client":
        row |= {"denominator": b, "n": b}
    elif kind == "per_head":
        work, heads = work_by_heads(found)
        row |= {"n": work, "numerator": work, "denominator": heads}
    elif kind == "growth":
        then = sum(o.a for o in before)
        row |= {"numerator": a - then, "denominator": then, "sum": a}
    elif kind == "duration":
        percentiles = {f"p{percent}": rank([o.b for o in found], percent) for percent in (50, 90, 95)}
        row |= percentiles | {"denominator": n, "sum": b}
        return row | {"value": None if percentiles["p90"] is None else percentiles["p90"] / 1000}
    if row["denominator"]:
        row["value"] = row["numerator"] / row["denominator"]
    return row


def has_row(rule: Rule, figures: dict[str, Any], before: list[Observation], stocked: bool) -> bool:
    return bool(
        figures["denominator"] if stocked else figures["n"] or (rule.measure.kind == "growth" and before)
    )


def counted_plainly(case: Case, rule: Rule) -> dict[Key, dict[str, Any]]:
    parts = {measure.part: measure.index for measure in case.program.measures if measure.rule == rule}
    kept = case.kept()
    flow = [o for o in kept if o.measure == parts.get("flow")]
    stock = [o for o in kept if o.measure == parts.get("stock")]
    if rule.measure.kind == "level":
        flow, stock = stock, []
    pane = case.grid.minute if case.grid.minutes_kept_ms is None else case.grid.day
    known = [o for o in flow if o.at is None or pane(o.at) < case.to] + stock
    whole = (
        [{rule.split: split} for split in sorted({o.group.split("\x1f")[4] for o in known})]
        if rule.split
        else [{}]
    )
    rows = {}
    for window in rule.windows if rule.timed else ["now"]:
        edges = case.grid.window(window, case.to) if rule.timed else None
        earlier = case.grid.before(window, case.to) if rule.measure.kind == "growth" else None
        found, before = within(flow, edges), within(flow, earlier) if earlier else []
        for label in [*whole, *(label for o in [*found, *before, *stock] for label in labels(rule, o))]:
            own, own_before, own_stock = (
                [o for o in some if label in labels(rule, o)] for some in (found, before, stock)
            )
            said = figures(rule, own, own_before, own_stock)
            if label in whole or has_row(rule, said, own_before, "flow" in parts and "stock" in parts):
                said |= {"from": iso(edges.from_ms) if edges else None, "to": iso(case.to)}
                if earlier:
                    said |= {"before_from": iso(earlier.from_ms), "before_to": iso(earlier.to_ms)}
                rows[rule.id, window, tuple(sorted(label.items()))] = said
    return rows


def shown(blocks: dict[str, Block], of: Rule) -> dict[Key, dict[str, Any]]:
    rows: dict[Key, dict[str, Any]] = {}
    for row in blocks[of.id].rows():
        key = (row.kpi, row.window, tuple(sorted(row.group.items())))
        assert key not in rows
        said = {
            name: getattr(row, name)
            for name in ("n", "numerator", "denominator", "sum", "p50", "p90", "p95", "value")
        }
        said |= {"from": row.from_, "to": row.to}
        if row.before_from:
            said |= {"before_from": row.before_from, "before_to": row.before_to}
        rows[key] = said
    return rows


def fill(tables: Tables, members: Members, case: Case, part: slice = slice(None)) -> None:
    """Each ledger numbers groups on its own."""
    for number, ledger in enumerate(case.ledgers):
        groups = Groups()
        panes_of(ledger, case.grid, groups)  # so that both parts number them alike
        panes = panes_of(ledger[part], case.grid, groups)
        tables.add(number, panes, members.numbers(groups.fresh))
