"""`loanpulse case`: where one case stands, and its story."""

from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.explain import answered
from loanpulse.cli.output import WIDE
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from rich.console import RenderableType

    from loanpulse.serve.shown import Shown
    from streams.runtime.script import Client


def case(
    subject: Annotated[
        str, typer.Argument(metavar="ID", help="The case's own name, such as a loan's or a complaint's.")
    ],
    key: Annotated[
        str | None, typer.Option(help="Its client or officer; it is found without a search.")
    ] = None,
    kpi: Annotated[str | None, typer.Option(help="Only what concerns this KPI.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As one JSON object, with everything exact.")
    ] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    as_of: options.AsOf = None,
) -> int:
    """Show one case: each clock that runs in words, or how it ended; then its facts and what it is counted in."""
    from loanpulse.lab.apart import run_cancellable

    settings = at_work(options.settings_from(redis=redis, namespace=namespace, as_of=as_of), "redis")

    async def answer(client: "Client", shown: "Shown") -> "tuple[object, list[RenderableType]]":
        from loanpulse.cases.standing import standing_of
        from loanpulse.cli.standing_text import standing_text
        from streams.runtime.clock import clock_of

        found = await standing_of(
            client,
            settings.namespace,
            shown,
            subject,
            key=key,
            kpi=kpi,
            now_ms=clock_of(settings).now_ms(),
        )
        return found, standing_text(found, shown)

    return run_cancellable(answered(settings, answer, as_json=as_json, file_width=WIDE))
