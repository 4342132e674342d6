"""`loanpulse cases`: which cases are open, whose, and how long they have left."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loanpulse.cli import options
from loanpulse.cli.explain import answered
from loanpulse.cli.output import WIDE
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from rich.console import RenderableType

    from loanpulse.serve.shown import Shown
    from streams.runtime.script import Client

Sorting = Literal["due", "used", "since", "officer"]


def cases(
    at_risk: Annotated[bool, typer.Option("--at-risk", help="Only those at risk or breached.")] = False,
    band: Annotated[
        list[str] | None,
        typer.Option(help="Only those on_track, warning, at_risk, breached or paused; repeatable."),
    ] = None,
    kpi: Annotated[list[str] | None, typer.Option(help="Only those of this KPI; repeatable.")] = None,
    officer: Annotated[str | None, typer.Option(help="Only what belongs to this officer.")] = None,
    branch: Annotated[str | None, typer.Option(help="Only what belongs to this branch.")] = None,
    product: Annotated[str | None, typer.Option(help="Only what belongs to this product.")] = None,
    sort: Annotated[
        Sorting | None, typer.Option(help="One list in this order; left out, band by band, the worst first.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many cases are listed; 0 lists all.")] = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="As one JSON object, with everything exact.")
    ] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    as_of: options.AsOf = None,
) -> int:
    """List the open cases with what is left on their clocks: breached, at risk, warning, on track, paused."""
    from loanpulse.cases.choice import AT_RISK, Choice
    from loanpulse.lab.apart import run_cancellable
    from streams.calculus.open_cases import Band

    known = {each.label: each for each in Band}
    for name in band or ():
        if name not in known:
            raise typer.BadParameter(f"there is no band {name!r}: it is one of {', '.join(known)}")
    settings = at_work(options.settings_from(redis=redis, namespace=namespace, as_of=as_of), "redis")
    bands = frozenset(known[name] for name in band or ()) | (AT_RISK if at_risk else frozenset())
    choice = Choice(tuple(kpi or ()), bands, officer, branch, product, sort or "band", limit or None)

    async def answer(client: "Client", shown: "Shown") -> "tuple[object, list[RenderableType]]":
        from loanpulse.cases.reading import open_cases
        from loanpulse.cli.cases_text import cases_text
        from loanpulse.cli.output import console
        from streams.runtime.clock import clock_of

        now_ms = clock_of(settings).now_ms()
        found = await open_cases(client, settings.namespace, shown, now_ms, choice)
        width = console(WIDE).width
        return found, cases_text(found, choice, shown, width=width, stale_seconds=settings.stale_seconds)

    return run_cancellable(answered(settings, answer, as_json=as_json, file_width=WIDE))
