"""`loanpulse rules prometheus`: the rules as Prometheus and Alertmanager take them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options

if TYPE_CHECKING:
    from kpi_rules.rulebook import Rulebook
    from streams.runtime.settings import Settings

_FIRST_YEAR, _LAST_YEAR = 1970, 2199


def prometheus(
    out: Annotated[Path, typer.Option(help="Directory that the files are written into.")],
    rules: options.Rules = None,
    config: options.Config = None,
    tz: options.Zone = None,
    in_force: Annotated[
        bool, typer.Option("--in-force", help="Of the rules in force in Redis, not of files.")
    ] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    link_base: options.LinkBase = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Where a loanpulse serve listens, as host:port; repeatable.")
    ] = None,
    alertmanager: Annotated[
        list[str] | None, typer.Option(help="Where an Alertmanager listens, as host:port; repeatable.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="The URL that Alertmanager sends to, until it is told better.")
    ] = None,
    runbooks: Annotated[
        str | None, typer.Option(help="Where docs/alerting.md is read, put before runbook links.")
    ] = None,
    holidays: Annotated[
        list[int] | None,
        typer.Option(
            metavar="YEAR",
            min=_FIRST_YEAR,
            max=_LAST_YEAR,
            help="A year whose public holidays keep warnings back; repeatable.",
        ),
    ] = None,
) -> None:
    """Write Prometheus' rules, their unit tests and prometheus.yml, and alertmanager.yml, for a set of rules.

    Make them anew when rules, targets' bounds or opening hours change. Other files in the directory stay.
    """
    from loanpulse.deploy.installation import installation_of
    from loanpulse.deploy.made import made
    from loanpulse.pages.write import write

    settings = options.settings_from(
        rules=rules, config=config, tz=tz, redis=redis, namespace=namespace, link_base=link_base
    )
    at = installation_of(
        settings,
        targets=target,
        alertmanagers=alertmanager,
        webhook=webhook,
        runbooks=runbooks,
        holiday_years=holidays,
    )
    texts = made(_in_force(settings) if in_force else _of_files(settings), at)
    write(texts, out)
    print(f"{len(texts)} files in {out}: {', '.join(texts)}")


def _of_files(settings: "Settings") -> "Rulebook":
    from streams.runtime.rulebook import read_rulebook

    return read_rulebook(settings.rules, settings.config, settings.tz)


def _in_force(settings: "Settings") -> "Rulebook":
    from loanpulse.cli.places import at_work
    from loanpulse.lab.apart import run_cancellable
    from streams.runtime.in_force import NotNow, RulesInForce
    from streams.runtime.redis_client import connect

    async def read() -> "Rulebook | None":
        client = await connect(str(at_work(settings, "redis").redis))
        try:
            return await RulesInForce(client, settings.namespace).live()
        finally:
            await client.aclose()

    book = run_cancellable(read())
    if book is None:
        raise NotNow(f"no rules are in force in the namespace {settings.namespace}: start a worker")
    return book
