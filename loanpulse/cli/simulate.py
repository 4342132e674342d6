"""`loanpulse simulate`: a believable lender, for a topic that has none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from rich.console import Console

_TENTHS = 10


def simulate(
    days: Annotated[int, typer.Option(min=0, help="How many days of past it has.")] = 90,
    rate: Annotated[
        float, typer.Option(min=0, help="Events a second from now on; 0 ends after the past.")
    ] = 5.0,
    scale: Annotated[
        float, typer.Option(min=0.01, help="The size of its past: 1 is some 900 events a day.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Another number is another lender.")] = 1,
    events: Annotated[int | None, typer.Option(min=1, help="End after so many events of now.")] = None,
    broken: Annotated[
        float, typer.Option(min=0, max=1, help="The share of events that come in a broken copy first.")
    ] = 0.0,
    out: Annotated[
        Path | None, typer.Option(help="Write the past to this file of JSON lines (.gz or not) instead.")
    ] = None,
    as_of: options.AsOf = None,
    kafka: options.Kafka = None,
    topic_prefix: options.TopicPrefix = None,
    tz: options.Zone = None,
    home: options.Home = None,
) -> None:
    """Simulate a lender of 12 branches and 120 officers: its past at full speed, then its life at a chosen pace.

    It has working hours, weekends and seasons; its events are corrected, repeated and late, as those of real lenders are.
    Officers live in the zone of --tz. The topics must exist: loanpulse topics create. With --as-of its past ends then,
    there is no now, and the same options give the same events.
    """
    from loanpulse.lab.simulate import Options, write
    from loanpulse.lab.simulate import simulate as send

    settings = options.settings_from(as_of=as_of, kafka=kafka, topic_prefix=topic_prefix, tz=tz, home=home)
    chosen = Options(seed, scale, days, rate, events, broken)
    if out is not None:
        with _progress("written") as tell:
            written = write(chosen, settings, out, tell)
        print(f"{written:,} events are in {out}")
        return
    settings = at_work(settings, "kafka")
    with _progress("sent") as tell:
        sent = send(chosen, settings, tell)
    print(f"{sent:,} events are sent in all")


@contextmanager
def _progress(verb: str) -> Iterator[Callable[[float, int], None]]:
    """On stderr a bar for the past, then a count of what happens now; without a terminal a line for each tenth."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with _bars(console) as tell:
            yield tell
    else:
        yield _lines(console, verb)


@contextmanager
def _bars(console: "Console") -> Iterator[Callable[[float, int], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[events]:>12,} events"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        past = progress.add_task("the past", total=1.0, events=0, visible=False)
        now = progress.add_task("now", total=None, events=0, visible=False)
        before = 0

        def tell(done: float, events: int) -> None:
            nonlocal before
            if progress.tasks[past].finished:
                progress.update(now, visible=True, events=events - before)
            else:
                before = events
                progress.update(past, visible=True, completed=done, events=events)

        yield tell


def _lines(console: "Console", verb: str) -> Callable[[float, int], None]:
    from loanpulse.lab.simulate import past_line

    told = 0

    def tell(done: float, events: int) -> None:
        nonlocal told
        if int(done * _TENTHS) > told:
            told = int(done * _TENTHS)
            console.print(past_line(verb, 100 * told // _TENTHS, events), soft_wrap=True)

    return tell
