"""The documentation says what the code does: its tables, names, commands, examples and links."""

import ast
import json
import re
from pathlib import Path
from types import ModuleType
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import BaseModel

from kpi_rules import measures, model
from kpi_rules.lint import UNITS, lint
from kpi_rules.loader import load, rulebook
from kpi_rules.organisation import Organisation
from loanpulse.intake import mapping as mappings
from loanpulse.intake.mapping_file import parse_mapping
from loanpulse.intake.sources import read_events
from loanpulse.pages.write import made
from loanpulse.serve.exporter import SUFFIXES
from loanpulse.serve.families import KPI_FAMILIES
from loanpulse.serve.health_families import HEALTH_FAMILIES
from schemas.alert import decode_alert, encode_alert
from schemas.decode import Rejected, decode
from schemas.event import Event
from schemas.registry import EVENT_TYPES, TOPICS
from schemas.rejected import Reason
from streams.calculus.fold import Fate
from streams.runtime.rulebook import organisation_of, read_rules
from streams.runtime.settings import Settings, variable
from tests.docs_lab import LINK, anchors, block, blocks, command_lines, demand, demand_named, demand_settings
from tests.docs_tables import DOCS, REGION, ROOT, TABLES, kpis, pages, written

README = ROOT / "README.md"
CHANGELOG = ROOT / "CHANGELOG.md"
KPI_PAGES = [DOCS / "kpis.md", *(DOCS / "kpis").glob("*")]
ALL = [*pages(), CHANGELOG, *KPI_PAGES[1:]]
TEXT = "\n".join(page.read_text() for page in ALL)
REMAKE = "make it anew: python -m tests.docs_tables"


def documented(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_tables_are_those_of_the_code(page: Path) -> None:
    assert page.read_text() == written(page.read_text()), REMAKE


def test_every_table_has_its_place() -> None:
    places = [name for page in pages() for name, _ in REGION.findall(page.read_text())]
    assert sorted(places) == sorted(TABLES)


def test_the_pages_of_kpis_are_those_of_the_rules_and_no_other_is_left() -> None:
    written_now = {str(path.relative_to(DOCS)): path.read_text() for path in KPI_PAGES}
    assert written_now == kpis(), REMAKE


def test_a_variable_that_is_named_is_a_setting() -> None:
    assert set(re.findall(r"LOANPULSE_[A-Z_]*[A-Z]", TEXT)) == {
        variable(field) for field in Settings.model_fields
    }


def test_a_metric_that_is_named_is_a_family() -> None:
    known = {family.name + SUFFIXES.get(family.type, "") for family in (*KPI_FAMILIES, *HEALTH_FAMILIES)}
    assert known <= set(re.findall(r"loanpulse_\w+", documented("metrics")))
    assert set(re.findall(r"\bloanpulse_\w+", TEXT)) <= known


def test_labels_of_queries_are_those_of_their_family() -> None:
    labels = {family.name + SUFFIXES.get(family.type, ""): family.labels for family in KPI_FAMILIES}
    for found in blocks("promql"):
        for family, selector in re.findall(r"(loanpulse_\w+)\{([^}]*)\}", found.text):
            assert set(re.findall(r"(\w+)=", selector)) <= set(labels[family])


def test_queries_begin_with_max_without_instance() -> None:
    for found in blocks("promql"):
        for line in found.text.splitlines():
            assert "max without (instance) (" in line or line.startswith("absent("), line


def reasons_of_admission() -> set[str]:
    """The reasons that admission gives, read from its source."""
    source = (ROOT / "streams/runtime/admission.py").read_text()
    places = {"DeadLetter": 1, "_Misplaced": 0}
    return {
        node.args[places[node.func.id]].value  # type: ignore[attr-defined]  # those that are no constant are filtered
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places
        if isinstance(node.args[places[node.func.id]], ast.Constant)
    }


def test_each_reason_for_a_dead_letter_is_told_with_what_to_do() -> None:
    reasons = {*get_args(Reason), *reasons_of_admission(), Fate.EXPIRED.value}
    section = documented("events").partition("## Dead letters")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == reasons


def test_each_stop_is_told_with_the_way_out() -> None:
    """A row's first words stand in the message that the code stops with."""
    section = documented("operations").partition("## Stops")[2].partition("These are no stops")[0]
    told = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    source = "".join(path.read_text() for path in (ROOT / "streams/runtime").glob("*.py"))
    for message in told:
        for part in filter(None, message.split("…")):
            assert part.strip(": ") in source, message
    assert len(told) == len(re.findall(r"(?<!class )PartitionStopped\(", source))


def test_every_event_type_topic_and_kind_of_measure_is_told() -> None:
    assert set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", documented("events"), re.MULTILINE)) == set(
        EVENT_TYPES
    )
    assert set(re.findall(r"^\| `([a-z]+-[a-z]+)` \|", documented("events"), re.MULTILINE)) == set(TOPICS)
    kinds = documented("rules").partition("## Kinds of measures")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", kinds, re.MULTILINE)) == set(UNITS)


