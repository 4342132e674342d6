"""`loanpulse dispatch`: tells receivers of alerts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.asking import ask
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work
from streams.runtime.settings import Settings, SettingsError, variable

if TYPE_CHECKING:
    from loanpulse.dispatch.course import Letter
    from loanpulse.dispatch.routes import Routes
    from streams.runtime.script import Client

ALL = 1_000_000

dispatch = typer.Typer(
    help="Tell receivers of alerts, as the routes file says; several may run.", invoke_without_command=True
)


@dispatch.callback()
def run(
    context: typer.Context,
    routes: options.Routes = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    config: options.Config = None,
    tz: options.Zone = None,
    as_of: options.AsOf = None,
    log_level: options.LogLevel = None,
) -> None:
    """Tell receivers of alerts, as the routes file says; several may run."""
    if context.invoked_subcommand is not None:
        return
    from loanpulse.cli.service import log_to_stderr, run_until_stopped

    settings = at_work(
        options.settings_from(
            routes=routes,
            kafka=kafka,
            redis=redis,
            namespace=namespace,
            config=config,
            tz=tz,
            as_of=as_of,
            log_level=log_level,
        )
    )
    found = _routes(settings)
    log_to_stderr(settings.log_level)
    run_until_stopped(_serve(settings, found))


@dispatch.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="A routes file; left out, that of the settings.")
    ] = None,
) -> None:
    """Say what is wrong with a routes file and its secrets, or what it has; nothing is sent."""
    import os

    from loanpulse.dispatch.outlets import outlets_of
    from loanpulse.dispatch.routes_file import read_routes
    from streams.runtime.clock import WallClock

    settings = options.settings_from()
    path = file or settings.routes
    found = _routes(settings) if file is None else read_routes(file)
    outlets_of(found, os.environ, WallClock())
    names = ", ".join(found.receivers) or "nobody"
    print(f"{path}: receivers: {names}; routes: {len(found.routes)} and a default")


@dispatch.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> None:
    """Show by receiver how many messages were delivered, tried again, failed, silenced, held or dropped, or are waiting."""
    import json

    from loanpulse.cli.output import console, table
    from loanpulse.dispatch.figures import NOBODY, OUTCOMES, figures
    from loanpulse.dispatch.store import Store

    async def question(client: "Client", name: str, _now_ms: int) -> dict[str, dict[str, int]]:
        store = Store(client, name)
        found = {receiver: dict(counts) for receiver, counts in (await figures(store)).items()}
        for receiver in found.keys() - {NOBODY}:
            found[receiver]["waiting"] = await store.waiting(receiver)
        return found

    found = ask(redis, namespace, question)
    if as_json:
        print(json.dumps(found, indent=1, sort_keys=True))
        return
    listed = table("receiver", "waiting>", *(f"{outcome}>" for outcome in OUTCOMES))
    for receiver in sorted(found.keys() - {NOBODY}):
        listed.add_row(receiver, *(f"{found[receiver].get(name, 0):,}" for name in ("waiting", *OUTCOMES)))
    console().print(listed)


@dispatch.command("letters")
def list_letters(
    last: Annotated[int, typer.Option(min=1, help="How many, from the newest back.")] = 100,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> None:
    """List the messages that could not be delivered, with the error; they stay until they are sent again."""
    from loanpulse.cli.output import console, table
    from loanpulse.dispatch.letters import letters
    from loanpulse.dispatch.silence import written
    from loanpulse.dispatch.store import Store
    from loanpulse.dispatch.wording import title

    async def question(client: "Client", name: str, _now_ms: int) -> "dict[str, Letter]":
        return await letters(Store(client, name), last)

    found = ask(redis, namespace, question)
    listed = table("letter", "given up", "receiver", "tries>", "alert", "error")
    for name, it in found.items():
        what = title(it.message.event)
        listed.add_row(name, written(it.at_ms), it.receiver, str(it.tries), what, it.error)
    if found:
        console().print(listed, markup=False)
    else:
        print("no undelivered messages")


@dispatch.command()
def redeliver(
    letters: Annotated[
        list[str] | None, typer.Argument(metavar="LETTERS", help="As dispatch letters names them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> int:
    """Let undelivered messages be tried again at once, each with the id that it had; exit 1 if one is not there."""
    import sys

    from loanpulse.dispatch.letters import letters as stored
    from loanpulse.dispatch.letters import send_again
    from loanpulse.dispatch.store import Store

    if bool(letters) == everything:
        raise typer.BadParameter("name letters, or --all")

    async def question(client: "Client", name: str, now_ms: int) -> list[str]:
        store = Store(client, name)
        named = letters or list(await stored(store, ALL))
        return [letter for letter in named if await send_again(store, letter, now_ms) is None]

    missing = ask(redis, namespace, question)
    for name in missing:
        print(f"there is no letter {name}: see loanpulse dispatch letters", file=sys.stderr)
    return FAILED if missing else OK


def _routes(settings: Settings) -> "Routes":
    from loanpulse.dispatch.routes_file import read_routes

    if settings.routes is None:
        raise SettingsError(f"{variable('routes')} is not set. {Settings.model_fields['routes'].description}")
    return read_routes(settings.routes)


async def _serve(settings: Settings, routes: "Routes") -> None:
    import os

    from loanpulse.dispatch.dispatcher import Dispatcher
    from loanpulse.dispatch.outlets import outlets_of
    from loanpulse.dispatch.patience import patiently
    from streams.runtime.clock import clock_of
    from streams.runtime.redis_client import connect
    from streams.runtime.rulebook import read_organisation

    clock = clock_of(settings)
    begin = read_organisation(settings.config, settings.tz)
    outlets = outlets_of(routes, os.environ, clock)
    client = await patiently(lambda: connect(str(settings.redis)))
    try:
        await Dispatcher(settings, routes, outlets, client, clock, begin).run()
    finally:
        await client.aclose()
