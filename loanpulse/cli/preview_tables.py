"""A preview in a terminal: for each KPI its value by the rules in force and by the others."""

from collections.abc import Iterator

from rich.table import Table

from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule
from loanpulse.cli.amounts import NOTHING, value_text
from loanpulse.cli.output import table
from loanpulse.rules.preview import Figure, Preview, Row
from loanpulse.serve.verdict import State

_MARKS = {State.OFF_TARGET: "✗", State.WARNING: "!", State.TOO_FEW: "?"}


def tables(preview: Preview, by: str, most: int) -> Iterator[Table]:
    """A table for each rule that differs: the organisation's windows, then those members that change most."""
    for kpi in dict.fromkeys(row.kpi for row in preview.rows):
        rule = preview.after.get(kpi) or preview.before[kpi]
        rows = [row for row in preview.rows if row.kpi == kpi]
        made = table(f"{rule.wording} ({kpi})", "now>", "n>", "then>", "n>")
        whole = [row for row in rows if by not in row.group]
        for row in [*whole, *_most_changed([row for row in rows if by in row.group])[:most]]:
            made.add_row(_name(row, by), *_side(row.before, rule), *_side(row.after, rule))
        yield made


def _name(row: Row, by: str) -> str:
    parts = [value for name, value in row.group.items() if name != by]
    of = [row.group[by]] if by in row.group else []
    return "  ".join([*of, row.window, *parts])


def _side(figure: Figure | None, rule: Rule) -> tuple[str, str]:
    if figure is None:
        return NOTHING, NOTHING
    business = isinstance(rule.measure, DurationMeasure) and rule.measure.clock == "business"
    mark = _MARKS.get(figure.state, " ")
    return f"{value_text(figure.value, rule.unit, business=business)}{mark}", f"{figure.n:,}"


def _most_changed(rows: list[Row]) -> list[Row]:
    """Those whose value changes first, by how much; then, and of what is new or goes, those with most behind them."""

    def change(row: Row) -> tuple[float, int]:
        before, after = row.before, row.after
        counts = [figure.n for figure in (before, after) if figure]
        if before is None or after is None:
            return 0.0, -max(counts)
        return -abs((after.value or 0.0) - (before.value or 0.0)), -max(counts)

    return sorted(rows, key=change)