def members(*modules: ModuleType) -> set[str]:
    """The names that the models of some modules give their members in a file."""
    kinds = [kind for module in modules for kind in vars(module).values() if isinstance(kind, type)]
    models = [kind for kind in kinds if issubclass(kind, BaseModel)]
    return {field.alias or name for kind in models for name, field in kind.model_fields.items()}


def test_every_member_of_a_rule_file_a_mapping_and_an_organisation_is_told() -> None:
    words = {
        name: set(re.findall(r"\w+", documented(name)))
        for name in ("rules", "replay-mapping", "organisation")
    }
    assert members(measures, model) <= words["rules"]
    assert members(mappings) - {"file"} <= words["replay-mapping"]
    schema = Organisation.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    assert {name for part in parts for name in part["properties"]} <= words["organisation"]


def test_the_readme_is_at_most_150_lines() -> None:
    assert len(README.read_text().splitlines()) <= 150


def test_links_lead_somewhere() -> None:
    for page in [*ALL, *(DOCS / "adr").glob("*.md")]:
        for target, anchor in LINK.findall(page.read_text()):
            if target.startswith("https://"):
                continue
            place = (page.parent / target).resolve() if target else page
            assert place.exists(), f"{page.name}: {target}"
            assert not anchor or anchor[1:] in anchors(place), f"{page.name}: {target}{anchor}"


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {(README.parent / target).resolve() for target, _ in LINK.findall(README.read_text())}
    assert {page for page in pages() if page != README} <= linked


def test_commands_that_are_shown_exist_with_their_options() -> None:
    seen = 0
    for page, words in command_lines():
        if words[0] == "loanpulse":
            demand(words[1:])
            seen += 1
        elif words[0] == "export":
            demand_settings(words[1:])
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
        else:
            assert words[0] in ("curl", "sed"), f"{page.name}: {words}"
    assert seen > 20


def test_commands_within_the_text_exist() -> None:
    for words in re.findall(r"`loanpulse ((?!COMMAND)[^`]+)`", TEXT):
        demand_named(words.split())


def test_every_sample_is_of_a_kind_that_is_checked() -> None:
    kinds = {(found.language, found.kind) for found in blocks()}
    assert kinds == {
        ("sh", ""), ("text", ""), ("promql", ""), ("yaml", "prometheus"), ("csv", "loans.csv"),
        ("csv", "book.csv"), ("yaml", "mapping"), ("csv", "roster.csv"), ("yaml", "roster"),
        ("yaml", "routes"), ("yaml", "alertmanager"), ("python", "verify"),
        ("yaml", "rules/funding.yaml"), ("yaml", "rules/funding.yaml+"), ("yaml", "rules/examples/funding.yaml"),
        ("yaml", "rules"), ("yaml", "examples"), ("yaml", "goals"), ("yaml", "targets"), ("json", "event"), ("json", "alert"),
        ("json", "organisation"), ("json", "board"), ("jsonl", "events.jsonl"),
    }  # fmt: skip


def test_sample_events_are_valid() -> None:
    for found in blocks(kind="event"):
        decode(found.text.encode())


