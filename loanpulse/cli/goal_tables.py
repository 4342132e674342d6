"""Improvement goals in a terminal: where each began, where it ends, what is expected now and what there is."""

from collections.abc import Collection, Sequence

from rich.markup import escape
from rich.table import Table

from kpi_rules.course import Verdict
from kpi_rules.model import Rule
from loanpulse.board.snapshot import Snapshot
from loanpulse.cli.amounts import NOTHING, value_text
from loanpulse.cli.board_tables import KEPT_BACK, is_business, split_value
from loanpulse.cli.output import table
from loanpulse.serve.book import Book
from loanpulse.serve.goals import Standing, standings

TITLE = "Improvement goals"
_WIDE = 105
_COLUMNS = ("from>", "to>", "due", "expected>", "now>", "n>", "of the way>", "verdict")
_NARROW = ("to>", "due", "expected>", "now>", "verdict")
_COLOURS = {
    Verdict.REACHED: "bold green",
    Verdict.AHEAD: "green",
    Verdict.ON_COURSE: "green",
    Verdict.BEHIND: "yellow",
    Verdict.MISSED: "red",
    Verdict.TOO_FEW: "dim",
    Verdict.NOT_BEGUN: "dim",
}


def goals(snapshot: Snapshot, book: Book, width: int, kpis: Collection[str] = ()) -> Table:
    """The organisation's goals (all, or some KPIs'), in as many columns as a terminal of that width has room for."""
    columns = _columns(width)
    made = table(TITLE, *columns)
    for standing in standings(snapshot, book, kpis=kpis):
        rule = book.rules[standing.kpi]
        split = split_value(standing.group)
        name = f"[{split}] {rule.wording}" if split else rule.wording
        made.add_row(escape(name), *_cells(standing, rule, columns))
    return made


def goals_of_members(
    snapshot: Snapshot, book: Book, width: int, kpi: str, dimension: str, most: int
) -> Table:
    """A KPI's goals by officer or branch, those with most behind them first."""
    rule, columns = book.rules[kpi], _columns(width)
    made = table(escape(f"{rule.wording} ({kpi}), by {dimension}"), *columns)
    found = sorted(standings(snapshot, book, dimension, [kpi]), key=lambda standing: -standing.n)
    for standing in found[:most]:
        member = snapshot.roster.called(dimension, standing.group[dimension])
        name = f"{member} {split_value(standing.group)}".strip()
        made.add_row(escape(name), *_cells(standing, rule, columns))
    if len(found) > most:
        made.add_row(f"and {len(found) - most} more", style="dim")
    return made


def _columns(width: int) -> Sequence[str]:
    return _COLUMNS if width >= _WIDE else _NARROW


def _cells(standing: Standing, rule: Rule, columns: Sequence[str]) -> list[str]:
    line, stands = standing.line, standing.course
    values = {
        "from>": line.start_value,
        "to>": line.end_value,
        "expected>": stands.expected,
        "now>": standing.value,
    }
    texts = {name: value_text(value, rule.unit, business=is_business(rule)) for name, value in values.items()}
    if standing.kept_back:
        texts["now>"] = KEPT_BACK.strip()
    texts["due"] = line.due.isoformat()
    texts["n>"] = f"{standing.n:,}"
    texts["of the way>"] = NOTHING if stands.progress is None else f"{stands.progress * 100:.0f} %"
    texts["verdict"] = f"[{_COLOURS[stands.verdict]}]{stands.verdict.words}[/]"
    return [texts[name] for name in columns]
