"""`make bench`: what an event costs, in all and stage by stage, beside a stock Faust agent in the same run."""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import deploy, end_to_end, open_cases, rules_growth, stages
from bench.apart import fetch, stock
from bench.costs import medians
from bench.deploy import Deploy
from bench.end_to_end import Filled, filled
from bench.open_cases import OpenCases
from bench.report import Figures, Report
from bench.workload import ZONE, Workload, history, live
from loanpulse.lab.process import ServerError
from loanpulse.lab.servers import running
from streams.calculus.program import Program
from streams.runtime.rulebook import compile_program
from streams.runtime.settings import Settings, SettingsError, load_settings

ENGINE = ("stages", "one", "two", "stock", "rules", "types")
PARTS = (*ENGINE, "deploy", "alerts")
HELP = (
    "stages: stage by stage; one, two: end to end with so many workers; stock: a stock Faust agent beside them; "
    "rules: ten rules, all, and all thrice; types: the same for each event type; deploy: other rules over a large store "
    "(for a million cases a quarter of an hour, so only when it is named); alerts: open cases, idle and at risk (only when "
    "it is named, too)"
)


@dataclass(frozen=True)
class Size:
    """How much is measured, and how often."""

    days: int
    scale: float
    live_events: int
    """0 leaves that workload out."""
    runs: int
    parts: tuple[str, ...]
    """What is measured if nothing is asked for."""
    deploy: Deploy
    alerts: OpenCases

    def with_cases(self, cases: int) -> "Size":
        """The same over stores of another size."""
        deploy, alerts = replace(self.deploy, cases=cases), replace(self.alerts, cases=cases)
        return replace(self, deploy=deploy, alerts=alerts)


FULL = Size(
    days=90,
    scale=1,
    live_events=60_000,
    runs=3,
    parts=ENGINE,
    deploy=Deploy(cases=1_000_000, days=90, scale=1, rate=300, quiet_seconds=30),
    alerts=OpenCases(cases=1_000_000, idle_seconds=60, probes=600, burst=5_000, lead_seconds=10),
)
QUICK = Size(
    days=30,
    scale=0.25,
    live_events=10_000,
    runs=1,
    parts=("stages", "one", "stock", "rules"),  # too short for two workers to share
    deploy=Deploy(cases=20_000, days=30, scale=0.25, rate=100, quiet_seconds=5),
    alerts=OpenCases(cases=20_000, idle_seconds=10, probes=100, burst=1_000, lead_seconds=10),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; 0, or 1 if servers fail, 2 for settings or options that cannot be used."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = load_settings(os.environ)
        size = QUICK if chosen.quick else FULL
        if chosen.cases:
            size = size.with_cases(chosen.cases)
        report = measure(chosen.only or size.parts, size, settings, _say)
    except (SettingsError, ServerError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    print(report.text())
    print("written:", *report.write(settings.home / "bench"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few events, one run, no second worker: shows that it works"
    )
    parser.add_argument("--cases", type=int, help="how many the store of `--only deploy alerts` has")
    parser.add_argument("--only", nargs="+", choices=PARTS, help=HELP)
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(parts: Collection[str], size: Size, settings: Settings, say: Callable[[str], None]) -> Report:
    """All figures of the chosen parts. Raises ServerError."""
    report = Report(size.runs)
    directory = settings.home.absolute() / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(dir=directory, prefix="servers-")))
        settings = settings.model_copy(update={"home": home, "as_of": None, "worker_id": None})
        say("starting Kafka and Redis")
        endpoints = stack.enter_context(running(settings))
        for workload in _workloads(size) if set(parts) & set(ENGINE) else ():
            say(f"{workload.name}: filling the topics with {len(workload.records)} events")
            report.workloads[workload.name] = workload.about
            with filled(workload, settings, endpoints) as topics:
                _measure(_jobs(parts, workload, topics), size.runs, report, say)
            if "types" in parts and not report.event_types:
                report.event_types = rules_growth.by_type(workload, size.runs, say)
        report.rules = rules_growth.compared(report.rules)
        if "deploy" in parts:
            report.deployment = deploy.measure(size.deploy, settings, endpoints, say)
        if "alerts" in parts:
            report.open_cases = open_cases.measure(size.alerts, settings, endpoints, say)
    return report


def _workloads(size: Size) -> Iterator[Workload]:
    yield history(size.days, size.scale)
    if size.live_events:
        yield live(size.live_events)


@dataclass(frozen=True)
class _Job:
    table: str
    line: str
    run: Callable[[int], Figures]


def _jobs(parts: Collection[str], workload: Workload, topics: Filled) -> list[_Job]:
    """One worker with every workload, the rest with the first only."""
    name, redis_url = workload.name, str(topics.settings.redis)
    program = compile_program(None, None, ZONE)
    jobs = {
        "stages": _Job(
            "stages", name, lambda run: fetch(topics, run) | stages.measure(workload, redis_url, program)
        ),
        "one": _Job("end_to_end", f"{name}, 1 worker", lambda run: end_to_end.measure(topics, 1, run)),
        "two": _Job("end_to_end", f"{name}, 2 workers", lambda run: end_to_end.measure(topics, 2, run)),
        "stock": _Job("end_to_end", f"{name}, stock Faust", lambda run: stock(topics, run)),
    }
    everywhere = ("stages", "one") if workload.name == "live" else ENGINE
    chosen = [jobs[part] for part in everywhere if part in parts and part in jobs]
    return chosen + (_rules(workload, redis_url) if "rules" in parts else [])


def _rules(workload: Workload, redis_url: str) -> list[_Job]:
    return [
        _Job(
            "rules",
            f"{workload.name}, {name}",
            partial(_with_rules, workload, redis_url, program),
        )
        for name, program in rules_growth.programs().items()
    ]


def _with_rules(workload: Workload, redis_url: str, program: Program, _run: int) -> Figures:
    return rules_growth.measure(workload, redis_url, program)


def _measure(jobs: Sequence[_Job], runs: int, report: Report, say: Callable[[str], None]) -> None:
    """Run by run, so that a machine that slows down does so for all."""
    found: dict[_Job, list[Figures]] = defaultdict(list)
    for run in range(runs):
        for job in jobs:
            say(f"run {run + 1} of {runs}: {job.line}, {job.table}")
            found[job].append(job.run(run))
    for job, figures in found.items():
        getattr(report, job.table)[job.line] = medians(figures)


if __name__ == "__main__":
    sys.exit(main())
