"""Apache Kafka's jars: fetched once, from the Maven repository that this machine's jgo is set to, checked and kept."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loanpulse.lab.causes import disk_full
from loanpulse.lab.exclusive import one_at_a_time
from loanpulse.lab.process import ServerError

_LIST = "kafka_jars.txt"
_FETCHERS = 4


class Jar(NamedTuple):
    """One line of the list."""

    group: str
    artifact: str
    version: str
    sha256: str


def kafka_jars() -> Path:
    """The directory that holds all jars, fetched if need be; raises ServerError."""
    text = files("loanpulse.lab").joinpath(_LIST).read_text()
    home = _cache() / f"kafka-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if home.is_dir():
        return home
    jars = [Jar(*line.replace(":", " ").split()) for line in text.splitlines() if not line.startswith("#")]
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with one_at_a_time(home.with_suffix(".lock")):  # two that start together fetch once, and share
            if not home.is_dir():
                _fill(home, jars)
    except OSError as error:
        raise _trouble(error) from error
    return home


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loanpulse"


def _fill(home: Path, jars: Sequence[Jar]) -> None:
    """Gather everything elsewhere, then rename: a directory of that name is complete."""
    draft = home.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    fetched = _fetch(jars)
    draft.mkdir()
    for jar in fetched:
        _link(jar, draft / jar.name)
    draft.rename(home)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _fetch(jars: Sequence[Jar]) -> list[Path]:
    label = TextColumn("Fetching Apache Kafka, only this once")
    console = Console(stderr=True)
    with Progress(label, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console) as progress:
        pool = ThreadPoolExecutor(_FETCHERS)
        try:
            context = _maven()
            results = pool.map(lambda jar: _whole(context, jar), jars)
            return list(progress.track(results, total=len(jars)))
        finally:
            pool.shutdown(cancel_futures=True)


def _maven() -> Any:
    """Maven as the user's jgo settings have it: where files are kept, and where they come from."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    settings = GlobalSettings.load()
    remotes = {"central": MAVEN_CENTRAL_URL, **settings.repositories}
    return MavenContext(repo_cache=settings.repo_cache, remote_repos=remotes)


def _whole(context: Any, jar: Jar) -> Path:
    """The jar as listed; one that is damaged, say by an interrupted download, is fetched anew."""
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for _ in range(2):
        try:
            path = Path(artifact.resolve())
        except Exception as error:  # jgo lets through whatever its HTTP client raises
            raise _trouble(error) from error
        if hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256:
            return path
        path.unlink()
    raise ServerError(f"Apache Kafka cannot be fetched: {path.name} is not the file that our list names")


def _trouble(error: Exception) -> ServerError:
    import requests

    if disk_full(error):
        return ServerError(
            f"Apache Kafka cannot be fetched: no space left on the disk of {_cache()} or of Maven's cache"
        )
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return ServerError(
            "Apache Kafka cannot be fetched: its Maven repository cannot be reached, and the first start needs it once: "
            "go online, name a mirror in jgo's settings, or set LOANPULSE_KAFKA to a running one"
        )
    return ServerError(f"Apache Kafka cannot be fetched: {error}")
