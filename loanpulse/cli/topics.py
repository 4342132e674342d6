"""`loanpulse topics`: Kafka's topics, as the engine needs them."""

from typing import Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.places import at_work

topics = typer.Typer(help="Kafka's topics, as the engine needs them.")

DAY_MS = 86_400_000


@topics.callback()
def root() -> None:
    """Kafka's topics, as the engine needs them."""


@topics.command()
def create(
    kafka: options.Kafka = None,
    partitions: options.Partitions = None,
    retention_days: Annotated[
        int | None, typer.Option(min=1, help="Days that Kafka keeps events; left out, for ever.")
    ] = None,
) -> None:
    """Make the event topics, the dead-letter topic, and that of alerts, which keeps 30 days, where they are missing."""
    from loanpulse.lab.topics import KEEP_ALERTS, create_topics
    from schemas.registry import TOPICS

    settings = at_work(options.settings_from(kafka=kafka, partitions=partitions), "kafka")
    names = dict.fromkeys((settings.topic(name) for name in TOPICS), settings.partitions)
    names[settings.dead_letters] = 1
    retention_ms = -1 if retention_days is None else retention_days * DAY_MS
    create_topics(str(settings.kafka), names, {"retention.ms": str(retention_ms)})
    create_topics(str(settings.kafka), {settings.alerts: 1}, KEEP_ALERTS)
    names[settings.alerts] = 1
    for name, number in names.items():
        print(f"{name}: {number} partition{'s' if number > 1 else ''}")
