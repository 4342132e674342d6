"""What a case contributes, moments and lengths, as people say them."""

from datetime import datetime

from kpi_rules.measures import (
    Amount,
    GrowthMeasure,
    LevelMeasure,
    PerClientMeasure,
    RatioMeasure,
    ShareOf,
    SumMeasure,
)
from kpi_rules.model import Rule
from loanpulse.rules.explanation import Part
from streams.calculus.accounts import Entry
from streams.calculus.panes import Observation
from streams.calculus.program import Program

_UNITS = ((3_600_000, "h"), (60_000, "min"))


def moment(iso: str, *, year: bool = False, exact: bool = False) -> str:
    """`Mon 5 Jan 10:00` of such a text; `exact`: with seconds and their fraction where there are any."""
    at = datetime.fromisoformat(iso)
    clock = at.strftime("%H:%M:%S" if exact and (at.second or at.microsecond) else "%H:%M")
    if exact and at.microsecond:
        clock += f".{at.microsecond // 1000:03}"
    return f"{at:%a} {at.day} {at:%b}{at.strftime(' %Y') if year else ''} {clock}"


def length(length_ms: int) -> str:
    """`7 h 5 min`: the two largest units, rounded down; below a minute in seconds."""
    hours, minutes, seconds = length_ms // 3_600_000, length_ms // 60_000 % 60, length_ms // 1000 % 60
    if hours:
        return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def exact_length(length_ms: int) -> str:
    """`7 h 5 min 3.25 s`, exact to the ms; hours are not made days, since a business day has no fixed length."""
    words, left = [], length_ms
    for size, unit in _UNITS:
        if left >= size:
            words.append(f"{left // size:,} {unit}")
            left %= size
    if left or not words:
        words.append(f"{left / 1000:.3f}".rstrip("0").rstrip(".") + " s")
    return " ".join(words)


def money(minor: int, currency: str) -> str:
    """`-1,234.50 EUR`, exact; an amount of a rule without currencies stays in minor units."""
    if not currency:
        return f"{minor:,}"
    sign, size = "−" if minor < 0 else "", abs(minor)
    return f"{sign}{size // 100:,}.{size % 100:02} {currency}"


def currencies(rule: Rule, split: str) -> tuple[str, str]:
    """The currency of numerator and denominator where money is summed; empty where something is counted, although each
    currency by itself."""
    measure = rule.measure
    amounts: tuple[Amount | None, Amount | None] = None, None
    if isinstance(measure, RatioMeasure):
        amounts = measure.numerator.amount, measure.denominator.amount
    elif isinstance(measure, LevelMeasure):
        amounts = measure.part.amount, measure.whole.amount
    elif isinstance(measure, PerClientMeasure):
        amounts = measure.amount, None
    elif isinstance(measure, (SumMeasure, GrowthMeasure)):
        amounts = measure.amount, measure.amount
    of, by = (split if rule.split == "currency" and _is_money(amount) else "" for amount in amounts)
    return of, by


def _is_money(amount: Amount | None) -> bool:
    field = amount.field if isinstance(amount, ShareOf) else amount
    return isinstance(field, str) and field.endswith("_minor")


def parts_of(rule: Rule, seen: Observation, part: Part) -> tuple[int, int | None]:
    """What an observation adds to the numerator and to the denominator, as the board shows them.

    The stock of a ratio adds to its denominator only. A growth's numerator is the difference of two such sums, and the
    denominator of per_head are the heads.
    """
    scale = getattr(rule.measure, "scale", 1)
    if part == "now" and rule.timed:
        return 0, seen.b * scale
    match rule.measure.kind:
        case "count" | "per_head":
            return seen.n, None
        case "sum" | "growth" | "distinct":
            return seen.a, None
        case "mean":
            return seen.a, seen.n * scale
        case "duration":
            return seen.a, seen.n
        case "per_client":
            return seen.a, seen.b
    return seen.a, seen.b * scale


def contributed(program: Program, rule: Rule, entry: Entry, part: Part, split: str) -> str:
    """What a fact adds, in words."""
    seen = entry.seen
    assert seen is not None
    numerator, denominator = parts_of(rule, seen, part)
    currency, currency_below = currencies(rule, split)
    match rule.measure.kind:
        case "count" | "per_head":
            return "1"
        case "sum" | "growth":
            return money(numerator, currency)
        case "distinct":
            return "1 client"
        case "per_client":
            return money(numerator, currency) + (", client counted here" if denominator else "")
        case "mean":
            return f"{numerator:,}" if denominator == 1 else f"{numerator:,}/{denominator:,}"
        case "conversion":
            return _settled(entry, won=bool(numerator))
        case "duration":
            has_target = program.clocks.target_ms(rule, entry.group[1], entry.at or 0) >= 0
            verdict = (", over target", ", within target")[numerator] if has_target else ""
            return length(seen.b) + verdict
    quotient = f"{numerator:,}/{denominator:,}"
    if currency or currency_below:
        quotient = f"{money(numerator, currency)} of {money(denominator or 0, currency_below)}"
    return f"{quotient}, on the book now" if part == "now" and rule.timed else quotient


def _settled(entry: Entry, *, won: bool) -> str:
    if not won:
        return "lost at its deadline" if entry.success_at is None else "lost: it came too late"
    if entry.success_at is None:
        return "won at once by another open loan"
    return f"won by {entry.success}" if entry.success else "won"
