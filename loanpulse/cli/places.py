"""Which Kafka and Redis a command talks to: those of the settings, else those of a demo that runs here, as that is set."""

from typing import Literal

from streams.runtime.settings import Settings


def at_work(settings: Settings, *needed: Literal["kafka", "redis"]) -> Settings:
    """The settings with the needed addresses filled in (both, if none is named); raises ServerError if there is none."""
    if all(getattr(settings, name) for name in needed or ("kafka", "redis")):
        return settings
    from loanpulse.lab.servers import ORGANISATION, find_running

    found = find_running(settings)
    config = settings.home / ORGANISATION
    if settings.config is None and config.exists():
        settings = settings.model_copy(update={"config": config})
    return settings.model_copy(update={"kafka": found.kafka, "redis": found.redis})
