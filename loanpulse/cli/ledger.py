"""`loanpulse ledger`: what a person must decide about a ledger."""

from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from streams.runtime.settings import Settings

ledger = typer.Typer(help="What a person must decide about a ledger.")


@ledger.callback()
def root() -> None:
    """What a person must decide about a ledger."""


@ledger.command("accept-gap")
def accept_gap(
    topic: Annotated[str, typer.Argument(help="The topic as Kafka calls it.")],
    partition: Annotated[int, typer.Argument(min=0)],
    note: Annotated[str, typer.Option(help="Why; it is kept with the gap and shown.")],
    position: Annotated[
        int | None, typer.Option(min=0, help="The offset to go on from; left out, the one that loses least.")
    ] = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> None:
    """Let a stopped partition go on although records are missing; windows that overlap the gap show as incomplete."""
    import asyncio
    from datetime import UTC, datetime

    from loanpulse.doctor.gap import accept, find_resumption
    from loanpulse.doctor.site import Site

    settings = at_work(options.settings_from(kafka=kafka, redis=redis, namespace=namespace))
    with Site(settings, str(settings.kafka), str(settings.redis)) as site:
        resumption = find_resumption(site, topic, partition, position)
        gap = asyncio.run(accept(site, topic, partition, resumption, note))
    if gap is not None:
        since, until = (datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in (gap.from_ms, gap.to_ms))
        print(
            f"{topic}/{partition} goes on at {resumption.position} when its worker restarts; incomplete: {since} to {until}"
        )


@ledger.command()
def rebuild(
    topic: Annotated[str, typer.Argument(help="The topic as Kafka calls it.")],
    partition: Annotated[int, typer.Argument(min=0)],
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> None:
    """Let a partition's figures be made anew from its stored cases; its worker does so at once, then reads on."""
    import asyncio

    settings = at_work(options.settings_from(redis=redis, namespace=namespace), "redis")
    if not asyncio.run(_mark(settings, topic, partition)):
        raise typer.BadParameter(
            f"there is no ledger {topic}/{partition} in the namespace {settings.namespace}"
        )
    print(f"{topic}/{partition} is made anew by its worker, or by the next that takes it up")


async def _mark(settings: "Settings", topic: str, partition: int) -> bool:
    from streams.runtime.ledger import Ledger
    from streams.runtime.redis_client import connect

    client = await connect(str(settings.redis))
    try:
        return await Ledger(client, settings.namespace, topic, partition).mark_for_rebuild()
    finally:
        await client.aclose()
