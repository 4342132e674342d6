"""`loanpulse rules`: what it lists, shows and finds wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app

GOOD = """\
kra: sales
title: Sales
rules:
  - id: decided
    wording: Decisions
    says: Applications decided, counted at the decision's time.
    unit: count
    by: lending
    measure: {kind: count, anchor: application.decided}
    relevant: Work that is done is what is sold.
    target: {at_least: 5, warning_at: 7}
"""


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line: exit code, standard output, standard error."""
    monkeypatch.delenv("LOANPULSE_RULES", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = outcome(lambda: app(list(arguments), prog_name="loanpulse", standalone_mode=False))
        return code, *capsys.readouterr()

    return run


Run = Callable[..., tuple[int, str, str]]


def test_the_catalogue_is_listed_by_area(run: Run) -> None:
    code, out, _ = run("rules", "list")
    assert code == 0
    assert "Application processing" in out
    assert "turnaround_time" in out
    assert "5 business days" in out


def test_a_directory_of_ones_own_replaces_the_catalogue(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD)
    code, out, _ = run("rules", "list", "--rules", str(tmp_path))
    assert code == 0
    assert "decided" in out
    assert "turnaround_time" not in out


def test_a_rule_is_shown_with_its_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD)
    code, out, _ = run("rules", "show", "decided", "--rules", str(tmp_path))
    assert code == 0
    assert out.startswith(f"# {path}:4, Sales\n")
    assert "anchor: application.decided" in out


def test_an_unknown_rule_is_bad_input_that_names_the_nearest(run: Run) -> None:
    code, _, err = run("rules", "show", "turnaround_tim")
    assert code == 2
    assert "did you mean 'turnaround_time'" in err
    assert err.count("\n") == 1


def test_the_catalogue_is_smart(run: Run) -> None:
    code, out, _ = run("rules", "lint")
    assert code == 0
    assert "are SMART" in out


def test_a_rule_that_is_not_smart_fails_with_file_line_and_field(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD.replace("    target: {at_least: 5, warning_at: 7}\n", ""))
    code, out, _ = run("rules", "lint", str(path))
    assert code == 1
    assert out.startswith(f"{path}:4: rules[0].target [A]: decided: has no target")


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("anchor: application.decided", "anchor: application.decide", 9, "rules[0].measure.anchor"),
        ("wording:", "wordng:", 5, "rules[0].wordng"),
        ("kra: sales", "kra: [", 3, "not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_with_file_line_and_field(
    run: Run, tmp_path: Path, old: str, new: str, line: int, field: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD.replace(old, new))
    code, out, err = run("rules", "lint", str(path))
    assert (code, out) == (2, "")
    assert err.startswith(f"{path}:{line}: {field}")
    assert err.count("\n") == 1


def test_a_file_that_is_not_there_is_bad_input(run: Run, tmp_path: Path) -> None:
    code, _, err = run("rules", "lint", str(tmp_path / "none.yaml"))
    assert code == 2
    assert "none.yaml" in err


def test_two_sets_that_say_the_same_differ_by_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD)
    (tmp_path / "other.yaml").write_text(f"# a remark\n{GOOD}")
    assert run("rules", "diff", str(tmp_path / "own.yaml"), str(tmp_path / "other.yaml")) == (0, "", "")
    assert run("rules", "diff", "catalogue", "catalogue") == (0, "", "")


def test_what_differs_is_told_in_words_with_exit_1(run: Run, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for side, text in ((old, GOOD), (new, GOOD.replace("application.decided", "loan.funded"))):
        side.mkdir()
        (side / "own.yaml").write_text(text)
    code, out, err = run("rules", "diff", str(old), str(new))
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "changed decided: Decisions",
        "  counted at: `application.decided` → `loan.funded`",
        "  its history is counted anew from the stored cases",
        "1 rule differs: 1 changed",
    ]


def test_the_catalogue_can_be_compared_with_and_so_can_organisations(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD)
    (tmp_path / "new.json").write_text('{"targets": {"decided": {"at_least": 9}}}')
    code, out, _ = run(
        "rules", "diff", "catalogue", str(tmp_path / "own.yaml"), "--new-config", str(tmp_path / "new.json")
    )
    assert code == 1
    assert "added decided: Decisions" in out
    assert "removed turnaround_time: Turnaround time for application processing" in out
    assert "  target of decided: the rule's → ≥ 9" in out


def test_a_side_that_cannot_be_read_is_bad_input(run: Run, tmp_path: Path) -> None:
    code, out, err = run("rules", "diff", "catalogue", str(tmp_path / "none"))
    assert (code, out) == (2, "")
    assert str(tmp_path / "none") in err


def test_a_kpi_is_found_by_the_business_s_words(run: Run) -> None:
    code, out, _ = run("rules", "find", "turnaround")
    assert code == 0
    assert "turnaround_time" in out
    assert "Application processing" in out
    assert "application_processing.yaml:" in out


def test_several_words_may_be_given_and_a_slip_is_mended_and_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD)
    code, out, err = run("rules", "find", "Decisoins", "sold", "--rules", str(tmp_path))
    assert code == 0
    assert f"{tmp_path}/own.yaml:4" in "".join(out.split())
    assert err == "nothing is found for 'Decisoins sold'; this is for 'decisions sold'\n"


def test_what_is_not_found_fails(run: Run) -> None:
    code, out, err = run("rules", "find", "xyzzy")
    assert (code, out) == (1, "")
    assert err == "nothing is found for 'xyzzy': see loanpulse rules list\n"


def test_the_schema_of_rule_files_is_printed(run: Run) -> None:
    code, out, _ = run("rules", "schema")
    assert code == 0
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
