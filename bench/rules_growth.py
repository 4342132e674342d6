"""What more rules cost: the catalogue's first ten measures, all of it, and all of it thrice, over the same events."""

from collections.abc import Callable, Mapping, Sequence

from bench import event_types, stages
from bench.costs import medians
from bench.report import Figures
from bench.stages import collecting_as_a_worker
from bench.workload import ZONE, Workload
from kpi_rules.model import Rule
from kpi_rules.rulebook import Rulebook
from streams.calculus.program import Program
from streams.runtime.rulebook import read_rulebook

FIRST_AREAS = ("customer_relationship", "application_processing")
FIRST_MORE = ("lead_conversion",)
COPIES = 3
_OF_RULES = ("observe", "panes", "encode")


def programs() -> dict[str, Program]:
    """By the number of measures, the fewest first."""
    book = read_rulebook(None, None, ZONE)
    sizes = (_first(book), list(book.rules), _copied(book.rules))
    return {f"{len(rules)} rules": Program(rules, book.organisation) for rules in sizes}


def _first(book: Rulebook) -> list[Rule]:
    wanted = {kpi for area in book.areas if area.kra in FIRST_AREAS for kpi in area.kpis} | {*FIRST_MORE}
    return [rule for rule in book.rules if rule.id in wanted]


def _copied(rules: Sequence[Rule]) -> list[Rule]:
    """The rules, and each again under other ids."""
    copies = [
        rule.model_copy(update={"id": f"{rule.id}.copy_{n}"}) for n in range(1, COPIES) for rule in rules
    ]
    return [*rules, *copies]


def measure(workload: Workload, redis_url: str, program: Program) -> Figures:
    """One run: µs an event, all but the fetching, which is the same for any rules."""
    figures = stages.measure(workload, redis_url, program)
    worker = figures["worker µs: in all"]
    return {
        "worker µs": worker,
        "of it observe to encode": sum(figures[f"worker µs: {stage}"] for stage in _OF_RULES),
        "redis µs": figures["redis µs: in all"],
        "events/s a core": 1e6 / worker,
    }


def compared(lines: Mapping[str, Figures]) -> dict[str, Figures]:
    """Each line with what it has less than the first one of its workload."""
    first: dict[str, float] = {}
    found = {}
    for name, figures in lines.items():
        rate = figures["events/s a core"]
        most = first.setdefault(name.partition(",")[0], rate)
        found[name] = figures | {"less events/s %": 100 * (1 - rate / most)}
    return found


def by_type(workload: Workload, runs: int, say: Callable[[str], None]) -> dict[str, Figures]:
    """µs an event of each type, and how many measures look at it; the most frequent first."""
    by_rules = {}
    for name, program in programs().items():
        say(f"event by event: {workload.name}, {name}")
        by_rules[name] = program, event_types.steps_of(workload, program)
    _, fewest = next(iter(by_rules.values()))
    types = sorted(fewest, key=lambda event_type: -len(fewest[event_type]))
    with collecting_as_a_worker():
        found = [{t: _of_type(t, by_rules) for t in types} for _ in range(runs)]
    return {t: medians([run[t] for run in found]) for t in types}


def _of_type(event_type: str, by_rules: Mapping[str, tuple[Program, event_types.Steps]]) -> Figures:
    programs, steps = zip(*by_rules.values(), strict=True)
    looking = [event_types.readers(program, event_type) for program in programs]
    found: Figures = {"events": len(steps[0][event_type])}
    found |= {f"measures of {name}": count for name, count in zip(by_rules, looking, strict=True)}
    for name, (program, changes) in by_rules.items():
        cost = event_types.cost(program, changes[event_type])
        found[f"µs, {name}"] = 1e6 * cost / len(changes[event_type])
    return found
