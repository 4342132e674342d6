"""What a cell says, as its mapping reads it."""

import re
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from loanpulse.intake.mapping import Column
from loanpulse.intake.times import Reading, time_text
from schemas.currencies import decimals_of

Row = Sequence[str]
Reader = Callable[[Row], object]

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_AMOUNT = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]+))?")
_TRUE = {"true", "t", "yes", "y", "1"}
_FALSE = {"false", "f", "no", "n", "0"}


def reader_of(cell: Column, place: int, currency: Reader | None, zone: ZoneInfo) -> Reader:
    """Reads a column; `currency` reads that of the event, where the minor unit is the currency's own."""
    if cell.form == "time":
        due = Reading("iso", zone, ends_day=True)
        return lambda row: time_text(text, due) if (text := row[place].strip()) else None
    if currency is None or cell.decimals != "currency":
        decimals = 2 if cell.decimals == "currency" else cell.decimals
        return lambda row: read(row[place].strip(), cell, decimals)
    return lambda row: read(row[place].strip(), cell, decimals_of(str(currency(row))))


def read(text: str, cell: Column, decimals: int) -> object:
    """None for nothing; the text as it is written where it cannot be read as asked."""
    text = cell.values.get(text, text)
    if not text:
        return None
    if cell.form == "integer":
        number = integer(text)
        return text if number is None else number
    if cell.form == "minor":
        return _minor(text.replace(",", ".") if cell.decimal_point == "," else text, decimals, text)
    if cell.form == "boolean":
        low = text.lower()
        return True if low in _TRUE else False if low in _FALSE else text
    return cell.prefix + text


def integer(text: str) -> int | None:
    """A whole number, or None where that is not what is written."""
    return int(text) if _INTEGER.fullmatch(text) else None


def _minor(amount: str, decimals: int, otherwise: str) -> int | str:
    """An amount in minor units, exactly; `otherwise` where it is no amount or is finer than the currency."""
    found = _AMOUNT.fullmatch(amount)
    if found is None:
        return otherwise
    sign, whole, fraction = found.groups(default="")
    digits = fraction.rstrip("0").ljust(decimals, "0")
    return int(sign + whole + digits) if len(digits) == decimals else otherwise
