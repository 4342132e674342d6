"""Sums and values of all rules at one instant, of the rows that the board has: pure, no clock, no I/O."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from kpi_rules.model import Rule
from loanpulse.board.blocks import Sources, block_of
from loanpulse.board.expected import expected_of
from loanpulse.board.members import Members
from loanpulse.board.open_figures import open_figures
from loanpulse.board.plan import STOCK_RANGES, Plan
from loanpulse.board.snapshot import Block
from loanpulse.board.table import Tables
from loanpulse.board.tally import Tally, dtype_for
from loanpulse.roster.roster import NOBODY, Roster
from streams.calculus.program import Measure, Program
from streams.calculus.windows import Edges, Grid


class Computation:
    """What `compute` has summed, kept so that the next time only new rows are added.

    Invariants:
        a_kept_computation_gives_what_a_new_one_gives
    """

    def __init__(self, program: Program, roster: Roster = NOBODY) -> None:
        """Officers and branches of the roster have rows also where nothing was observed."""
        self._program = program
        self._expected = expected_of(roster, program.zone)
        self._plan: Plan | None = None
        self._gaps: Sequence[Edges] = ()
        self._tallies: dict[int, Tally] = {}
        self._measures: dict[str, dict[str, Measure]] = {}
        self._last: dict[str, Block] = {}
        for measure in program.measures:
            self._measures.setdefault(measure.rule.id, {})[measure.part] = measure

    def blocks(
        self, tables: Tables, members: Members, grid: Grid, to: int, gaps: Sequence[Edges] = ()
    ) -> dict[str, Block]:
        """The blocks that changed since the last call, by KPI; every block when `to` or `gaps` are others."""
        plan = Plan(grid, to)
        everything = plan != self._plan or gaps != self._gaps
        if everything:
            self._plan, self._gaps = plan, gaps
            self._tallies.clear()
        changed = {
            measure.index for measure in self._program.measures if self._fold(measure, tables, members, plan)
        }
        return {
            rule.id: self._block(rule, plan, members, gaps)
            for rule in self._program.rules
            if everything or changed & {measure.index for measure in self._measures[rule.id].values()}
        }

    def with_open_cases(
        self, blocks: Mapping[str, Block], tables: Tables, members: Members, at: Mapping[int, int]
    ) -> dict[str, Block]:
        """Changed blocks with their KPIs' open cases at each ledger's instant; those too whose open cases alone changed."""
        told = dict(blocks)
        for watch in self._program.watches:
            kpi, last = watch.rule.id, self._last.get(watch.rule.id)
            figures = None if last is None else last.open
            if tables.open.advance(watch.index, at) or figures is None:
                figures = open_figures(tables.open, watch.index, watch.rule, members)
            elif kpi not in told:
                continue
            base = told.get(kpi, last)
            assert base is not None, "the first time, every KPI has a block"
            told[kpi] = replace(base, open=figures)
        self._last |= {
            watch.rule.id: told[watch.rule.id] for watch in self._program.watches if watch.rule.id in told
        }
        return told

    def _fold(self, measure: Measure, tables: Tables, members: Members, plan: Plan) -> bool:
        of_measure = tables.of(measure.index)
        tally = self._tallies.get(measure.index)
        renewed = tally is None or not tally.is_current(of_measure)
        if tally is None or renewed:
            ranges = [STOCK_RANGES] if measure.part == "stock" else plan.ranges(measure.rule)
            tally = self._tallies[measure.index] = Tally(measure.rule, ranges, dtype_for(of_measure))
        return tally.fold(of_measure, members) or renewed

    def _block(self, rule: Rule, plan: Plan, members: Members, gaps: Sequence[Edges]) -> Block:
        tallies = {part: self._tallies[measure.index] for part, measure in self._measures[rule.id].items()}
        sources = Sources(rule, tallies.get("flow"), tallies.get("stock"))
        return block_of(sources, plan, members, self._program.system_users, gaps, self._expected)


def compute(
    tables: Tables, members: Members, program: Program, grid: Grid, to: int, gaps: Sequence[Edges] = ()
) -> dict[str, Block]:
    """The blocks of all rules, windows ending at `to`."""
    return Computation(program).blocks(tables, members, grid, to, gaps)
