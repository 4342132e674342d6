"""Values as people read them: short, with their unit."""

NOTHING = "–"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
_SMALL = 0.1  # a score below it, such as a Brier score, would be 0.00


def value_text(value: float | None, unit: str, *, business: bool = False) -> str:
    """A value in a rule's unit, money without its currency; `business` keeps hours from becoming days of 24."""
    if value is None:
        return NOTHING
    if unit == "seconds":
        return duration_text(value, business=business)
    if unit == "ratio":
        return f"{value * 100:.1f} %"
    if unit == "amount_minor":
        return short(value / 100)
    if unit == "score":
        return f"{value:.4f}" if 0 < abs(value) < _SMALL else f"{value:.2f}"
    return f"{value:,.0f}"


def duration_text(seconds: float, *, business: bool = False) -> str:
    """A length of time in the unit that keeps two or three digits; a business day has no fixed length, so hours."""
    if abs(seconds) < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if abs(seconds) < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    if business or abs(seconds) < 2 * DAY:
        return f"{seconds / HOUR:.1f} h"
    return f"{seconds / DAY:.1f} d"


def short(amount: float) -> str:
    """An amount with at most four digits before its point: 950, 12.3k, 4.56m."""
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(amount) >= size:
            return f"{amount / size:.1f}{letter}"
    return f"{amount:,.0f}"
