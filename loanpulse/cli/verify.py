"""`loanpulse verify`: every figure against the stored cases."""

from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from loanpulse.rules.verification import Difference, Verified
    from streams.runtime.settings import Settings


def verify(
    topic: Annotated[str | None, typer.Option(help="Only this topic, as Kafka calls it.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    every: Annotated[
        str | None, typer.Option(help="Go on until stopped, once in so long, such as `1 hour`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each ledger.")] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    log_level: options.LogLevel = None,
) -> int:
    """Count the stored cases anew and compare them with every figure that windows can reach, while events flow.

    Exit 1 if something differs or cannot be verified. What was found is kept: `serve` shows it as metrics.
    """
    from loanpulse.cli.service import log_to_stderr, run_until_stopped
    from loanpulse.lab.apart import run_cancellable

    settings = at_work(options.settings_from(redis=redis, namespace=namespace, log_level=log_level), "redis")
    if every is None:
        return run_cancellable(_verify(settings, topic, partition, as_json=as_json))
    seconds = _seconds(every)
    log_to_stderr(settings.log_level)
    run_until_stopped(_go_on(settings, topic, partition, seconds, as_json=as_json))
    return OK


def _seconds(every: str) -> float:
    from kpi_rules.lengths import parse_length

    try:
        length = parse_length(every)
    except ValueError as error:
        raise typer.BadParameter(f"--every {error}") from None
    if length.business_days or length.ms < 60_000:
        raise typer.BadParameter(f"--every is {every!r}: must be a minute or more of plain time")
    return length.ms / 1000


async def _go_on(
    settings: "Settings", topic: str | None, partition: int | None, seconds: float, *, as_json: bool
) -> None:
    import asyncio
    import logging

    from redis.exceptions import RedisError

    log = logging.getLogger(__name__)
    while True:
        try:
            await _verify(settings, topic, partition, as_json=as_json)
        except (RedisError, OSError) as error:
            log.warning("not verified: %s: %s", type(error).__name__, error)
        await asyncio.sleep(seconds)


async def _verify(settings: "Settings", topic: str | None, partition: int | None, *, as_json: bool) -> int:
    import msgspec

    from loanpulse.rules.verification import verify as verified
    from streams.runtime.redis_client import connect

    client = await connect(str(settings.redis))
    ledgers, well = 0, True
    try:
        async for found in verified(client, settings, topic, partition):
            ledgers, well = ledgers + 1, well and found.is_well
            if as_json:
                print(msgspec.json.encode(found).decode(), flush=True)
            else:
                _tell(found)
    finally:
        await client.aclose()
    if not ledgers:
        raise typer.BadParameter(
            "there is no such ledger: `loanpulse doctor --only ledgers` names those there are"
        )
    return OK if well else FAILED


def _tell(found: "Verified") -> None:
    place = f"{found.topic}/{found.partition}"
    if found.trouble:
        print(f"? {place}: {found.trouble}", flush=True)
        return
    counts = f"{found.cases:,} cases, {found.cells:,} figures, {found.seconds:.1f} s"
    if found.is_well:
        print(f"✓ {place}: {counts}", flush=True)
        return
    differ = f"{found.drift:,} figures, {found.clients:,} clients and {found.open_cases:,} open cases differ"
    print(f"✗ {place}: {differ}; {counts}")
    for difference in found.differences:
        print(f"    {_words(difference)}")
    if found.drift > len(found.differences):
        print(f"    and {found.drift - len(found.differences):,} more")
    print(
        f"    → `loanpulse ledger rebuild {found.topic} {found.partition}` makes its figures anew from its cases",
        flush=True,
    )


def _words(found: "Difference") -> str:
    group = " ".join(name for name in found.group if name)
    return (
        f"{found.kpi} {found.part} {_when(found.pane)} {group}: {found.found}, by the cases {found.expected}"
    )


def _when(pane: str) -> str:
    from loanpulse.board.snapshot import iso

    if pane == "s":
        return "now"
    return f"{'minute' if pane[0] == 'm' else 'day'} of {iso(int(pane[1:]))}"
