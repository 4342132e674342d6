"""What is shown of targets through time: metrics and tables go by the board's own day."""

from datetime import UTC, datetime, timedelta

import pytest
from rich.table import Table

from kpi_rules.rulebook import Area
from loanpulse.cli.board_tables import breakdown, detail, overview
from loanpulse.serve.book import Book
from tests.board_lab import NOON
from tests.exporter_lab import board, organised, scraped, seen
from tests.test_exporter import OF

DAY_MS = 86_400_000
DAY = datetime.fromtimestamp(NOON / 1000, UTC).date()
OWN = [
    {"at_least": 0.1, "warning_at": 0.6},
    {"at_least": 0.5, "valid_from": DAY + timedelta(days=1)},
]
BOOK = organised(OF, targets={"rating": OWN})
SEEN = seen(OF, "rating", a=40, n=20)


@pytest.mark.parametrize(
    ("days", "at_least", "warning_at", "status"), [(0, 0.1, 0.6, 1), (1, 0.5, None, 2), (300, 0.5, None, 2)]
)
def test_metrics_have_the_target_and_the_status_of_the_board_s_day(
    days: int, at_least: float, warning_at: float | None, status: int
) -> None:
    page = scraped(BOOK, board(BOOK, SEEN, as_of_ms=NOON + days * DAY_MS))
    assert page.of("loanpulse_kpi_target", kpi="rating", bound="at_least") == at_least
    assert page.of("loanpulse_kpi_target", kpi="rating", bound="warning_at") == warning_at
    assert page.of("loanpulse_kpi_status", kpi="rating", window="1h") == status


def cells(made: Table | None, column: int) -> list[str]:
    assert made is not None
    return [str(cell) for cell in made.columns[column].cells]


@pytest.mark.parametrize(("days", "target", "colour"), [(0, "≥ 0.10", "[yellow]"), (1, "≥ 0.50", "[red]")])
def test_tables_have_the_target_and_the_colour_of_the_board_s_day(
    days: int, target: str, colour: str
) -> None:
    snapshot = board(BOOK, SEEN, as_of_ms=NOON + days * DAY_MS)
    area = Area("lab", "Lab", ["rating"])
    for made in (overview(snapshot, BOOK, area, ["1h"]), detail(snapshot, BOOK, area, "1h")):
        assert cells(made, -1) == [target]
        assert cells(made, 1)[0].startswith(colour)
    by_officer = breakdown(snapshot, BOOK, "rating", "officer", "1h", most=3)
    assert cells(by_officer, 1)[0].startswith(colour)


def test_a_book_knows_the_target_of_any_instant() -> None:
    book: Book = BOOK
    found = [book.bounds("rating", NOON + days * DAY_MS) for days in (-900, 0, 1)]
    assert [bounds.at_least for bounds in found if bounds] == [0.1, 0.1, 0.5]
