"""The benchmark runs, and its figures are about what it says."""

import json
from pathlib import Path

import pytest

from bench import event_types, rules_growth, run
from bench.alert_times import Alert, waited
from bench.deploy import Deploy, changed
from bench.open_cases import OpenCases
from bench.open_store import KPI, Probe, write_organisation
from bench.report import Report
from bench.stages import STAGES
from bench.stored import folded
from bench.watching import Arrived, Phase, Sample, latencies
from bench.workload import ZONE, Workload, history, live
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.process import ServerError
from schemas.registry import EVENT_TYPES
from streams.calculus.case import decode_case
from streams.calculus.open_cases import Band
from streams.runtime.rulebook import compile_program, program_of, read_rulebook
from streams.runtime.settings import Settings

DEPLOY = Deploy(cases=2_000, days=5, scale=0.05, rate=50, quiet_seconds=1)
ALERTS = OpenCases(cases=3_000, idle_seconds=1, probes=5, burst=20, lead_seconds=6)
SIZE = run.Size(days=10, scale=0.3, live_events=0, runs=1, parts=run.PARTS, deploy=DEPLOY, alerts=ALERTS)


@pytest.mark.servers
def test_every_part_of_the_benchmark_gives_figures(kafka: Kafka, redis_url: str, tmp_path: Path) -> None:
    settings = Settings(kafka=kafka.bootstrap, redis=redis_url, home=tmp_path)
    report = run.measure(("stages", "one", "stock", "rules", "types"), SIZE, settings, lambda _: None)
    found = report.stages["history"]
    assert all(f"worker µs: {stage}" in found for stage in ("fetch", *STAGES))
    assert found["worker µs: in all"] > found["worker µs: observe"] > 0
    assert found["redis µs: in all"] > 0
    engine, stock = (report.end_to_end[f"history, {name}"] for name in ("1 worker", "stock Faust"))
    assert engine["worker µs"] > 0
    assert engine["redis µs"] > 0
    assert stock["worker µs"] > 0
    assert 0 < stock["decided"] < stock["events"]
    assert [name.partition(",")[0] for name in report.rules] == ["history"] * 3
    assert all(of["of it observe to encode"] > 0 for of in report.rules.values())
    assert "loan.funded" in report.event_types


