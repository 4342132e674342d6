"""`loanpulse roster`: who works here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from loanpulse.roster.roster import Kind, Roster

roster = typer.Typer(help="Officers and branches, their names, and who has left.")


@roster.callback()
def root() -> None:
    """Officers and branches, their names, and who has left."""


@roster.command()
def check(
    file: Annotated[Path, typer.Argument(help="A roster, YAML or CSV.")],
    seen: Annotated[
        bool,
        typer.Option("--seen", help="List who has been counted but is not in it; exit 1 if there are any."),
    ] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> int:
    """Say what is wrong with a roster, a line for each mistake, or how many it has."""
    from loanpulse.roster.reading import read_roster

    found = read_roster(file)
    officers, branches = list(found.of("officer")), list(found.of("branch"))
    left = sum(officer.last_day is not None for officer in officers)
    some = (_several(len(officers), "officer", "officers"), _several(len(branches), "branch", "branches"))
    print(f"{file}: {some[0]}, {left} with a last day, {some[1]}")
    if not seen:
        return OK
    from loanpulse.lab.apart import run_cancellable

    settings = at_work(options.settings_from(redis=redis, namespace=namespace), "redis")
    missing = run_cancellable(_missing(str(settings.redis), settings.namespace, found))
    for kind, ids in missing.items():
        for name in ids:
            print(f"{kind} {name} is not in it")
    return FAILED if any(missing.values()) else OK


async def _missing(url: str, namespace: str, found: "Roster") -> "dict[Kind, list[str]]":
    from loanpulse.roster.seen import not_listed
    from streams.runtime.redis_client import connect

    client = await connect(url)
    try:
        return await not_listed(client, namespace, found)
    finally:
        await client.aclose()


def _several(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
