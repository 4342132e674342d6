"""What an event of each type costs the calculus, alone: from the fact that changed to the rows of the panes.

Each event is a batch of its own here, so that its cost is its type's and not its neighbours': a client that several
events of a batch show something to is read and written for each of them, and the figures are the most that it costs.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from bench.workload import Workload
from schemas.decode import decode
from schemas.event import Event
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case, case_id
from streams.calculus.difference import Difference
from streams.calculus.fold import Change, Fold
from streams.calculus.observers import Observer
from streams.calculus.panes import Deltas, Groups
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.partition import NEVER_MS

Clients = dict[bytes, bytes | None]


class Step(NamedTuple):
    """One event's change, and its client as the program had it before."""

    change: Change
    clients: Clients


Steps = dict[str, list[Step]]
"""By event type, in the order of arrival."""


def steps_of(workload: Workload, program: Program) -> Steps:
    """What each event of the workload changes; those that change nothing are left out."""
    cases: dict[bytes, bytes] = {}
    clients: dict[bytes, bytes] = {}
    steps: Steps = defaultdict(list)
    difference = Difference(program, _deltas(program))
    for raw in workload.records:
        event, key = decode(raw.value), (raw.key or b"").decode()
        for change in _changes(event, key, cases):
            shown = difference.of_cases([change])
            before: Clients = {name.encode(): clients.get(name.encode()) for name in shown}
            clients.update(difference.of_clients(shown, before))
            steps[event.type.name].append(Step(change, before))
    return steps


def _changes(event: Event, key: str, cases: dict[bytes, bytes]) -> list[Change]:
    identity = case_id(event.type.kind, key, event.subject)
    fold = Fold()
    fold.load([(identity, (event.type.kind, key, event.subject), cases.get(identity))])
    fold.merge(identity, event, NEVER_MS)
    folded = fold.finish()
    cases.update(folded.cases)
    return folded.changes


def cost(program: Program, steps: Iterable[Step]) -> float:
    """CPU seconds of observing these changes and of making rows of what they come to."""
    steps = list(steps)
    deltas = _deltas(program)
    difference = Difference(program, deltas)
    begun = time.process_time()
    for change, clients in steps:
        shown = difference.of_cases((change,))
        if shown:
            difference.of_clients(shown, clients)
    deltas.encoded()
    return time.process_time() - begun


def _deltas(program: Program) -> Deltas:
    return Deltas(Grid.live(program.zone), Groups())


def readers(program: Program, event_type: str) -> int:
    """How many of a program's measures look at an event type, be it only for whom a case belongs to."""
    kind = EVENT_TYPES[event_type]
    code = kind.code
    shown = {view for view, _ in program.views(kind.kind, frozenset({code}), Case())}
    observers = [program.observer_of(measure) for measure in program.measures]
    return sum(
        code in observer.reads if isinstance(observer, Observer) else bool(observer.reads & shown)
        for observer in observers
    )
