"""`loanpulse import`: what began before the stream."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import BAD_INPUT, OK
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from loanpulse.intake.importing import Result
    from loanpulse.intake.survey import Survey

MOST_TOLD = 50


def import_book(
    file: Annotated[Path | None, typer.Argument(help="A CSV file, .gz or not.")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="What its rows mean: loans, open-cases, or a YAML file.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge every row, count the events, send nothing.")
    ] = False,
    skip_bad: Annotated[
        Path | None, typer.Option(help="Write bad rows to this new CSV file, and send the others.")
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            help="Leave what happened from this day or instant on to the stream; not loans' states."
        ),
    ] = None,
    revision: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="State every fact anew, over lower revisions of it.")
    ] = 0,
    template: Annotated[
        str | None, typer.Option(help="Only print the header of a CSV file for a built-in mapping.")
    ] = None,
    print_mapping: Annotated[
        str | None, typer.Option(help="Only print a built-in mapping, to make one's own of it.")
    ] = None,
    kafka: options.Kafka = None,
    topic_prefix: options.TopicPrefix = None,
    tz: options.Zone = None,
    config: options.Config = None,
    home: options.Home = None,
) -> int:
    """Bring in loans, clients and open cases from before the stream, as events, from a CSV file.

    The whole file is judged first, and nothing is sent while a row is bad. Importing it again changes nothing.
    """
    if template is not None or print_mapping is not None:
        return _print_built_in(template, print_mapping)
    if file is None or mapping is None:
        raise typer.BadParameter("name a FILE and its --mapping, or ask for a --template")
    from loanpulse.intake.importing import Options, import_file
    from streams.runtime.clock import WallClock

    settings = options.settings_from(kafka=kafka, topic_prefix=topic_prefix, tz=tz, config=config, home=home)
    if not dry_run:
        settings = at_work(settings, "kafka")
    chosen = Options(file, mapping, dry_run, skip_bad, before, revision)
    with _progress() as tell:
        result = import_file(chosen, settings, WallClock().now_ms(), tell)
    return _report(chosen.file, result, skip_bad)


def _print_built_in(template: str | None, mapping: str | None) -> int:
    from loanpulse.intake.mapping_file import parse_mapping, text_of

    if template is not None:
        print(",".join(parse_mapping(text_of(template), template).columns))
    if mapping is not None:
        print(text_of(mapping), end="")
    return OK


@contextmanager
def _progress() -> Iterator[Callable[[str, float, int], None]]:
    """A bar for each stage, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[rows]:>10,} rows"),
        TimeElapsedColumn(),
    )
    stages: dict[str, TaskID] = {}
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def tell(stage: str, done: float, rows: int) -> None:
            if stage not in stages:
                stages[stage] = progress.add_task(stage, total=1.0, rows=0)
            progress.update(stages[stage], completed=done, rows=rows)

        yield tell


def _report(file: Path, result: "Result", set_apart: Path | None) -> int:
    """Counts to stdout, trouble to stderr."""
    import sys

    survey = result.survey
    for problem in survey.problems[:MOST_TOLD]:
        print(f"{file}:{problem.line}: {problem.text}", file=sys.stderr)
    more = len(survey.problems) - MOST_TOLD
    if more > 0:
        print(f"… and {more:,} more; --skip-bad FILE writes all bad rows to a file", file=sys.stderr)
    if survey.unread:
        print(f"not read: {', '.join(survey.unread)}", file=sys.stderr)
    _print_counts(survey)
    return _print_outcome(result, set_apart)


def _print_counts(survey: "Survey") -> None:
    from loanpulse.cli.output import console, table

    notes = [f"{survey.rows:,} rows"]
    notes += [f"{survey.silent:,} of them say nothing"] if survey.silent else []
    notes += [f"{survey.repeated:,} events are said twice"] if survey.repeated else []
    print("; ".join(notes))
    if survey.types or survey.left:
        columns = ["event", "number>"] + (["left to the stream>"] if survey.left else [])
        listed = table(*columns)
        for name in sorted(survey.types | survey.left):
            listed.add_row(
                name, f"{survey.types[name]:,}", *([f"{survey.left[name]:,}"] if survey.left else [])
            )
        console().print(listed)


def _print_outcome(result: "Result", set_apart: Path | None) -> int:
    import sys

    bad, sent = len(result.survey.bad), result.sent
    if bad and set_apart is not None:
        print(f"{bad:,} bad rows are in {set_apart}", file=sys.stderr)
    elif bad:
        print(
            f"{bad:,} rows are bad, nothing is sent: mend them, or set them apart with --skip-bad",
            file=sys.stderr,
        )
        return BAD_INPUT
    print(f"{sent:,} events are sent" if sent else "nothing is sent")
    return OK
