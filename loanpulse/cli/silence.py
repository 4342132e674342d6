"""`loanpulse silence` and `loanpulse snooze`: what is not to be told for a while."""

from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.asking import ask
from loanpulse.cli.exits import FAILED, OK

if TYPE_CHECKING:
    from loanpulse.dispatch.silence import Covered, Silence
    from streams.runtime.script import Client

silence = typer.Typer(help="What is not to be told for a while, and why.")

Reason = Annotated[str, typer.Option(help="Why; it is shown to others.")]
By = Annotated[str, typer.Option(help="Who says so.")]
Kind = Annotated[str, typer.Option(help="The case's kind, such as query, where ids of kinds overlap.")]
Key = Annotated[str, typer.Option(help="The case's client or officer, as Kafka's key.")]


@silence.callback()
def root() -> None:
    """What is not to be told for a while, and why."""


@silence.command()
def add(
    reason: Reason,
    by: By,
    until: Annotated[str, typer.Option(help="When it ends: a length such as `2 hours`, or an instant.")],
    case: Annotated[str, typer.Option(help="Only this case.")] = "",
    kind: Kind = "",
    key: Key = "",
    officer: Annotated[str, typer.Option(help="Only what belongs to this officer.")] = "",
    kpi: Annotated[str, typer.Option(help="Only this KPI; * and ? as in file names.")] = "",
    branch: Annotated[str, typer.Option(help="Only what belongs to this branch.")] = "",
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> None:
    """Let alerts that all that is named holds for wait until an instant; what is over by then is never told."""
    from loanpulse.dispatch.silence import Covered

    covered = Covered(case, kind, key, officer, kpi, branch)
    _add(covered, reason, by, until, redis, namespace)


def snooze(
    case: Annotated[str, typer.Argument(help="The case, as the alert names it.")],
    until: Annotated[str, typer.Option("--for", help="How long, such as `2 hours`, or until which instant.")],
    reason: Reason,
    by: By,
    kind: Kind = "",
    key: Key = "",
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> None:
    """Let one case wait; if it still is an alert then, all who knew of it are told once more."""
    from loanpulse.dispatch.silence import Covered

    _add(Covered(case, kind, key), reason, by, until, redis, namespace)


@silence.command("list")
def list_silences(redis: options.Redis = None, namespace: options.Namespace = None) -> None:
    """List the silences in force, the first to end first."""
    from loanpulse.cli.output import console, table
    from loanpulse.dispatch.silence import written
    from loanpulse.dispatch.silences import silences_in_force

    async def question(client: "Client", name: str, now_ms: int) -> "list[Silence]":
        return await silences_in_force(client, name, now_ms)

    found = ask(redis, namespace, question)
    listed = table("silence", "until", "what", "by", "since", "reason")
    for it in found:
        listed.add_row(
            it.id, written(it.end_ms), _shown(it.covered), it.by, written(it.created_ms), it.reason
        )
    if found:
        console().print(listed, markup=False)
    else:
        print("no silences")


@silence.command()
def end(
    silence_id: Annotated[str, typer.Argument(metavar="SILENCE", help="As silence list names it.")],
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> int:
    """End a silence now; what it held and still is an alert is told within seconds."""
    import sys

    from loanpulse.dispatch.silences import end_silence

    async def question(client: "Client", name: str, now_ms: int) -> "Silence | None":
        return await end_silence(client, name, silence_id, now_ms)

    if ask(redis, namespace, question) is None:
        print(f"there is no silence {silence_id} in force: see loanpulse silence list", file=sys.stderr)
        return FAILED
    return OK


def _add(
    covered: "Covered", reason: str, by: str, until: str, redis: str | None, namespace: str | None
) -> None:
    from loanpulse.dispatch.silence import end_of, written
    from loanpulse.dispatch.silences import add_silence

    async def question(client: "Client", name: str, now_ms: int) -> "Silence":
        end_ms = end_of(until, now_ms)
        return await add_silence(client, name, covered, reason=reason, by=by, end_ms=end_ms, now_ms=now_ms)

    made = ask(redis, namespace, question)
    print(f"silence {made.id} until {written(made.end_ms)}: {_shown(covered)}")


def _shown(covered: "Covered") -> str:
    import msgspec

    names = {"subject": "case"}
    fields = msgspec.structs.asdict(covered)
    return ", ".join(f"{names.get(field, field)} {value}" for field, value in fields.items() if value)
