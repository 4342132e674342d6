"""A page of documentation as a story: its files, its commands and what they print, told beside a small lender."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from loanpulse.board.reader import SnapshotReader
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.simulate import Options, simulate
from loanpulse.lab.simulator.lender import Lender
from loanpulse.lab.space import own_space
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings, environ_of, load_settings
from tests.board_processes import address_of, ask, process
from tests.docs_lab import BLOCK
from tests.waiting import wait_until

AS_OF = "2026-03-05T15:00:00Z"
LENDER = Options(seed=1, scale=0.4, days=45, rate=0)
ADDRESS = "http://127.0.0.1:9464"
"""Where pages say that serve listens."""
LEFT_OUT = "…"
TAKEN_IN_SECONDS, REFRESHED_SECONDS, COMMAND_SECONDS = 90, 20, 60

# What a figure is judged by stays, what depends on the lender's own days and cases does not.
_KEPT = r'[≤≥] [\d.]+(?: \w+)*|\.yaml:\d+|^loanpulse_kpi_target\S* \S+|="[\d.]+\w*"'
_VARIES = (
    r"\b[0-9a-f]{16}\b|\b[A-Z]-\d+|\b[cob]-\d+|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ [A-Z][a-z]{2}(?: \d{4})? [\d:.]+"
    r"|(?<![\w.])\d[\d,.]*(?: (?:h|min|s|%)(?!\w))*[✗!?]?(?!\w)|– "
)
_FIGURES = re.compile(f"({_KEPT})|{_VARIES}", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A file that is written, or added to (`loan.yaml+`), or commands with what the page shows them to print, if it does."""

    file: str = ""
    text: str = ""
    shown: str | None = None


def steps(page: str) -> list[Step]:
    """The blocks of a page in order; a block of text belongs to the commands before it."""
    found: list[Step] = []
    for language, kind, text in BLOCK.findall(page):
        if language == "text":
            found.append(Step(text=found.pop().text, shown=text))
        else:
            found.append(Step(kind, text))
    return found


def masked(said: str) -> str:
    """Without the figures, names of cases and instants of one lender; columns are as wide as what is in them."""
    plain = _FIGURES.sub(lambda found: found[1] or "#", said)
    return "\n".join(" ".join(line.split()) for line in plain.strip().splitlines())


def is_as_shown(said: str, shown: str) -> bool:
    """`…` on a line of its own stands for any lines."""
    lines = masked(shown).splitlines()
    pattern = "".join(r"(?:.*\n)*?" if line == LEFT_OUT else re.escape(line) + r"\n" for line in lines)
    return re.fullmatch(pattern, masked(said) + "\n") is not None


@dataclass
class Reader:
    """Somebody who follows a page in a directory, beside what runs there."""

    place: Path
    environ: dict[str, str]
    address: str
    case: str = ""
    """The first case of the last list that was shown: it stands for the one that the page takes from its own."""

    def follow(self, step: Step) -> None:
        """Do what a step says, and see what it shows. serve looks once a second, so it is asked until then."""
        if step.file:
            self._write(self.place / step.file.removesuffix("+"), step.text, more=step.file.endswith("+"))
            return
        commands = re.sub(r"--case \S+", f"--case {self.case}", step.text).replace(ADDRESS, self.address)
        if "curl" in commands:
            wait_until(lambda: is_as_shown(self._run(commands)[1], step.shown or ""), REFRESHED_SECONDS)
            return
        code, said = self._run(commands)
        assert code == 0 or step.shown is not None, said
        assert step.shown is None or is_as_shown(said, step.shown), self._unlike(step, said)
        self.case = next(iter(re.findall(r"^L-\d+", said, re.MULTILINE)), self.case)

    def _write(self, path: Path, text: str, *, more: bool) -> None:
        path.parent.mkdir(exist_ok=True)
        with path.open("a" if more else "w") as file:
            file.write(text)

    def _run(self, commands: str) -> tuple[int, str]:
        """Exit code, and what was printed on either output."""
        shell = f'loanpulse() {{ "{sys.executable}" -m loanpulse "$@"; }}\n{commands}'
        done = subprocess.run(
            ["bash", "-c", shell],  # noqa: S607  # as a reader of the page has it
            cwd=self.place,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        return done.returncode, done.stdout

    def _unlike(self, step: Step, said: str) -> str:
        return f"{step.text}prints now:\n{said}\ncompared:\n{masked(said)}\n\nwith the page's:\n{masked(step.shown or '')}"


@contextmanager
def reader_beside_a_lender(endpoints: Endpoints, place: Path) -> Iterator[Reader]:
    """With a lender's past taken in by a worker, computed by a board and offered by serve."""
    home = place / "servers"
    home.mkdir()
    config = home / "organisation.json"
    config.write_text(json.dumps(Lender(LENDER.seed, "UTC").organisation()), "utf-8")
    chosen = load_settings({}, as_of=AS_OF, config=str(config), home=str(home), serve_port="0")
    given = chosen.model_copy(update={"kafka": endpoints.kafka, "redis": endpoints.redis})
    with ExitStack() as stack:
        settings = stack.enter_context(own_space(given, endpoints, "tutorial"))
        sent = simulate(LENDER, settings, lambda _done, _events: None)
        *_, serve = (
            stack.enter_context(process(name, settings, home / f"{name}.log"))
            for name in ("worker", "board", "serve")
        )
        address = address_of(serve)
        wait_until(lambda: asyncio.run(_taken_in(settings)) >= sent, TAKEN_IN_SECONDS)
        wait_until(lambda: ask(f"{address}/readyz")[0] == 200)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
        yield Reader(place, plain | environ_of(settings), address)


async def _taken_in(settings: Settings) -> int:
    """How many records the board has behind it, if all that it sums is complete."""
    redis = await connect(str(settings.redis))
    try:
        snapshot = await SnapshotReader(redis, settings.namespace).read()
    finally:
        await redis.aclose()
    if snapshot is None or snapshot.meta.complete_through_ms is None:
        return -1
    counts = snapshot.meta.events
    return sum(counts.get(name, 0) for name in ("applied", "duplicate", "dead_letter", "expired"))
