"""`loanpulse doctor`: what is wrong with an installation, and how to mend it."""

from typing import Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work

_MARKS = ("[green]✓[/]", "[yellow]![/]", "[red]✗[/]")


def doctor(
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Make just this check; repeatable.")
    ] = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> int:
    """Check Kafka, Redis, clocks, topics, ledgers and the board; exit 1 if something is wrong."""
    from rich.console import Console
    from rich.markup import escape

    from loanpulse.doctor.examine import CHECKS, examine
    from loanpulse.doctor.finding import Level
    from loanpulse.doctor.site import Site

    for name in only or ():
        if name not in CHECKS:
            raise typer.BadParameter(f"there is no check {name!r}: it is one of {', '.join(CHECKS)}")
    settings = at_work(options.settings_from(kafka=kafka, redis=redis, namespace=namespace))
    console = Console(highlight=False, soft_wrap=True)
    worst = Level.OK
    with Site(settings, str(settings.kafka), str(settings.redis)) as site:
        for name, finding in examine(site, only or ()):
            worst = max(worst, finding.level)
            console.print(f"{_MARKS[finding.level]} {name:<12}{escape(finding.text)}")
            if finding.mend:
                console.print(f"{'':<14}[dim]→ {escape(finding.mend)}[/]")
    return FAILED if worst is Level.BAD else OK
