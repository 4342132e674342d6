"""`loanpulse events`: the contract as other languages need it."""

import json
from pathlib import Path

import pytest

from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from schemas.json_schema import json_schemas
from schemas.registry import EVENT_TYPES


def run(*arguments: str) -> int:
    return outcome(lambda: app(list(arguments), prog_name="loanpulse", standalone_mode=False))


def test_every_type_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("events", "list") == 0
    words = capsys.readouterr().out.split()
    assert set(EVENT_TYPES) <= set(words)


def test_one_schema_is_printed_and_all_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("events", "schema", "loan.funded") == 0
    assert json.loads(capsys.readouterr().out) == json_schemas()["loan.funded"]
    assert run("events", "schema", "--out", str(tmp_path / "new")) == 0
    written = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "new").glob("*.json")}
    assert written == json_schemas()


def test_an_unknown_type_names_its_nearest_and_nothing_at_all_says_what_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("events", "schema", "loan.fundd") == 2
    assert "did you mean 'loan.funded'?" in capsys.readouterr().err
    assert run("events", "schema") == 2
    assert "--out" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert run("events", "schema", "--out", str(tmp_path / "file")) == 2
    assert "--out" in capsys.readouterr().err
