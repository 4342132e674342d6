"""`loanpulse board`: the process that sums the windows."""

from loanpulse.cli import options
from loanpulse.cli.places import at_work
from streams.runtime.settings import Settings


def board(
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    rules: options.Rules = None,
    config: options.Config = None,
    roster: options.Roster = None,
    tz: options.Zone = None,
    as_of: options.AsOf = None,
    log_level: options.LogLevel = None,
) -> None:
    """Sum every window of every KPI once a second; of several such processes one does, the others wait to take over."""
    from loanpulse.cli.service import log_to_stderr, run_until_stopped

    settings = at_work(
        options.settings_from(
            kafka=kafka,
            redis=redis,
            namespace=namespace,
            rules=rules,
            config=config,
            roster=roster,
            tz=tz,
            as_of=as_of,
            log_level=log_level,
        ),
        "redis",
    )
    log_to_stderr(settings.log_level)
    run_until_stopped(_compute(settings))


async def _compute(settings: Settings) -> None:
    from loanpulse.alerting.publishing import publishing
    from loanpulse.board.board import Board
    from loanpulse.roster.reading import read_roster
    from streams.runtime.clock import clock_of
    from streams.runtime.redis_client import connect
    from streams.runtime.rulebook import read_rulebook

    book = read_rulebook(settings.rules, settings.config, settings.tz)
    roster = read_roster(settings.roster)
    client = await connect(str(settings.redis))
    try:
        board = Board(settings, book, client, clock_of(settings), roster=roster)
        async with publishing(settings, board.outbox):
            await board.run()
    finally:
        await client.aclose()
