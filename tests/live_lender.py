"""A lender at work: its simulated life beside loans that a test brings in, a worker, a board and serve, each a process."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kpi_rules.rulebook import Rulebook
from loanpulse.intake.producing import produce
from loanpulse.intake.sources import Raw
from loanpulse.lab.child import Child
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.simulator.lender import Lender
from loanpulse.lab.space import own_space
from schemas.alert import AlertEvent
from schemas.fields import time_text
from schemas.registry import LOAN
from streams.runtime.clock import WallClock
from streams.runtime.rulebook import read_rulebook
from streams.runtime.settings import Settings, environ_of
from tests.board_processes import address_of, ask
from tests.kpi_alert_lab import read_topic
from tests.waiting import wait_until

ROUND_THE_CLOCK = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
_PROCESSES = {
    "simulator": ["simulate", "--days", "1", "--scale", "0.02", "--rate", "10"],
    "worker": ["worker"],
    "board": ["board"],
    "serve": ["serve"],
}


@dataclass(frozen=True)
class LiveLender:
    """What runs, and the place of its metrics as host:port."""

    settings: Settings
    book: Rulebook
    page: str
    children: tuple[Child, ...]

    def submit(self, loan: str, branch: str, seconds_ago: float) -> None:
        """A loan comes in late: it was submitted so long ago."""
        at = WallClock().now_ms() - round(seconds_ago * 1000)
        self._say("application.submitted", loan, f"client-{loan}", at, officer_id="u-7", branch_id=branch)

    def decide(self, loan: str, client: str | None = None) -> None:
        """It is approved now; `client` of a loan that was not submitted here."""
        now = WallClock().now_ms()
        self._say("application.decided", loan, client or f"client-{loan}", now, outcome="approved")

    def told(self) -> dict[str, list[AlertEvent]]:
        """What the topic of alerts has about each subject, each event once, in order."""
        events: dict[str, dict[str, AlertEvent]] = {}
        for subject, value in read_topic(str(self.settings.kafka), self.settings.alerts):
            event = msgspec.convert(value, AlertEvent)
            events.setdefault(subject, {})[event.id] = event
        return {subject: list(found.values()) for subject, found in events.items()}

    def check(self) -> None:
        """Raise ServerError if a process has ended by itself."""
        for child in self.children:
            if (failure := child.failure()) is not None:
                raise failure

    def _say(self, type_: str, loan: str, client: str, at: int, **data: str) -> None:
        said = {"specversion": "1.0", "id": f"{type_} {loan}", "source": "by-hand", "type": type_}
        said |= {"time": time_text(at), "subject": loan}
        body = json.dumps(said | {"data": {"customer_id": client, **data}}).encode()
        raw = Raw(LOAN, client.encode(), body, at)
        produce(
            str(self.settings.kafka),
            [raw],
            prefix=self.settings.topic_prefix,
            timestamp_ms=WallClock().now_ms(),
        )


@contextmanager
def live_lender(kafka: str, redis_url: str, home: Path, targets: dict[str, str]) -> Iterator[LiveLender]:
    """Open round the clock, with targets of its own; its figures are whole and shown before the body begins."""
    config = home / "organisation.json"
    organisation = {"calendar": {"weekly": ROUND_THE_CLOCK}, "targets": targets}
    config.write_text(json.dumps(Lender(1).organisation() | organisation))
    settings = Settings(
        kafka=kafka,
        redis=redis_url,
        config=config,
        home=home,
        partitions=2,
        serve_port=0,
        officer_detail=False,
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
    with ExitStack() as running:
        own = running.enter_context(own_space(settings, Endpoints(kafka, redis_url), "live"))
        children = []
        for name, words in _PROCESSES.items():
            child = Child(name, words, plain | environ_of(own), home / f"{name}.log")
            running.callback(child.stop)
            children.append(child)
        url = address_of(children[-1])
        lender = LiveLender(
            own, read_rulebook(None, config, "UTC"), url.removeprefix("http://"), tuple(children)
        )
        wait_until(lambda: _is_shown(lender, url), 60)
        yield lender


def _is_shown(lender: LiveLender, url: str) -> bool:
    lender.check()
    status, said = ask(f"{url}/readyz")
    return status == 200 and not said["stale"]
