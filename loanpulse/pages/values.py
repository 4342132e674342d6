"""Values as people say them on a page: 98 %, 4.6, 7 h 30 min, 450.00 EUR."""

from datetime import UTC, datetime, timedelta

from kpi_rules.model import Rule
from schemas.currencies import decimals_of

NOTHING = "no value"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALL = 0.1  # a score below it, such as a Brier score, would lose its digits


def value_words(value: float | None, rule: Rule, currency: str = "") -> str:
    """A value in a rule's unit. A duration's value is a percentile, known to within 1.1 %: two digits of it."""
    if value is None:
        return NOTHING
    match rule.unit:
        case "seconds":
            return f"about {rough_length(value)}"
        case "ratio":
            return percent(value)
        case "amount_minor":
            return money(round(value), currency)
        case "count":
            return f"{value:,.0f}"
    return number(value)


def number(value: float) -> str:
    """At most two decimals, small ones four."""
    return _trimmed(f"{value:,.{4 if 0 < abs(value) < _SMALL else 2}f}").replace("-", "−")


def percent(share: float) -> str:
    return f"{_trimmed(f'{share * 100:.1f}')} %".replace("-", "−")


def money(minor: int, currency: str) -> str:
    """An amount in minor units, in the currency's own."""
    decimals = decimals_of(currency)
    return f"{minor / 10**decimals:,.{decimals}f} {currency}".rstrip().replace("-", "−")


def rough_length(seconds: float) -> str:
    """A length of time to two digits, in the unit that suits it."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            amount = seconds / size
            return f"{amount:.0f} {unit}" if amount >= 9.5 else f"{_trimmed(f'{amount:.1f}')} {unit}"
    return f"{seconds:.0f} s"


def moment(at_ms: int) -> str:
    """`Mon 5 Jan 2026, 10:00`, in UTC; seconds where there are some."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    clock = f"{at:%H:%M:%S}" if at.second or at.microsecond else f"{at:%H:%M}"
    return f"{at:%a} {at.day} {at:%b %Y}, {clock}"


def day(at_ms: int) -> str:
    return moment(at_ms).partition(",")[0]


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
