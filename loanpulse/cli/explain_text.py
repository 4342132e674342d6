"""An explanation in a terminal: the rule, the figure, the cases behind it, what is left out."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kpi_rules.model import Rule
from loanpulse.cli.amounts import NOTHING, duration_text, value_text
from loanpulse.cli.board_tables import is_business, target_text
from loanpulse.cli.explain_cases import amount_text, cases_text
from loanpulse.cli.output import table
from loanpulse.rules.explanation import (
    CaseRef,
    Exclusion,
    Explanation,
    Figure,
    Series,
)
from loanpulse.rules.phrases import currencies, moment
from loanpulse.serve.shown import Shown

_STATES = {
    "on_target": ("green", "on target"),
    "warning": ("yellow", "on target, but near its end"),
    "off_target": ("red", "off target"),
    "too_few": ("dim", "too few to judge"),
    "no_target": ("default", ""),
    "no_value": ("dim", ""),
}


def explanation_text(said: Explanation, shown: Shown) -> list[RenderableType]:
    """What is printed, one under the other."""
    rule = shown.book.rules[said.kpi]
    texts: list[RenderableType] = [_heading(said), _definition(said, rule, shown)]
    for series in said.series:
        texts += ["", *_series(said, series, rule)]
    if not said.series:
        texts += ["", "nothing was ever counted here"]
    if said.excluded:
        texts += ["", _left_out(said.excluded)]
    return texts


def _heading(said: Explanation) -> Text:
    whose = "".join(f", {dimension} {member}" for dimension, member in said.group.items())
    return Text.from_markup(
        f"[bold]{escape(said.wording)}[/] ({said.kpi}), {said.window}{escape(whose)}"
    ).append(f"\n{said.words.says}")


def _definition(said: Explanation, rule: Rule, shown: Shown) -> Table:
    made = Table(box=None, show_header=False, pad_edge=False)
    words = said.words
    rows = [
        ("counted at", words.anchor.replace("`", "")),
        ("numerator" if words.denominator else "counted is", words.numerator.replace("`", "")),
        ("denominator", words.denominator.replace("`", "")),
        ("window", _window(said)),
        ("board", _board(said)),
        ("target", target_text(rule, shown.book.program, shown.snapshot.meta.as_of_ms)),
    ]
    for name, text in rows:
        if text:
            made.add_row(Text(name, style="dim"), Text(text))
    return made


def _window(said: Explanation) -> str:
    until = f"{_edge(said.to)} ({said.zone})"
    if said.from_ is None:
        return f"none: as it stands, {until}"
    window = f"{_edge(said.from_)} to {until}"
    if said.before_from is None or said.before_to is None:
        return window
    return f"{window}; the one before {_edge(said.before_from)} to {_edge(said.before_to)}"


def _edge(iso: str) -> str:
    return moment(iso, year=True, exact=True)


def _board(said: Explanation) -> str:
    board = said.board
    through = NOTHING if board.complete_through is None else moment(board.complete_through)
    text = f"computed {moment(board.computed_at)}, complete through {through}"
    if not board.complete:
        text += "; records of this window were given up"
    return "; ".join([text, *board.incomplete])


def _series(said: Explanation, series: Series, rule: Rule) -> Iterator[RenderableType]:
    if series.kept_back:
        yield Text("kept back: so few answers about people would show who gave which", style="yellow")
        return
    figure = series.board or series.cases
    if figure is not None:
        yield _value(series, figure, rule)
    if series.board is None and len(said.group) > 1:
        yield Text("by the cases: the board has no figures of several dimensions at once", style="dim")
    yield from _difference(said, series, rule)
    if series.heads:
        heads = ", ".join(f"{head.officer} {head.work:,}" for head in series.heads)
        yield Text(f"heads: {heads}")
    for listed in series.lists:
        yield from ("", *cases_text(said, listed, series, rule))


def _value(series: Series, figure: Figure, rule: Rule) -> Text:
    colour, verdict = _STATES[series.state]
    value = value_text(figure.value, rule.unit, business=is_business(rule))
    line = Text.assemble(
        (f"[{series.split}] " if series.split else "", "default"),
        (value, f"bold {colour}"),
        f"  =  {_parts(series, figure, rule)}",
    )
    return line.append(f"  ({verdict})", style=colour) if verdict else line


def _parts(series: Series, figure: Figure, rule: Rule) -> str:
    currency, currency_below = currencies(rule, series.split)
    kind = rule.measure.kind
    if kind == "duration":
        return _of_duration(series, figure, rule)
    numerator, denominator = (
        amount_text(figure.numerator, currency),
        amount_text(figure.denominator, currency_below),
    )
    if kind == "per_client":
        return f"{numerator} / {figure.denominator:,} clients"
    if kind == "per_head":
        return f"{numerator} / {figure.denominator:,} heads"
    if kind == "growth":
        return f"({amount_text(figure.sum, currency)} − {denominator}) / {denominator}, of {figure.n:,}"
    if figure.denominator is None:
        return numerator if kind in ("count", "distinct") else f"{numerator}, of {figure.n:,}"
    return f"{numerator} / {denominator}"


def _of_duration(series: Series, figure: Figure, rule: Rule) -> str:
    def words(ms: float | None) -> str:
        return NOTHING if ms is None else duration_text(ms / 1000, business=is_business(rule))

    nine = f"9 in 10 of {figure.n:,} took no longer"
    if series.at_p90 is not None:
        nine += f" ({series.at_p90.subject} took just that)"
    half = f"half {words(figure.p50)}, 95 in 100 {words(figure.p95)}, together {words(figure.sum)}"
    return f"{nine}; {half}; {figure.numerator:,} within target"


def _difference(said: Explanation, series: Series, rule: Rule) -> Iterator[RenderableType]:
    """Plainly, where the cases say something else than the board."""
    if series.board is None or series.cases is None or series.board == series.cases:
        return
    now = f"{value_text(series.cases.value, rule.unit, business=is_business(rule))}  =  {_parts(series, series.cases, rule)}"
    why = (
        "the cases have moved on since the board was computed"
        if said.moved_on
        else "though nothing came since: the board and its cases disagree"
    )
    yield Text(f"by the cases now {now}: {why}", style="yellow" if said.moved_on else "bold red")


def _left_out(excluded: list[Exclusion]) -> Table:
    made = table("left out>", "why", "such as")
    for reason in excluded:
        made.add_row(
            f"{reason.count:,}", escape(reason.why), escape(", ".join(map(_example, reason.examples)))
        )
    return made


def _example(case: CaseRef) -> str:
    return case.subject if case.at is None else f"{case.subject} ({moment(case.at)})"