@pytest.mark.servers
def test_rules_are_deployed_and_taken_back_over_a_filled_store(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    settings = Settings(kafka=kafka.bootstrap, redis=redis_url, home=tmp_path, partitions=2)
    found = run.measure(("deploy",), SIZE, settings, lambda _: None).deployment
    assert all(figures["cases"] >= DEPLOY.cases for figures in found.values())
    for name in ("nothing else to do", "rules deployed", "two versions written", "rules rolled back"):
        assert found[name]["board age s, p99"] > 0
        assert found[name]["redis CPU s"] > 0
    assert found["two versions written"]["redis MB"] > found["nothing else to do"]["redis MB"]
    assert found["nothing else to do"]["events"] > 0
    assert found["verify"]["its own CPU s"] > 0


@pytest.mark.servers
@pytest.mark.slow
def test_open_cases_are_watched_while_nothing_happens_and_told_when_they_are_at_risk(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    settings = Settings(kafka=kafka.bootstrap, redis=redis_url, home=tmp_path, partitions=2)
    found = run.measure(("alerts",), SIZE, settings, lambda _: None).open_cases
    made, idle = (found[f"{name}, 3,000 open"] for name in ("panes made", "idle"))
    assert all(made[f"redis bytes a case: {name}"] > 0 for name in ("case", "open log", "watch"))
    assert idle.keys() == found["idle, 1,000 open"].keys()
    for name, probes in (("at risk one by one", ALERTS.probes), ("at risk at once", ALERTS.burst)):
        told = found[f"{name}, 3,000 open"]
        assert told["alerts"] == probes
        assert told["at risk to topic s, p50"] > 0
    counted = found["the board's count, 3,000 open"]
    assert counted["open"] == ALERTS.cases + ALERTS.probes + ALERTS.burst
    assert counted["figures of all members ms"] > 0


def test_a_probe_is_at_risk_at_the_instant_that_it_names(tmp_path: Path) -> None:
    organisation = tmp_path / "organisation.json"
    write_organisation(organisation)
    (watch,) = [watch for watch in compile_program(None, organisation, ZONE).watches if watch.rule.id == KPI]
    at_risk_ms = 1_774_700_000_000  # a day before clocks change
    probe = Workload("", "", [Probe("p", at_risk_ms).raw(0)])
    ((blob,),) = (cases.values() for cases in folded(probe).values())
    opened = watch.opened(decode_case(blob))
    assert opened is not None
    assert [opened.band(at_risk_ms + ms) for ms in (-1, 0)] == [Band.WARNING, Band.AT_RISK]


def test_a_probe_waits_from_its_being_at_risk_until_its_alert_is_there() -> None:
    probes = [Probe("a", 1_000), Probe("b", 2_000)]
    found = waited(probes, [Alert("b", 2_100), Alert("a", 1_400), Alert("other", 0)])
    assert (found["at risk to topic s, p50"], found["at risk to topic s, max"]) == (0.4, 0.4)
    for alerts in ([Alert("a", 1_400)], [Alert("a", 1_400), Alert("b", 2_100), Alert("b", 2_200)]):
        with pytest.raises(ServerError, match="1 of 2 probes were not told once; the first, b"):
            waited(probes, alerts)


def test_the_first_ten_rules_are_measured_against_all_and_all_thrice() -> None:
    ten, every, thrice = (len(program.rules) for program in rules_growth.programs().values())
    assert ten == 10
    assert thrice == rules_growth.COPIES * every


def test_lines_are_compared_with_the_first_of_their_workload() -> None:
    rates = {"a, ten": 200.0, "a, all": 150.0, "b, ten": 100.0, "b, all": 40.0}
    found = rules_growth.compared({name: {"events/s a core": rate} for name, rate in rates.items()})
    assert [line["less events/s %"] for line in found.values()] == [0, 25, 0, 60]


def test_an_event_type_is_measured_by_the_rules_that_look_at_it() -> None:
    workload = history(10, 0.05)
    found = rules_growth.by_type(workload, 1, lambda _: None)
    assert sum(figures["events"] for figures in found.values()) <= len(workload.records)
    answered, funded = found["query.answered"], found["loan.funded"]
    assert answered["measures of 10 rules"] == 1
    assert funded["measures of 10 rules"] > 1
    assert all(of["µs, 10 rules"] > 0 for of in (answered, funded))


def test_every_change_of_a_workload_is_a_step_of_its_event_type() -> None:
    workload = history(5, 0.02)
    program, *_ = rules_growth.programs().values()
    steps = event_types.steps_of(workload, program)
    cases = {step.change.identity for of in steps.values() for step in of}
    assert cases == {identity for of in folded(workload).values() for identity in of}
    for name, of in steps.items():
        assert {step.change.types for step in of} == {frozenset({EVENT_TYPES[name].code})}


def test_the_changed_rules_need_other_panes() -> None:
    book = read_rulebook(None, None, ZONE)
    assert program_of(changed(book)).digest != program_of(book).digest


def test_an_event_waits_from_its_sending_until_its_ledger_has_it() -> None:
    first, second = (Sample(at, [position], 1, None, "", 0) for at, position in ((1_000, 3), (2_500, 5)))
    phase = Phase(0, 3_000, {}, [first, second])
    found = latencies([phase], [Arrived(0, 2, 900), Arrived(0, 3, 900), Arrived(0, 5, 900)])
    assert found == [
        {
            "event to commit s, p50": 1.6,
            "event to commit s, p99": 1.6,
            "event to commit s, max": 1.6,
            "events": 2,
        }
    ]


def test_the_live_workload_has_as_many_events_as_were_asked_for() -> None:
    assert len(live(300).records) == 300


def test_a_report_is_written_as_json_and_as_markdown_tables(tmp_path: Path) -> None:
    report = Report(
        runs=3, stages={"live": {"worker µs: decode": 1.234}}, end_to_end={"a": {"events/s": 20_000}}
    )
    as_json, as_text = report.write(tmp_path)
    assert json.loads(as_json.read_text())["stages"] == {"live": {"worker µs: decode": 1.234}}
    lines = as_text.read_text().splitlines()
    assert "| worker µs: decode | 1.23 |" in lines
    assert "| a |   20,000 |" in lines
