"""What the tests of `loanpulse cases` and `loanpulse case` share: a lender's open cases, and commands that look at them."""

import asyncio
from collections.abc import Iterable

import pytest

from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from tests.cases_lab import FILES, NOW, asked, file, held, office_at
from tests.oracle.script import ms, said
from tests.oracle.speaker import Event

ORGANISATION = {"branch_calendars": {"lisbon": {"tz": "Europe/Lisbon"}}}
AS_OF = "2026-01-12T10:00:00Z"
RECEIVED = said("documents.received", "risky", "2026-01-08 09:30", key="c-risky", request_id="r")
DECIDED = said("application.decided", "gone", "2026-01-07 12:00", key="c-gone", outcome="declined")
EVENTS = [
    *FILES,
    held("late", "2026-01-12 09:30"),
    file("lis", "2026-01-08 10:00", branch_id="lisbon"),
    said("training.assigned", "T", "2026-01-05", key="ann", branch_id="b1", due_at="2026-01-15T00:00:00Z", regulatory=True),
    asked("risky", "2026-01-07 09:00"),
    RECEIVED,
    file("gone", "2026-01-05 09:00"),
    DECIDED,
]  # fmt: skip


class Commands:
    """Runs commands on a lender's ledgers, which are filled before the first."""

    def __init__(self, url: str, namespace: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._namespace, self._capsys = url, namespace, capsys
        self._is_filled = False

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, and what was said to whom."""
        if not self._is_filled:
            self.fill(EVENTS)
        place = ["--redis", self._url, "--namespace", self._namespace, "--as-of", AS_OF]
        code = outcome(lambda: app([*words, *place], standalone_mode=False))
        return code, *self._capsys.readouterr()

    def fill(self, events: Iterable[Event], *, board: bool = True) -> None:
        asyncio.run(self._fill(events, board=board))
        self._is_filled = True

    async def _fill(self, events: Iterable[Event], *, board: bool) -> None:
        async with office_at(self._url, self._namespace, ORGANISATION) as office:
            await office.take(events)
            await office.reach(ms(NOW))
            if board:
                await office.board()


def lines(text: str) -> list[str]:
    """Without what aligns it."""
    return [" ".join(line.split()) for line in text.splitlines()]
