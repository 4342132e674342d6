"""`loanpulse show`: the board in a terminal."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work
from streams.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table
    from rich.text import Text

    from loanpulse.serve.book import Book
    from loanpulse.serve.shown import Shown

Dimension = Literal["officer", "branch", "product", "channel"]
WINDOW_OF_MEMBERS = "30d"


def show(
    window: Annotated[
        str | None, typer.Option(help="One window, with medians: 1h … 180d, today, month, quarter.")
    ] = None,
    by: Annotated[
        Dimension | None, typer.Option(help="Each KPI by its members, those with most behind them first.")
    ] = None,
    kpi: Annotated[list[str] | None, typer.Option(help="Only this KPI; repeatable.")] = None,
    top: Annotated[int, typer.Option(min=1, help="With --by: how many members of each KPI.")] = 10,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, each second, until Ctrl-C.")] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> int:
    """Show the board as tables, by key responsibility area, and how improvement goals stand."""
    from loanpulse.lab.apart import run_cancellable

    demand_window(window)
    settings = at_work(options.settings_from(redis=redis, namespace=namespace), "redis")
    return run_cancellable(show_board(settings, _chooser(window, by, kpi or (), top), watch=watch))


def demand_window(window: str | None) -> None:
    """Refuse a window that there is not."""
    from kpi_rules.model import ALL_WINDOWS

    if window is not None and window not in ALL_WINDOWS:
        raise typer.BadParameter(f"there is no window {window!r}: it is one of {', '.join(ALL_WINDOWS)}")


def demand_known(book: "Book", kpis: "Sequence[str]") -> None:
    """Refuse a KPI that there is not, with the nearest name."""
    from kpi_rules.names import nearest

    for kpi in kpis:
        if kpi not in book.rules:
            raise typer.BadParameter(f"there is no KPI {kpi!r}{nearest(kpi, book.rules)}")


def _chooser(
    window: str | None, by: Dimension | None, kpis: "Sequence[str]", top: int
) -> "Callable[[Shown, int], list[Table]]":
    """What makes the tables of a board; of KPIs that its rules do not know it says so."""
    from loanpulse.cli.board_tables import breakdown, detail, overview, overview_windows
    from loanpulse.cli.goal_tables import goals

    def tables(shown: "Shown", width: int) -> "list[Table]":
        snapshot, book = shown
        demand_known(book, kpis)
        areas = [
            area._replace(kpis=[kpi for kpi in area.kpis if not kpis or kpi in kpis]) for area in book.areas
        ]
        if by is not None:
            chosen = [kpi for area in areas for kpi in area.kpis]
            made = [breakdown(snapshot, book, kpi, by, window or WINDOW_OF_MEMBERS, top) for kpi in chosen]
            return [table for table in made if table is not None]
        if window is not None:
            made_of = [detail(snapshot, book, area, window) for area in areas]
        else:
            windows = overview_windows(width)
            made_of = [overview(snapshot, book, area, windows) for area in areas]
            made_of.append(goals(snapshot, book, width, kpis))
        return [table for table in made_of if table.row_count]

    return tables


async def show_board(
    settings: Settings, tables: "Callable[[Shown, int], list[Table]]", *, watch: bool
) -> int:
    """Print the tables of the stored board, or go on doing so."""
    import sys

    from loanpulse.cli import board_screen
    from loanpulse.cli.board_tables import heading
    from loanpulse.cli.output import console
    from loanpulse.serve.shown import ShownReader
    from streams.runtime.clock import clock_of
    from streams.runtime.redis_client import connect

    client = await connect(str(settings.redis))
    try:
        reader, clock, out = ShownReader(client, settings.namespace), clock_of(settings), console()

        def headed(shown: "Shown") -> "Text":
            return heading(shown.snapshot.meta, clock.now_ms(), stale_seconds=settings.stale_seconds)

        if watch:
            await board_screen.watch(out, reader.read, headed, tables)
        shown = await reader.read()
        if shown is None:
            print(
                f"no board in the namespace {settings.namespace} yet: start loanpulse board", file=sys.stderr
            )
            return FAILED
        out.print(board_screen.laid_out(headed(shown), tables(shown, out.width), out.width))
        return OK
    finally:
        await client.aclose()
