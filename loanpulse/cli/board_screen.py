"""The board on a screen: as many tables as fit, page after page, each second anew."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from loanpulse.cli.board_tables import LEGEND
from loanpulse.serve.shown import Shown

PAGE_SECONDS = 6
_LEAST_NAME = 20
_GAP = 2  # between columns
_TABLE_EXTRA = 2  # its header, and a line between it and the next


class Page(NamedTuple):
    """Tables that fit on a screen."""

    tables: Sequence[Table]
    number: int
    pages: int


def page_at(tables: Sequence[Table], room: int, seconds: int) -> Page:
    """The page that is due where so many lines are free: they take turns, so that everything is shown in the end."""
    pages: list[list[Table]] = [[]]
    left = room
    for made in tables:
        needed = made.row_count + _TABLE_EXTRA
        if needed > left and pages[-1]:
            pages.append([])
            left = room
        pages[-1].append(made)
        left -= needed
    number = seconds // PAGE_SECONDS % len(pages)
    return Page(pages[number], number + 1, len(pages))


def laid_out(heading: Text, tables: Sequence[Table], width: int, turn: str = "") -> RenderableType:
    """What it is worth, what the marks mean, and tables under each other with a line between them."""
    for made in tables:
        _fit(made, width)
    return Group(_top(heading, turn), Text(), *(part for made in tables for part in (made, Text())))


def _top(heading: Text, turn: str) -> Text:
    return heading.copy().append(f"\n{LEGEND}   {turn}".rstrip(), style="dim")


def _fit(made: Table, width: int) -> None:
    """Cut the names short, not the figures, where there is not enough room; a row is always one line."""
    names, *others = made.columns
    room = width - sum(_GAP + _width(column) for column in others)
    names.width = max(_LEAST_NAME, min(room, _width(names)))
    for column in made.columns:
        column.no_wrap, column.overflow = True, "ellipsis"


def _width(column: Column) -> int:
    cells = [str(column.header), *map(str, column.cells)]
    return max(column.min_width or 0, *(Text.from_markup(cell).cell_len for cell in cells))


async def watch(
    console: Console,
    read: Callable[[], Awaitable[Shown | None]],
    heading: Callable[[Shown], Text],
    tables: Callable[[Shown, int], Sequence[Table]],
    *,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Show the board until cancelled: `tables` of what is shown for a width.

    `check` is called each second, and what it raises ends the watch.
    """
    begun = time.monotonic()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            check()
            shown = await read()
            if shown is not None:
                top, made = heading(shown), tables(shown, console.width)
                above = len(console.render_lines(_top(top, _turn(99, 99)))) + 1
                page = page_at(made, console.height - above, int(time.monotonic() - begun))
                turn = _turn(page.number, page.pages) if page.pages > 1 else ""
                live.update(laid_out(top, page.tables, console.width, turn), refresh=True)
            await asyncio.sleep(1)


def _turn(number: int, pages: int) -> str:
    return f"page {number} of {pages}"
