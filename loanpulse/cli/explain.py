"""`loanpulse explain`: why a figure of the board is what it is, and what a case adds to it."""

from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.output import FILE_WIDTH
from loanpulse.cli.places import at_work
from streams.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rich.console import RenderableType

    from loanpulse.serve.shown import Shown
    from streams.runtime.script import Client

    Answer = Callable[[Client, Shown], Coroutine[None, None, tuple[object, list[RenderableType]]]]


def explain(
    kpi: Annotated[
        str | None, typer.Argument(help="Which KPI, such as turnaround_time; with --case it may be left out.")
    ] = None,
    window: Annotated[str, typer.Option(help="1h … 180d, today, month or quarter.")] = "30d",
    officer: Annotated[str | None, typer.Option(help="Only what belongs to this officer.")] = None,
    branch: Annotated[str | None, typer.Option(help="Only what belongs to this branch.")] = None,
    product: Annotated[str | None, typer.Option(help="Only what belongs to this product.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only what belongs to this channel.")] = None,
    case: Annotated[
        str | None, typer.Option(help="One case instead: its facts, its clock, what it is counted in.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="With --case: its client or officer; it is found without a search.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many cases are listed; 0 lists all.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="As one JSON object, with everything exact.")
    ] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    as_of: options.AsOf = None,
) -> int:
    """Explain a figure: the rule in words, the cases behind it, and what was left out and why; or explain one case."""
    from loanpulse.lab.apart import run_cancellable

    settings = at_work(options.settings_from(redis=redis, namespace=namespace, as_of=as_of), "redis")
    chosen = {"officer": officer, "branch": branch, "product": product, "channel": channel}
    group = {name: member for name, member in chosen.items() if member is not None}
    if case is None:
        if kpi is None:
            raise typer.BadParameter("name a KPI, or a case with --case")
        answer = _of_figure(settings, kpi, window, group, limit or None)
    else:
        if group:
            raise typer.BadParameter(
                f"--case is one case, whoever it belongs to: leave out --{next(iter(group))}"
            )
        answer = _of_case(settings, kpi, case, key)
    return run_cancellable(answered(settings, answer, as_json=as_json))


def _of_figure(
    settings: Settings, kpi: str, window: str, group: dict[str, str], limit: int | None
) -> "Answer":
    async def answer(client: "Client", shown: "Shown") -> "tuple[object, list[RenderableType]]":
        from loanpulse.cli.explain_text import explanation_text
        from loanpulse.rules.explain import Question
        from loanpulse.rules.explain import explain as explained

        explanation = await explained(client, settings.namespace, shown, Question(kpi, window, group, limit))
        return explanation, explanation_text(explanation, shown)

    return answer


def _of_case(settings: Settings, kpi: str | None, case: str, key: str | None) -> "Answer":
    async def answer(client: "Client", shown: "Shown") -> "tuple[object, list[RenderableType]]":
        from loanpulse.cli.case_text import case_text
        from loanpulse.rules.case_story import explain_case
        from streams.runtime.clock import clock_of

        now_ms = clock_of(settings).now_ms()
        story = await explain_case(client, settings.namespace, shown, case, key=key, kpi=kpi, now_ms=now_ms)
        return story, case_text(story)

    return answer


async def answered(
    settings: Settings, answer: "Answer", *, as_json: bool, file_width: int = FILE_WIDTH
) -> int:
    """Print what is answered about the board as it is stored, by the rules that it is of."""
    import sys

    import msgspec

    from loanpulse.cli.output import console
    from loanpulse.serve.shown import ShownReader
    from streams.runtime.redis_client import connect

    client = await connect(str(settings.redis))
    try:
        shown = await ShownReader(client, settings.namespace).read()
        if shown is None:
            print(
                f"no board in the namespace {settings.namespace} yet: start loanpulse board", file=sys.stderr
            )
            return FAILED
        found, texts = await answer(client, shown)
    finally:
        await client.aclose()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        console(file_width).print(*texts, sep="\n")
    return OK
