"""`loanpulse worker`: the engine."""

from loanpulse.cli import options
from loanpulse.cli.places import at_work


def worker(
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    rules: options.Rules = None,
    config: options.Config = None,
    tz: options.Zone = None,
    as_of: options.AsOf = None,
    worker_id: options.WorkerId = None,
    log_level: options.LogLevel = None,
) -> None:
    """Read the event topics and keep the KPI state in Redis; several workers share the partitions."""
    import asyncio

    settings = at_work(
        options.settings_from(
            kafka=kafka,
            redis=redis,
            namespace=namespace,
            rules=rules,
            config=config,
            tz=tz,
            as_of=as_of,
            worker_id=worker_id,
            log_level=log_level,
        )
    )
    from loanpulse.cli.service import quieten
    from streams.runtime.app import run
    from streams.runtime.rulebook import read_rulebook
    from streams.runtime.worker import create_worker

    book = read_rulebook(settings.rules, settings.config, settings.tz)
    asyncio.run(_demand_safe_redis(str(settings.redis)))
    quieten(settings.log_level)
    run(create_worker(settings, book), settings.log_level)


async def _demand_safe_redis(url: str) -> None:
    """Refuse before joining the group: RedisUnfit says what is wrong and how to mend it."""
    from streams.runtime.redis_check import check_redis
    from streams.runtime.redis_client import connect

    client = await connect(url)
    try:
        await check_redis(client)
    finally:
        await client.aclose()
