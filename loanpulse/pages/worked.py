"""A number worked out by the engine from a handful of events, in memory: what each case adds, and the value."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from loanpulse.board.compute import compute
from loanpulse.board.members import Members
from loanpulse.board.plan import NOW
from loanpulse.board.snapshot import Row
from loanpulse.board.table import Tables
from loanpulse.pages.examples import Told
from schemas.event import Event
from streams.calculus.case import Case, merge
from streams.calculus.client import Client
from streams.calculus.panes import Deltas, Groups, Observation
from streams.calculus.program import Program
from streams.calculus.windows import Edges, Grid

UNASSIGNED = "unassigned"


class Added(NamedTuple):
    """One observation, of a case or of a client with all its cases; `counts`: it lies in the window."""

    of: str
    observation: Observation
    counts: bool


class Worked(NamedTuple):
    """`rows`: the organisation's, one for each value of a split, in the window that the example looks at."""

    added: list[Added]
    rows: list[Row]


def work(rule: Rule, told: Told, organisation: Organisation) -> Worked:
    """What a rule makes of an example."""
    program = Program([rule], organisation)
    grid = Grid.as_of(told.as_of_ms, program.zone)
    cases = _cases([event for event, _ in told.events if event.statement.at <= told.as_of_ms])
    seen = _seen(program, cases)
    blocks = _blocks(program, grid, [observation for _, observation in seen], told.as_of_ms)
    window = told.window if rule.timed else NOW
    rows = [row for row in blocks if row.window == window and not _is_member(rule, row)]
    edges = grid.window(told.window, told.as_of_ms + 1)
    return Worked([Added(of, o, _inside(o, edges)) for of, o in seen], rows)


def _is_member(rule: Rule, row: Row) -> bool:
    return any(dimension in row.group for dimension in rule.dimensions)


def _inside(observation: Observation, edges: Edges) -> bool:
    return observation.at is None or edges.from_ms <= observation.at < edges.to_ms


def _cases(events: Sequence[Event]) -> dict[tuple[str, str, str], Case]:
    """By kind, partition key and subject."""
    cases: dict[tuple[str, str, str], Case] = defaultdict(Case)
    for event in events:
        merge(cases[event.type.kind, event.key_field or UNASSIGNED, event.subject], event)
    return cases


def _seen(program: Program, cases: dict[tuple[str, str, str], Case]) -> list[tuple[str, Observation]]:
    """Every observation with the case or the client that it is of."""
    clients: dict[str, Client] = defaultdict(Client)
    seen: list[tuple[str, Observation]] = []
    for (kind, key, subject), case in cases.items():
        seen += [(subject, observation) for observation in program.observe(kind, None, case)]
        for code, view in program.views(kind, None, case):
            clients[key].show(code, subject, view)
    for key, client in clients.items():
        seen += [(key, observation) for observation in program.observe_client(None, client)]
    return seen


def _blocks(program: Program, grid: Grid, observations: list[Observation], as_of_ms: int) -> list[Row]:
    groups = Groups()
    deltas = Deltas(grid, groups)
    deltas.add(observations, 1)
    tables, members = Tables(len(program.measures)), Members()
    tables.add(0, list(deltas.encoded().items()), members.numbers(groups.fresh))
    blocks = compute(tables, members, program, grid, as_of_ms + 1)
    return [row for block in blocks.values() for row in block.rows()]
