"""`loanpulse replay`: the board of a file of events."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from loanpulse.cli import options

OVERALL = "30d"


def replay(
    file: Annotated[
        Path, typer.Argument(help="CloudEvents as JSON lines, .gz or not; with --mapping any CSV.")
    ],
    mapping: Annotated[
        str | None, typer.Option(help="What the CSV's rows mean: bpic2012, or a YAML file.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many worker processes.")] = 1,
    board: Annotated[Path | None, typer.Option(help="Write the whole board to this JSON file.")] = None,
    as_of: options.AsOf = None,
    tz: options.Zone = None,
    config: options.Config = None,
    rules: options.Rules = None,
    partitions: options.Partitions = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    home: options.Home = None,
) -> None:
    """Replay a file through Kafka and Redis, in a namespace of its own, and show the KPIs as of an instant.

    Without --as-of that is the last event's time. Later events are not loaded.
    """
    from loanpulse.lab.replay import Options
    from loanpulse.lab.replay import replay as run
    from streams.runtime.rulebook import read_rules

    settings = options.settings_from(
        as_of=as_of,
        tz=tz,
        config=config,
        rules=rules,
        partitions=partitions,
        kafka=kafka,
        redis=redis,
        home=home,
    )
    with _progress() as tell:
        result = run(Options(file, mapping, workers, board), settings, tell)
    _print(result, {rule.id: rule.unit for file in read_rules(settings.rules) for rule in file.content.rules})
    if board is not None:
        print(f"\nthe whole board, {len(result['rows']):,} rows, is in {board}")


@contextmanager
def _progress() -> Iterator[Callable[[str, float, int], None]]:
    """A bar for each stage, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[events]:>12,} events"),
        TimeElapsedColumn(),
    )
    stages: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def tell(stage: str, done: float, events: int) -> None:
            if stage not in stages:
                for earlier in stages.values():
                    progress.update(earlier, completed=1.0)
                stages[stage] = progress.add_task(stage, total=1.0, events=0)
            progress.update(stages[stage], completed=done, events=events)

        yield tell
        for finished in stages.values():
            progress.update(finished, completed=1.0)


def _print(result: dict[str, Any], units: Mapping[str, str]) -> None:
    from loanpulse.cli.output import console, table

    counts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in result["events"].items())
    print(f"as of {result['as_of']}: {counts}\n")
    listed = table("KPI", "of", f"{OVERALL} or now>", "unit", "numerator>", "denominator>", "n>")
    for row in result["rows"]:
        split = {name: value for name, value in row["group"].items() if name in ("currency", "severity")}
        if row["group"] == split and row["window"] in (OVERALL, "now"):
            parts = (_exact(row[part]) for part in ("numerator", "denominator", "n"))
            listed.add_row(
                row["kpi"], " ".join(split.values()), _exact(row["value"]), units[row["kpi"]], *parts
            )
    console().print(listed)


def _exact(number: float | None) -> str:
    from loanpulse.cli.amounts import NOTHING

    if number is None:
        return NOTHING
    return f"{number:,}" if isinstance(number, int) else f"{number:,.6f}".rstrip("0").rstrip(".")
