"""What a clone must bring along: licence, targets of make, what is ignored, how a change is judged, the changelog's form."""

import re
import shlex
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = {"setup", "run", "check", "test", "bench", "clean"}
KINDS_OF_CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def plan(target: str) -> str:
    """The commands that make would run."""
    return subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "--always-make", target],  # noqa: S607  # make is where it is
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def test_the_licence_is_apache_2_in_full() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert re.match(r"\s+Apache License\s+Version 2\.0, January 2004\n", text)
    sections = re.findall(r"^   (\d)\. \w", text, re.MULTILINE)
    assert sections == [str(number) for number in range(1, 10)]
    assert "END OF TERMS AND CONDITIONS" in text
    assert PYPROJECT["project"]["license"] == "Apache-2.0"


def test_make_has_its_targets_and_says_what_each_does() -> None:
    told = re.findall(r"@echo 'make (\w+)", MAKEFILE)
    assert set(told) == TARGETS
    for target in TARGETS:
        assert plan(target)


def test_make_run_is_the_demo_and_make_test_is_everything() -> None:
    assert "loanpulse demo" in plan("run").splitlines()[-1]
    tests = plan("test")
    assert all(part in tests for part in ("/ruff check", "/ruff format --check", "/mypy"))
    assert tests.splitlines()[-1].endswith("/pytest -n 2 --dist worksteal")


def test_setup_installs_what_is_pinned() -> None:
    (line,) = (line for line in plan("setup").replace("\\\n", " ").splitlines() if "pip install" in line)
    assert "-c constraints.txt" in line
    assert "'.[dev]'" in line


def test_a_change_has_to_pass_the_whole_of_make_test() -> None:
    judge = ROOT / ".ci/run"
    assert judge.stat().st_mode & stat.S_IXUSR
    assert judge.read_text().splitlines()[-1] == "exec make test"


def test_what_is_made_here_is_ignored() -> None:
    made = [
        ".venv/bin/python",
        ".loanpulse/kafka/log",
        "dist/x.whl",
        "schemas/__pycache__/x.pyc",
        ".hypothesis/x",
    ]
    ignored = subprocess.run(
        ["git", "check-ignore", *made],  # noqa: S607  # git is where it is
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert ignored.split() == made


def test_make_clean_removes_what_is_made_here_and_nothing_else() -> None:
    (line,) = (line for line in plan("clean").splitlines() if line.startswith("rm -rf"))
    ignored = {name.strip("/") for name in (ROOT / ".gitignore").read_text().splitlines()}
    assert set(shlex.split(line)[2:]) <= ignored


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    releases = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    for release in releases[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release), release
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= KINDS_OF_CHANGES


def test_the_newest_release_of_the_changelog_is_the_version() -> None:
    releases = re.findall(r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0] == PYPROJECT["project"]["version"]


def test_everything_runs_on_the_oldest_python_that_is_promised() -> None:
    oldest = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert f"FROM python:{oldest}-slim" in (ROOT / "Dockerfile").read_text()
    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"


def test_the_demos_kafka_is_the_one_of_the_compose_file() -> None:
    image = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["kafka"]["image"]
    jars = (ROOT / "loanpulse/lab/kafka_jars.txt").read_text()
    assert re.search(rf"^org\.apache\.kafka:kafka_2\.13:{image.split(':')[1]}\b", jars, re.MULTILINE)
