"""Rules and the organisation's file: what cannot be used is told in one line with file, line, place and the way out."""

import json
from pathlib import Path
from typing import Any

import pytest

from kpi_rules.loader import RuleError
from streams.runtime.rulebook import (
    ConfigError,
    compile_program,
    organisation_of,
    read_organisation,
    read_rules,
)


def config(directory: Path, text: str | bytes | dict[str, Any]) -> Path:
    path = directory / "organisation.json"
    if isinstance(text, bytes):
        path.write_bytes(text)
    else:
        path.write_text(text if isinstance(text, str) else json.dumps(text, indent=2))
    return path


BAD = {
    '{\n "tz": "UTC",\n "calender": {}\n}': ":3: calender: is not known here: did you mean 'calendar'?",
    '{\n "tz": "Mars"\n}': ":2: tz: 'Mars' is not an IANA time zone such as Europe/Amsterdam",
    '{\n\t"calendar": {\n\t\t"weekly": {"mon": [["09:00", "25:00"]]}\n\t}\n}': ":3: calendar.weekly: '25:00' is not a wall time",
    '{"targets": {\n "turnaround_tim": 5}}': ":2: targets.turnaround_tim: is not a KPI: did you mean 'turnaround_time'?",
    '{"targets": {\n "turnaround_time": "4 fortnights"}}': (
        ":2: targets.turnaround_time.at_most: '4 fortnights' is not a length of time: write e.g. 4 hours"
    ),
    '{"targets": {"approval_rate":\n {"at_most": "4 hours",\n "at_least": 0.5}}}': (
        ":2: targets.approval_rate.at_most: is a length of time, but the rule measures none: write a number"
    ),
    '{"targets": {\n"approval_rate": {"at_most": 1,\n "atleast": 0.5}}}': (
        ":3: targets.approval_rate.atleast: is not known here: did you mean 'at_least'?"
    ),
    '{"system_users":\n 5}': ":1: system_users: is 5: ",
    "[]": ":1: must be a JSON object, not list",
    '{\n "tz": ': ":2: not JSON: ",
    "": ":1: not JSON: ",
}


@pytest.mark.parametrize("text", BAD)
def test_a_wrong_organisation_is_one_line_with_file_line_place_and_value(tmp_path: Path, text: str) -> None:
    path = config(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        compile_program(None, path, "UTC")
    message = str(caught.value)
    assert message.startswith(f"{path}{BAD[text]}")
    assert "\n" not in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json: cannot be read: No such file"):
        read_organisation(tmp_path / "nowhere.json", "UTC")
    with pytest.raises(ConfigError, match=r"organisation\.json: not UTF-8 text"):
        read_organisation(config(tmp_path, b'{"tz": "\xff"}'), "UTC")


def test_a_document_without_a_file_is_called_by_its_name() -> None:
    with pytest.raises(ConfigError, match=r"^simulated: system_users: is 7: "):
        organisation_of("simulated", {"system_users": 7}, "UTC")


def test_an_organisation_that_names_no_zone_has_the_settings_one(tmp_path: Path) -> None:
    assert read_organisation(None, "Asia/Kolkata").tz == "Asia/Kolkata"
    assert read_organisation(config(tmp_path, {}), "Asia/Kolkata").tz == "Asia/Kolkata"
    assert read_organisation(config(tmp_path, {"tz": "Asia/Tokyo"}), "Asia/Kolkata").tz == "Asia/Tokyo"


@pytest.mark.parametrize(
    "change",
    [{"tz": "Asia/Tokyo"}, {"targets": {"turnaround_time": 60}}, {"calendar": {"holidays": ["2026-04-06"]}}],
)
def test_what_changes_the_figures_changes_the_digest(tmp_path: Path, change: dict[str, Any]) -> None:
    plain = compile_program(None, config(tmp_path, {}), "UTC")
    assert compile_program(None, None, "UTC").digest == plain.digest
    assert compile_program(None, config(tmp_path, change), "UTC").digest != plain.digest


def test_the_rules_that_come_with_it_are_read_in_the_order_of_their_files() -> None:
    names = [loaded.name for loaded in read_rules(None)]
    assert len(names) > 5
    assert names == sorted(names)


def test_a_directory_without_rules_measures_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"has no [*]\.yaml file, so there is nothing to measure"):
        read_rules(tmp_path)
    with pytest.raises(RuleError, match="not a directory"):
        read_rules(tmp_path / "nowhere")


RULES = """\
kra: own
title: Own
rules:
  - id: own_time
    wording: Time from lead to application
    says: Time from lead to application.
    unit: seconds
    by: lending
    measure: {kind: duration, clock: business, since: application.submitted, anchor: application.decided}
    target:
      at_most: 4 fortnights
"""


def test_a_target_that_is_no_length_is_found_before_an_event_is_measured_by_it(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(RULES)
    with pytest.raises(RuleError) as caught:
        compile_program(tmp_path, None, "UTC")
    message = str(caught.value)
    assert message.startswith(f"{path}:11: rules[0].target.at_most: '4 fortnights' is not a length of time")
    path.write_text(RULES.replace("4 fortnights", "4 hours"))
    assert [measure.rule.id for measure in compile_program(tmp_path, None, "UTC").measures] == ["own_time"]


def test_a_rule_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_bytes(b"\xff")
    with pytest.raises(RuleError, match=r"own\.yaml: cannot be read"):
        compile_program(tmp_path, None, "UTC")
