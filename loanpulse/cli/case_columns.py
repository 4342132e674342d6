"""Which columns of open cases there is room for: a figure is never cut, what can be spared is left out first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from loanpulse.cases.told import Told

_GAP = 2


@dataclass(frozen=True)
class Column:
    """`spared`: the lower, the sooner it is left out, or made `short` if it can be; 0: never. `least`: so short its texts may
    be cut, 0 for not at all. `width` is what it has been given."""

    name: str
    text: Callable[[Told], str]
    style: Callable[[Told], str] = lambda _: "default"
    spared: int = 0
    short: Callable[[Told], str] | None = None
    least: int = 0
    width: int = 0


def fitted(columns: Sequence[Column], cases: Sequence[Told], width: int) -> list[Column]:
    """Those that fit side by side, as wide as what stands in them; where even the others do not, names are cut short."""
    found = [replace(column, width=_width(column, cases)) for column in columns]
    for column in sorted((column for column in found if column.spared), key=lambda column: column.spared):
        if _excess(found, width) <= 0:
            break
        place = found.index(column)
        found[place : place + 1] = _shortened(column, cases)
    for i, column in enumerate(found):
        if column.least and (excess := _excess(found, width)) > 0:
            found[i] = replace(column, width=max(min(column.least, column.width), column.width - excess))
    return found


def _shortened(column: Column, cases: Sequence[Told]) -> list[Column]:
    """The column with its short texts; nothing, if it has none."""
    if column.short is None:
        return []
    short = replace(column, text=column.short)
    return [replace(short, width=_width(short, cases))]


def _width(column: Column, cases: Sequence[Told]) -> int:
    return max(cell_len(text) for text in (column.name.rstrip(">"), *map(column.text, cases)))


def _excess(columns: Sequence[Column], width: int) -> int:
    return sum(column.width + _GAP for column in columns) - _GAP - width
