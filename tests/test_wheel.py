"""What is shipped works where the source tree is not: a wheel, in an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "kpi_rules", "streams", "loanpulse")

pytestmark = pytest.mark.slow


def run(command: Sequence[str | Path], cwd: Path, **environ: str) -> str:
    """The standard output of a command that must succeed, with no variable of ours from outside."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("LOANPULSE_", "PYTHON"))
    }
    result = subprocess.run(
        command, cwd=cwd, env=clean | environ, capture_output=True, check=False, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree; no isolation: the pinned back end builds it, without a network."""
    out = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT], cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin of a new environment that holds the wheel, and sees our dependencies but not our tree.

    A .pth in a directory that a .pth names is not read, so the editable install stays invisible there.
    """
    venv = tmp_path_factory.mktemp("venv")
    run([sys.executable, "-m", "venv", "--without-pip", venv], cwd=venv)
    python = venv / "bin/python"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    run([*pip, wheel], cwd=venv)
    site = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], cwd=venv).strip()
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


def test_the_wheel_holds_every_file_of_its_packages(wheel: Path) -> None:
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == files


@pytest.mark.parametrize(
    ("folder", "suffix"),
    [
        ("kpi_rules/catalogue/", ".yaml"),
        ("streams/runtime/scripts/", ".lua"),
        ("loanpulse/intake/mappings/", ".yaml"),
    ],
)
def test_the_wheel_holds_rules_scripts_and_mappings(wheel: Path, folder: str, suffix: str) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.startswith(folder) and name.endswith(suffix)]


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    assert any(name.endswith("/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_the_command_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    assert "Usage" in run([installed / "loanpulse", "--help"], cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_rules_load_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    assert "turnaround_time" in run([installed / "loanpulse", "rules", "list"], cwd=tmp_path)


def test_mappings_scripts_and_the_list_of_jars_are_read_from_the_wheel(
    installed: Path, tmp_path: Path
) -> None:
    script = (
        "from importlib.resources import files\n"
        "from loanpulse.board.lease import BoardScript\n"
        "from loanpulse.intake.mapping_file import built_in, load_mapping\n"
        "from streams.runtime.script import Script\n"
        "print([load_mapping(name).source for name in built_in()])\n"
        "print(bool(Script('commit').digest and BoardScript('publish').digest))\n"
        "print(len(files('loanpulse.lab').joinpath('kafka_jars.txt').read_text().splitlines()) > 40)"
    )
    assert run([installed / "python", "-c", script], cwd=tmp_path).splitlines() == [
        "['bpic2012', 'opening-book', 'opening-book']",
        "True",
        "True",
    ]


def test_the_code_that_runs_there_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    script = f"import {', '.join(PACKAGES)}; print({', '.join(f'{name}.__file__' for name in PACKAGES)})"
    for place in run([installed / "python", "-c", script], cwd=tmp_path).split():
        assert Path(place).is_relative_to(installed.parent)


def test_faust_finds_the_transport(installed: Path, tmp_path: Path) -> None:
    script = (
        "from importlib.metadata import entry_points\n"
        "(found,) = entry_points(group='faust.transports', name='loanpulse')\n"
        "print(found.load().__module__)"
    )
    assert run([installed / "python", "-c", script], cwd=tmp_path).strip() == "streams.runtime.transport"
