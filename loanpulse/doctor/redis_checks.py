"""Redis: that it answers, forgets nothing, and has room; and that all clocks agree."""

import asyncio
from collections.abc import Iterator

from loanpulse.doctor.finding import Finding, bad, ok, warn
from loanpulse.doctor.kafka_checks import newest_ms
from loanpulse.doctor.site import Site
from streams.runtime import redis_check
from streams.runtime.redis_client import connect

FULL = 0.8
SKEW_MS = 1_000
FUTURE_MS = 300_000  # beyond that an event is rejected as being of the future
NTP = "keep all machines' clocks by NTP"


def check_redis(site: Site) -> Iterator[Finding]:
    """What the worker itself demands, and what will go wrong before it does."""
    yield asyncio.run(_fitness(site))
    persistence = site.client.info("persistence")
    for name in ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"):
        if persistence.get(name, "ok") != "ok":
            yield bad(
                f"Redis says {name}: {persistence[name]}", "look into Redis' log; mostly its disk is full"
            )
    memory = site.client.info("memory")
    used, most = memory["used_memory"], memory["maxmemory"]
    if most and used > FULL * most:
        yield warn(
            f"Redis uses {used / most:.0%} of its maxmemory; when it is full, workers stop",
            "raise maxmemory",
        )
    else:
        yield ok(f"Redis uses {used / 2**20:.0f} MiB" + (f" of {most / 2**20:.0f}" if most else ""))


async def _fitness(site: Site) -> Finding:
    client = await connect(site.redis)
    try:
        await redis_check.check_redis(client)
    except redis_check.RedisUnfit as unfit:
        return bad(str(unfit), "do what it says there; no worker starts before")
    finally:
        await client.aclose()
    return ok(
        f"Redis {site.client.info('server')['redis_version']} evicts nothing and keeps its data on disk"
    )


def check_clocks(site: Site) -> Iterator[Finding]:
    """This machine's clock, Redis', Kafka's, and that of whoever wrote the newest record."""
    yield _skew("Redis", _redis_skew_ms(site))
    yield _skew("Kafka", _kafka_skew_ms(site))
    ahead = max(newest_ms(site).values(), default=0) - site.now_ms
    if ahead > FUTURE_MS:
        yield bad(
            f"the newest record is from {ahead / 1000:.0f} s in the future",
            f"a producer's clock is wrong: {NTP}",
        )


def _skew(name: str, skew_ms: float) -> Finding:
    text = f"{name}'s clock differs from this machine's by {skew_ms / 1000:+.3f} s"
    return ok(text) if abs(skew_ms) <= SKEW_MS else bad(text, NTP)


def _redis_skew_ms(site: Site) -> float:
    """Half of the round trip is taken for the way there."""
    before = site.now_ms
    seconds, micros = site.client.time()
    return float(seconds * 1000 + micros / 1000 - (before + site.now_ms) / 2)


def _kafka_skew_ms(site: Site) -> float:
    """The controller's own clock stands in what it says of itself as the quorum's leader."""
    before = site.now_ms
    quorum = site.admin.describe_metadata_quorum()["topics"][0]["partitions"][0]
    leader = next(voter for voter in quorum["current_voters"] if voter["replica_id"] == quorum["leader_id"])
    return float(leader["last_caught_up_timestamp"] - (before + site.now_ms) / 2)
