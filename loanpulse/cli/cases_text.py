"""The open cases in a terminal: how many are in which band, then what each has left and whose it is."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from loanpulse.cases.choice import AT_RISK, BAND_ORDER, Choice
from loanpulse.cases.told import CaseList, Told, Turn
from loanpulse.cases.words import WORDS, count, day_of, hours, left_text, place, share_text, wall_time
from loanpulse.cli.amounts import duration_text
from loanpulse.cli.case_columns import Column, fitted
from loanpulse.cli.output import table
from loanpulse.rules.phrases import moment
from loanpulse.serve.shown import Shown
from streams.calculus.open_cases import Band

LOOKS = {
    "breached": ("red", "■!"),
    "at_risk": ("dark_orange", "◆"),
    "warning": ("yellow", "▲"),
    "on_track": ("default", "○"),
    "paused": ("magenta", "‖"),
}
"""Colour and shape of each band, which stand beside its word: not everybody sees colours, and a file has none."""
_ORDERS = {
    "band": "soonest due first",
    "due": "soonest due first",
    "used": "most used first",
    "since": "oldest first",
    "officer": "by officer",
}


def cases_text(
    found: CaseList, choice: Choice, shown: Shown, *, width: int, stale_seconds: int
) -> list[RenderableType]:
    """What is printed, one under the other, in so much room."""
    texts: list[RenderableType] = [_heading(found, stale_seconds)]
    if not any(found.counts[band.label] for band in choice.wanted):
        return [*texts, "", *_nothing(found, choice, shown)]
    columns = fitted(_columns(found, shown), found.cases, width)
    if choice.sort == "band":
        for band in BAND_ORDER:
            if band in choice.wanted and found.counts[band.label]:
                texts += ["", _group_heading(band, found.counts[band.label])]
                texts += _tables(columns, [case for case in found.cases if case.band == band.label])
    else:
        texts += ["", Text(_ORDERS[choice.sort], style="bold"), *_tables(columns, found.cases)]
    if found.more:
        texts += ["", Text(f"and {count(found.more)} more: --limit 0 lists all", style="dim")]
    return [*texts, "", _note(found, shown)]


def _heading(found: CaseList, stale_seconds: int) -> Text:
    """How many, as of when; what is missing."""
    counted = [
        f"{count(found.counts[band.label])} {WORDS[band.label]}"
        for band in BAND_ORDER
        if found.counts[band.label]
    ]
    line = Text.assemble(
        (", ".join(counted) or "no open cases", "bold"),
        f"  ·  as of {moment(found.as_of, year=True)} {place(found.zone)}",
    )
    for lacking in found.incomplete:
        line.append(f"\nnot everything is listed: {lacking}", style="bold red")
    if found.complete_through is not None:
        behind = (_instant(found.as_of) - _instant(found.complete_through)).total_seconds()
        if behind > stale_seconds:
            through = moment(found.complete_through, exact=True)
            line.append(
                f"\nknown up to {through} only, {duration_text(behind)} ago: workers are behind",
                style="bold red",
            )
    return line


def _instant(iso: str) -> datetime:
    return datetime.fromisoformat(iso)


def _nothing(found: CaseList, choice: Choice, shown: Shown) -> Iterator[Text]:
    """That there is nothing, and what comes next."""
    if not choice.bands:
        yield Text("No open cases.")
        return
    asked = [WORDS[band.label] for band in reversed(BAND_ORDER) if band in choice.bands]
    yield Text(
        "Nothing at risk or breached." if choice.bands == AT_RISK else f"Nothing {' or '.join(asked)}."
    )
    for what, turn in (("warning", found.next_warning), ("at risk", found.next_at_risk)):
        if turn is not None:
            yield _coming(what, turn, found, shown)
    if found.next_warning is None and found.next_at_risk is None:
        yield Text("No clock that runs comes to a warning under the targets in force now.")


def _coming(what: str, turn: Turn, found: CaseList, shown: Shown) -> Text:
    rule = shown.book.rules[turn.kpi]
    length = left_text(turn.in_ms, day_of(shown.book.program, rule, turn.branch))
    when = _wall(turn.at, turn.zone, found)
    return Text(f"Next {what} in {length}: {turn.kind} {turn.subject}, {turn.kpi}, {when}.")


def _group_heading(band: Band, many: int) -> Text:
    colour, shape = LOOKS[band.label]
    order = "longest paused first" if band is Band.PAUSED else _ORDERS["band"]
    return Text.assemble(
        (f"{shape} {WORDS[band.label]} {count(many)}", f"bold {colour}"), (f", {order}", "dim")
    )


def _tables(columns: Sequence[Column], cases: Sequence[Told]) -> list[Table]:
    """A table, if there is anything in it; the columns of all stand under each other."""
    if not cases:
        return []
    made = table(*(column.name for column in columns))
    for column, of in zip(columns, made.columns, strict=True):
        of.no_wrap, of.width = True, column.width
    for case in cases:
        made.add_row(*(Text(column.text(case), style=column.style(case)) for column in columns))
    return [made]


def _columns(found: CaseList, shown: Shown) -> list[Column]:
    called = shown.snapshot.roster.called
    return [
        Column(
            "state",
            lambda case: f"{LOOKS[case.band][1]:<2} {WORDS[case.band]}",
            lambda case: LOOKS[case.band][0],
        ),
        Column("case", lambda case: f"{case.kind} {case.subject}"),
        Column("KPI", lambda case: case.kpi, least=9),
        Column(
            "left>", lambda case: _left(case, shown), spared=3, short=lambda case: _left_shortly(case, shown)
        ),
        Column("due", lambda case: "" if case.due is None else _wall(case.due, case.zone, found)),
        Column("used>", lambda case: share_text(case.used_ms, case.target_ms), spared=5),
        Column("officer", lambda case: called("officer", case.officer), least=7),
        Column("branch", lambda case: called("branch", case.branch), spared=4),
        Column("product", lambda case: case.product or "", spared=2),
        Column("since", lambda case: _wall(case.since, case.zone, found), spared=1),
    ]


def _left(case: Told, shown: Shown) -> str:
    """`3:20 h`; `+3:24 h` over; for whom it waits, where its clock stands still."""
    if case.band == "paused":
        return f"paused, {' and '.join(case.paused)}"
    left = left_text(case.left_ms, _day(case, shown))
    return f"{left}, paused" if case.paused else left


def _left_shortly(case: Told, shown: Shown) -> str:
    return "paused" if case.band == "paused" else left_text(case.left_ms, _day(case, shown))


def _day(case: Told, shown: Shown) -> int:
    return day_of(shown.book.program, shown.book.rules[case.kpi], case.branch)


def _wall(iso: str, zone: str, found: CaseList) -> str:
    """Local time; the zone is named where it is another than the list's."""
    said = wall_time(iso, found.as_of)
    return said if zone == found.zone else f"{said} {place(zone)}"


def _note(found: CaseList, shown: Shown) -> Text:
    """What times are, and days where there are any."""
    days = {
        day
        for case in found.cases
        if case.band != "paused" and abs(case.left_ms) >= (day := _day(case, shown))
    }
    of = f"; a day left is {' or '.join(map(hours, sorted(days)))} of the case's own clock" if days else ""
    return Text(f"times in {found.zone}, unless another place is named{of}", style="dim")
