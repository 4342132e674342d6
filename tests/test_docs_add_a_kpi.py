"""The tutorial is true: whoever follows it step by step sees what it shows, on real servers."""

import os
from pathlib import Path

import pytest

from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.servers import Endpoints
from tests.docs_tables import DOCS
from tests.tutorial_lab import Reader, Step, is_as_shown, reader_beside_a_lender, steps

PAGE = DOCS / "add-a-kpi.md"


@pytest.mark.servers
@pytest.mark.slow
def test_whoever_follows_the_tutorial_sees_what_it_shows(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    told = steps(PAGE.read_text())
    with reader_beside_a_lender(Endpoints(kafka.bootstrap, redis_url), tmp_path) as reader:
        for step in told:
            reader.follow(step)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("30d  17.7 h✗  912  90 % ≤ 16 working h", "30d 8.0 h 1,044 90 % ≤ 16 working h"),
        ("a\nb\nc\nd", "a\n…\nd"),
        ("the rules 71942459bd2408d1 are in force", "the rules 4d7dba84e1236664 are in force"),
        ('kpi_ratio{window="30d"} 0.25', 'kpi_ratio{window="30d"} 0.3'),
    ],
)
def test_figures_of_another_lender_and_lines_left_out_are_as_shown(said: str, shown: str) -> None:
    assert is_as_shown(said, shown)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("90 % ≤ 16 working h", "90 % ≤ 15 working h"),
        ("rules/funding.yaml:16: no field", "rules/funding.yaml:17: no field"),
        ('loanpulse_kpi_target{bound="at_most"} 0.25', 'loanpulse_kpi_target{bound="at_most"} 0.3'),
        ('kpi_ratio{window="30d"} 0.25', 'kpi_ratio{window="90d"} 0.25'),
        ("a\nb\nc", "a\nc"),
        ("a\nb", "a\n…\nb\nc"),
    ],
)
def test_another_target_line_label_or_message_is_not_as_shown(said: str, shown: str) -> None:
    assert not is_as_shown(said, shown)


def test_a_step_that_prints_something_else_is_told(tmp_path: Path) -> None:
    reader = Reader(tmp_path, dict(os.environ), "http://127.0.0.1:1")
    reader.follow(Step("rules/own.yaml", "a: 1\n"))
    reader.follow(Step("rules/own.yaml+", "b: 2\n"))
    reader.follow(Step(text="cat rules/own.yaml", shown="a: 1\nb: 2\n"))
    with pytest.raises(AssertionError, match="prints now"):
        reader.follow(Step(text="cat rules/own.yaml", shown="a: 1\nc: 2\n"))
    with pytest.raises(AssertionError, match="No such file"):
        reader.follow(Step(text="cat missing"))


def test_the_tutorial_shows_what_each_of_its_commands_prints() -> None:
    told = steps(PAGE.read_text())
    assert all(step.file or step.shown for step in told)
    assert len(told) > 15
