"""All checks in their order, from the ground up; a check that cannot be made is a finding too."""

from collections.abc import Callable, Collection, Iterator, Mapping

from kafka.errors import KafkaError
from redis.exceptions import RedisError

from loanpulse.doctor.alerts_check import check_alerts
from loanpulse.doctor.board_checks import check_board
from loanpulse.doctor.engine_checks import check_lag, check_ledgers
from loanpulse.doctor.finding import Finding, bad
from loanpulse.doctor.kafka_checks import check_kafka, check_partitioner, check_retention, check_topics
from loanpulse.doctor.redis_checks import check_clocks, check_redis
from loanpulse.doctor.rules_check import check_rules
from loanpulse.doctor.site import Site
from loanpulse.doctor.verified_check import check_verified

CHECKS: Mapping[str, Callable[[Site], Iterator[Finding]]] = {
    "kafka": check_kafka,
    "topics": check_topics,
    "retention": check_retention,
    "partitioner": check_partitioner,
    "redis": check_redis,
    "clocks": check_clocks,
    "ledgers": check_ledgers,
    "lag": check_lag,
    "board": check_board,
    "alerts": check_alerts,
    "rules": check_rules,
    "verified": check_verified,
}


def examine(site: Site, only: Collection[str] = ()) -> Iterator[tuple[str, Finding]]:
    """The findings of the named checks, of all if none is named, each as soon as it is there."""
    for name, check in CHECKS.items():
        if not only or name in only:
            yield from ((name, finding) for finding in _attempt(site, check))


def _attempt(site: Site, check: Callable[[Site], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check(site)
    except KafkaError as error:
        yield bad(
            f"Kafka at {site.kafka} does not answer: {_words(error)}", "start it, or set LOANPULSE_KAFKA"
        )
    except RedisError as error:
        yield bad(
            f"Redis at {site.redis} does not answer: {_words(error)}", "start it, or set LOANPULSE_REDIS"
        )


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
