"""The generated rules of Prometheus: what is committed, what they read, whom they are about, and where they lead."""

import asyncio
import re
from pathlib import Path

import pytest

from kpi_rules.rulebook import Rulebook
from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from loanpulse.deploy.alert import Alert, Recording
from loanpulse.deploy.figures import OFF_TARGET
from loanpulse.deploy.installation import Installation, span
from loanpulse.deploy.made import alerts, made
from loanpulse.deploy.open_cases import NAMES as CASE_ALERTS
from loanpulse.serve.exporter import SUFFIXES
from loanpulse.serve.families import KPI_FAMILIES
from loanpulse.serve.health_families import HEALTH_FAMILIES
from schemas.alert import SEVERITIES
from streams.runtime.in_force import RulesInForce
from streams.runtime.redis_client import connect
from tests.alert_lab import ALERTS, AT, BOOK, COMMITTED, GROUPS, NAMES, RULE, of
from tests.docs_lab import anchors
from tests.docs_tables import DOCS

RECORDINGS = [rule for group in GROUPS for rule in group.recordings]
RULES: list[Alert | Recording] = [*RECORDINGS, *ALERTS]
FAMILIES = {family.name + SUFFIXES.get(family.type, "") for family in (*KPI_FAMILIES, *HEALTH_FAMILIES)}


def figures_of(book: Rulebook) -> list[Alert]:
    return [alert for alert in alerts(book, AT) if alert.name.endswith(OFF_TARGET)]


def cases_of(book: Rulebook) -> list[Alert]:
    return [alert for alert in alerts(book, AT) if alert.name.endswith(tuple(CASE_ALERTS.values()))]


def test_the_committed_tree_is_what_the_packaged_catalogue_makes() -> None:
    committed = {
        str(path.relative_to(COMMITTED)): path.read_text() for path in COMMITTED.rglob("*") if path.is_file()
    }
    assert committed == made(BOOK, AT), "loanpulse rules prometheus --out deploy/prometheus"


def test_the_command_writes_the_tree_of_the_rules_and_settings_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, config, out = tmp_path / "rules", tmp_path / "organisation.json", tmp_path / "out"
    rules.mkdir()
    (rules / "speed.yaml").write_text(RULE + "    target: {at_most: 4 hours}\n")
    config.write_text('{"calendar": {"tz": "Europe/Amsterdam"}}')
    monkeypatch.setenv("LOANPULSE_RULES", str(rules))
    monkeypatch.setenv("LOANPULSE_CONFIG", str(config))
    monkeypatch.setenv("LOANPULSE_LINK_BASE", "https://pulse.bank.example/")
    words = ["rules", "prometheus", "--out", str(out), "--target", "serve-1:9464", "--target", "serve-2:9464"]
    assert outcome(lambda: app([*words, "--webhook", "https://hook.example/x"], standalone_mode=False)) == 0
    kpis = (out / "rules/loanpulse-kpis.yml").read_text()
    assert "https://pulse.bank.example/kpis/first_decision" in kpis
    assert "approval_rate" not in kpis
    assert "serve-2:9464" in (out / "prometheus.yml").read_text()
    alertmanager = (out / "alertmanager.yml").read_text()
    assert "https://hook.example/x" in alertmanager
    assert "Europe/Amsterdam" in alertmanager


