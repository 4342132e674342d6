"""`loanpulse demo`: a whole lender on this machine, live in the terminal."""

from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from loanpulse.board.snapshot import Snapshot
    from loanpulse.lab.demo import Demo
    from loanpulse.serve.shown import Shown, ShownReader
    from streams.runtime.settings import Settings

_POLL_SECONDS = 0.5
_STALLED_SECONDS = 90
_FRESH_MS = 10_000
"""A board that lacks no more is live; it is computed each second."""


def demo(
    seconds: Annotated[
        int | None, typer.Option(min=1, help="Stop by itself so long after the first KPIs.")
    ] = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    home: options.Home = None,
    serve_port: options.ServePort = None,
) -> None:
    """Start Kafka, Redis, a simulated lender and every process of LoanPulse, and show the KPIs live.

    Ctrl-C stops all of it and leaves nothing running. With LOANPULSE_KAFKA and LOANPULSE_REDIS it uses those servers.
    """
    import time
    from contextlib import suppress

    from loanpulse.cli.output import console as output
    from loanpulse.lab.apart import run_cancellable
    from loanpulse.lab.demo import demo as running_demo

    console, begun = output(), time.monotonic()
    settings = options.settings_from(kafka=kafka, redis=redis, home=home, serve_port=serve_port)

    def tell(said: str) -> None:
        with suppress(OSError):  # a closed terminal does not keep us from stopping everything
            console.print(f"[dim]·[/] {said}", soft_wrap=True)

    with running_demo(settings, tell) as everything:
        run_cancellable(_watch(everything, console, begun, seconds))


async def _watch(demo: "Demo", console: "Console", begun: float, seconds: int | None) -> None:
    import asyncio
    import time
    from contextlib import suppress

    from loanpulse.serve.shown import ShownReader
    from streams.runtime.redis_client import connect

    client = await connect(str(demo.settings.redis))
    try:
        reader = ShownReader(client, demo.settings.namespace)
        for name in ("metrics", "healthz", "readyz"):
            console.print(f"  {demo.address}/{name}")
        taken = await _until_live(demo, reader, console)
        console.print(
            f"[green]✓[/] KPIs are live, {time.monotonic() - begun:.0f} s after the start: {taken:,} events"
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _show(demo, reader, console)
    finally:
        await client.aclose()


async def _until_live(demo: "Demo", reader: "ShownReader", console: "Console") -> int:
    """Wait for a board that has the whole past in it; how many events that is.

    Raises ServerError if something ends, or nothing moves, meanwhile.
    """
    import asyncio
    import time

    from loanpulse.lab.process import ServerError
    from loanpulse.lab.replay import OUTCOMES

    before, moved_at = (0, 0), time.monotonic()
    with console.status("the lender's past is sent") as status:
        while True:
            demo.check()
            shown = await reader.read()
            snapshot = None if shown is None else shown.snapshot
            taken = sum(snapshot.meta.events[name] for name in OUTCOMES) if snapshot else 0
            percent, sent = demo.past_sent()
            if snapshot and percent == 100 and taken >= sent and _is_fresh(snapshot, demo.settings):
                return taken
            if (sent, taken) != before:
                before, moved_at = (sent, taken), time.monotonic()
            elif time.monotonic() - moved_at > _STALLED_SECONDS:
                raise ServerError(
                    f"nothing has moved for {_STALLED_SECONDS} s, {taken:,} of {sent:,} events are taken in: "
                    f"see the logs in {demo.settings.home / 'log'}"
                )
            status.update(f"the lender's past: {percent} % are sent, {taken:,} events are taken in")
            await asyncio.sleep(_POLL_SECONDS)


def _is_fresh(snapshot: "Snapshot", settings: "Settings") -> bool:
    from streams.runtime.clock import clock_of

    through = snapshot.meta.complete_through_ms
    return through is not None and clock_of(settings).now_ms() - through < _FRESH_MS


async def _show(demo: "Demo", reader: "ShownReader", console: "Console") -> None:
    """Tables until cancelled; without a terminal once, and then only the check that everything runs."""
    import asyncio

    from rich.text import Text

    from loanpulse.cli import board_screen
    from loanpulse.cli.board_tables import heading, overview, overview_windows
    from loanpulse.cli.goal_tables import goals
    from streams.runtime.clock import WallClock

    clock = WallClock()

    def headed(shown: "Shown") -> Text:
        lines = heading(shown.snapshot.meta, clock.now_ms(), stale_seconds=demo.settings.stale_seconds)
        return lines.append(
            f"\n{demo.address}/metrics  ·  {demo.address}/healthz  ·  Ctrl-C stops", style="dim"
        )

    def tables(shown: "Shown", width: int) -> "list[Table]":
        windows = overview_windows(width)
        made = [overview(*shown, area, windows) for area in shown.book.areas]
        made.append(goals(*shown, width))
        return [table for table in made if table.row_count]

    if console.is_terminal:
        await board_screen.watch(console, reader.read, headed, tables, check=demo.check)
    shown = await reader.read()
    if shown is not None:
        console.print(board_screen.laid_out(headed(shown), tables(shown, console.width), console.width))
    while True:
        demo.check()
        await asyncio.sleep(_POLL_SECONDS)