def test_the_sample_of_an_alert_is_one_with_every_member_that_alerts_of_a_case_have() -> None:
    (sample,) = blocks(kind="alert")
    said, event = json.loads(sample.text), decode_alert(sample.text.encode())
    whole = json.loads(encode_alert(event))
    assert said == whole | {
        "data": {name: value for name, value in whole["data"].items() if value is not None}
    }
    assert {"case", "due", "due_local", "used_seconds", "link", "rules"} <= said["data"].keys()


def test_the_sample_of_a_scrape_is_yaml_and_names_the_port() -> None:
    (config,) = yaml.safe_load(block("prometheus", "metrics.md"))["scrape_configs"]
    port = str(Settings().serve_port)
    assert all(target.endswith(port) for job in config["static_configs"] for target in job["targets"])


def test_the_sample_rules_load_and_are_smart() -> None:
    loaded = load("docs/rules.md", block("rules", "rules.md"))
    for rule in rulebook([loaded]):
        assert not lint(rule), rule.id


def test_the_sample_goals_can_be_followed() -> None:
    rules = {rule.id: rule for loaded in read_rules(None) for rule in loaded.content.rules}
    for kpi, said in yaml.safe_load(block("goals", "rules.md")).items():
        assert not lint(rules[kpi].model_copy(update={"goal": model.Goal.model_validate(said)})), kpi


def test_the_sample_targets_are_smart() -> None:
    rules = {rule.id: rule for loaded in read_rules(None) for rule in loaded.content.rules}
    for kpi, said in yaml.safe_load(block("targets", "rules.md")).items():
        targets = [model.Target.model_validate(target) for target in said]
        assert not lint(rules[kpi].model_copy(update={"targets": targets})), kpi


def test_the_sample_example_is_worked_out_on_the_page_of_the_sample_rules(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "speed.yaml").write_text(block("rules", "rules.md"))
    (tmp_path / "examples/speed.yaml").write_text(block("examples", "rules.md"))
    assert "| A-1 | Mon 5 Jan 2026, 10:00 | 2 h, within the target |" in made(tmp_path)["kpis/speed.md"]


def test_the_sample_organisation_loads_and_names_kpis() -> None:
    organisation = organisation_of(
        "docs/organisation.md", json.loads(block("organisation", "organisation.md")), "UTC"
    )
    assert organisation.targets.keys() | organisation.goals.keys() <= {
        rule.id for loaded in read_rules(None) for rule in loaded.content.rules
    }
    assert organisation.calendar_of("munich").country == "DE-BY"
    assert organisation.calendar_of("airport").holidays == []


def mapped(tmp_path: Path) -> list[Event]:
    """The events of the sample export under the sample mapping."""
    path = tmp_path / "loans.csv"
    path.write_text(block("loans.csv", "replay-mapping.md"))
    mapping = parse_mapping(block("mapping", "replay-mapping.md"), "loans.yaml")
    zone = ZoneInfo(Organisation.model_validate(mapping.organisation).tz)
    return [decode(raw.value) for raw in read_events(path, mapping, zone)]


def test_the_sample_mapping_makes_of_the_sample_export_what_is_said(tmp_path: Path) -> None:
    events = mapped(tmp_path)
    assert [(event.type.name, event.subject) for event in events] == [
        ("application.submitted", "loan-7"),
        ("application.decided", "loan-7"),
        ("application.submitted", "loan-8"),
        ("application.decided", "loan-8"),
        ("loan.funded", "loan-7"),
    ]
    assert decode(block("event", "replay-mapping.md").encode()) == events[2]
    assert "applies 5 events" in documented("replay-mapping")


def test_the_sample_log_counts_as_its_sample_board_says() -> None:
    lines = block("events.jsonl", "README.md").splitlines()
    board = json.loads(block("board", "README.md"))
    assert sum(board["events"].values()) == len(lines)
    later = [line for line in lines if json.loads(line)["time"] > board["as_of"]]
    assert len(later) == board["events"]["not_yet"]
    assert sum(map(is_rejected, lines)) == board["events"]["dead_letter"]
    assert len(lines) - len(set(lines)) == board["events"]["duplicate"]


def is_rejected(line: str) -> bool:
    try:
        decode(line.encode())
    except Rejected:
        return True
    return False