@pytest.mark.parametrize(
    ("option", "value"), [("--target", "serve-1"), ("--alertmanager", "a b:1"), ("--webhook", "ftp://x/")]
)
def test_an_address_that_is_none_is_named(
    option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["rules", "prometheus", "--out", str(tmp_path / "out"), option, value]
    assert outcome(lambda: app(words, standalone_mode=False)) == 2
    assert capsys.readouterr().err.startswith(f"{option}: {value!r} is not ")
    assert not (tmp_path / "out").exists()


def test_rules_in_force_are_read_from_redis_and_none_in_force_is_said(
    redis_url: str, namespace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["rules", "prometheus", "--out", str(tmp_path), "--in-force", "--redis", redis_url]
    words += ["--namespace", namespace]
    assert outcome(lambda: app(words, standalone_mode=False)) == 1
    assert f"no rules are in force in the namespace {namespace}" in capsys.readouterr().err
    book = of("    target: {at_most: 4 hours}\n")

    async def begin() -> None:
        client = await connect(redis_url)
        await RulesInForce(client, namespace).begun_with(book, 0)
        await client.aclose()

    asyncio.run(begin())
    assert outcome(lambda: app(words, standalone_mode=False)) == 0
    assert {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*.yml")} == made(
        book, AT
    )


def test_every_expression_reads_families_that_there_are() -> None:
    recorded = {rule.name for rule in RECORDINGS}
    for rule in RULES:
        words = re.sub(r'"[^"]*"', "", rule.expr)
        names = set(re.findall(r"[a-z_:]*(?:loanpulse_\w+)(?::\w+)?|\bup\b", words))
        assert names, rule.name
        assert names <= FAMILIES | recorded | {"up"}, rule.name


def test_templates_and_proofs_read_families_that_there_are() -> None:
    for alert in ALERTS:
        said = " ".join(alert.templates().values())
        assert set(re.findall(r"loanpulse_\w+", said)) <= FAMILIES, alert.name
        proofs = [*(proof.seen for proof in alert.proofs), *alert.quiet]
        series = {re.match(r"\w+", seen.series)[0] for proof in proofs for seen in proof}  # type: ignore[index]  # each begins with its name
        assert series <= FAMILIES | {"up"}, alert.name


def test_a_recording_is_named_by_level_metric_and_operation() -> None:
    levels = "job|kpi|window|quantile|band|branch|topic|partition|state"
    for rule in RECORDINGS:
        assert re.fullmatch(rf"(?:{levels})(?:_(?:{levels}))*:loanpulse_\w+:(?:max|min)", rule.name), (
            rule.name
        )
    assert len({rule.name for rule in RECORDINGS}) == len(RECORDINGS)


def test_what_several_readers_show_counts_once() -> None:
    """Raw series stand within an aggregation over instances; the alerts about one reader alone are told apart by it."""
    about_one = {"LoanPulseReaderDown", "LoanPulseReaderStale"}
    aggregated = re.compile(r"(?:max|min) without \(instance\) \([^()]*(?:\([^()]*\))?\)")
    for rule in RULES:
        left = re.sub(r"[a-z_]+:loanpulse_\w+:\w+", "", aggregated.sub("", rule.expr))
        assert ("loanpulse_" in left) == (
            rule.name in about_one - {"LoanPulseReaderDown"} | {"LoanPulseAbsent"}
        )


def test_every_rule_with_a_target_has_an_alert_with_its_window_and_its_time() -> None:
    wanted = {rule.id: rule for rule in BOOK.rules if rule.targets}
    found = {alert.labels["kpi"]: alert for alert in figures_of(BOOK)}
    assert found.keys() == wanted.keys()
    for kpi, alert in found.items():
        window = wanted[kpi].alert_window(wanted[kpi].targets[-1].window)
        assert f'window="{window}"' in alert.expr
        assert (alert.held_seconds, alert.severity) == (900, SEVERITIES["off_target"])


def test_open_cases_alert_for_durations_with_a_target_and_for_what_has_a_due_date() -> None:
    kpis = {
        "turnaround_time",
        "response_time",
        "team_response_time",
        "complaint_resolution_time",
        "training_completion",
        "regulatory_training_completion",
        "regulatory_updates_implemented",
    }
    found = {(alert.labels["kpi"], alert.name, alert.severity) for alert in cases_of(BOOK)}
    assert found == {
        (kpi, f"LoanPulse{name}", SEVERITIES[band]) for kpi in kpis for band, name in CASE_ALERTS.items()
    }


def test_a_rule_says_in_which_window_and_after_how_long_or_never() -> None:
    (alert,) = figures_of(of("    target: {at_most: 4 hours}\n    alert: {window: 30d, for: 2 hours}\n"))
    assert 'window="30d"' in alert.expr
    assert (alert.held_seconds, alert.kept_seconds) == (7200, 7200)
    (alert,) = figures_of(of("    target: {at_most: 4 hours}\n    min_samples: 3\n"))
    assert 'window="7d"} >= 3' in alert.expr
    assert figures_of(of("    target: {at_most: 4 hours}\n    alert: null\n")) == []


def test_an_organisations_own_target_alerts_also_where_the_rule_has_none() -> None:
    book = of("", targets={"first_decision": {"at_most": "2 hours", "window": "30d"}})
    (alert,) = figures_of(book)
    assert 'window="30d"' in alert.expr
    assert [alert.labels["kpi"] for alert in cases_of(book)] == ["first_decision"] * 2
    assert figures_of(of("")) == cases_of(of("")) == []


def test_links_lead_to_the_kpi_its_cases_and_the_runbook() -> None:
    at = Installation(link_base="https://pulse.example/", runbooks="https://wiki.example/alerting")
    by_name = {alert.name: alert for alert in alerts(of("    target: {at_most: 4 hours}\n"), at)}
    said = by_name["LoanPulseCasesAtRisk"].templates()
    assert said["dashboard_url"] == "https://pulse.example/kpis/first_decision"
    assert said["cases_url"].startswith("https://pulse.example/cases?at_risk=1&kpi=first_decision")
    assert said["runbook_url"] == "https://wiki.example/alerting#loanpulsecasesatrisk"
    assert by_name["LoanPulseKpiOffTarget"].templates()["cases_url"].endswith("&kpi=first_decision")


def test_every_alert_has_a_section_that_says_what_to_do() -> None:
    page = DOCS / "alerting.md"
    headings = set(re.findall(r"^### (LoanPulse\w+)$", page.read_text(), re.MULTILINE))
    assert headings == set(NAMES)
    links = {alert.annotations["runbook_url"] for alert in ALERTS}
    assert {link.partition("#")[2] for link in links} <= anchors(page)


def test_lengths_are_written_as_prometheus_reads_them() -> None:
    assert [span(seconds) for seconds in (0, 0.25, 60, 5400, 90_061)] == [
        "0s",
        "250ms",
        "1m",
        "1h30m",
        "25h1m1s",
    ]
    assert Installation(pace=0.01).span(900) == "9s"
