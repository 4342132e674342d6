"""Prometheus' promtool: from PATH, or taken out of Debian's package `prometheus` without installing it."""

import os
import shutil
import subprocess
from pathlib import Path

from loanpulse.lab.exclusive import one_at_a_time

_SECONDS = 300


class NoPromtool(Exception):  # noqa: N818  # it is an absence
    """One line: why there is none, and the way out."""


def find_promtool(cache: Path) -> Path:
    """The program; what was taken out of the package stays in `cache`. Raises NoPromtool."""
    found = shutil.which("promtool")
    if found:
        return Path(found)
    unpacked = cache / "usr" / "bin" / "promtool"
    with one_at_a_time(cache / "lock"):  # each process of a run asks
        if not unpacked.exists():
            _unpack(cache)
    return unpacked


def _unpack(cache: Path) -> None:
    if not shutil.which("apt-get"):
        raise NoPromtool(
            "promtool is not on PATH, and there is no apt-get to get it with: install Prometheus"
        )
    if not _apt(cache, "download", "prometheus") and not (
        os.geteuid() == 0 and _apt(cache, "update") and _apt(cache, "download", "prometheus")
    ):
        raise NoPromtool(
            "promtool is not on PATH, and apt-get cannot download prometheus: install Prometheus"
        )
    for package in cache.glob("prometheus_*.deb"):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(cache)], check=True, timeout=_SECONDS)  # noqa: S607
        package.unlink()


def _apt(cache: Path, *arguments: str) -> bool:
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *arguments]
    return not subprocess.run(
        command, cwd=cache, capture_output=True, check=False, timeout=_SECONDS
    ).returncode
