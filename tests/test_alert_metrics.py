"""How alerts get on, as metrics show it: what waits for its topic, what became of deliveries, whether somebody delivers."""

import asyncio
from collections.abc import Callable

import pytest
import redis

from loanpulse.dispatch.figures import count
from loanpulse.dispatch.letters import letters, send_again
from loanpulse.lab.redis_server import Redis
from loanpulse.serve.alerts import Alerts, alerts_of
from loanpulse.serve.view import Watch
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings
from tests.dispatch_lab import Sink, raised, routes_to, run, scene, webhook
from tests.exporter_lab import Page, exporter, viewed
from tests.test_exporter_page import BOOK
from tests.test_ledger_cluster import cluster_url  # noqa: F401  # a fixture

WAITING, OLDEST = "loanpulse_alerts_waiting", "loanpulse_alert_waiting_oldest_timestamp_seconds"
DELIVERIES, LETTERS = "loanpulse_alert_deliveries_total", "loanpulse_alert_dead_letters"
ALIVE = "loanpulse_dispatcher_alive_timestamp_seconds"
NOTHING = Alerts(0, None, 0, None, {})


def page(alerts: Alerts | None) -> Page:
    return Page(exporter(viewed(BOOK, None, alerts=alerts)).page("", "").body.decode())


def asked(url: str, namespace: str) -> Alerts:
    async def ask() -> Alerts:
        client = await connect(url)
        try:
            return await alerts_of(client, namespace)
        finally:
            await client.aclose()

    return asyncio.run(ask())


def wait_in(client: "redis.Redis | redis.RedisCluster", namespace: str) -> None:
    """Two messages of one ledger and one of the board wait, the oldest since 1,000 ms; another ledger has none."""
    for place in ("loan-events/0", "loan-events/1"):
        client.sadd(NamespaceKeys(namespace).ledgers, place)
    for name in ("2000-0", "3000-0"):
        client.xadd(LedgerKeys(namespace, "loan-events", 1).outbox, {"event": "{}"}, id=name)
    client.xadd(NamespaceKeys(namespace).board_outbox, {"event": "{}"}, id="1000-5")


def test_what_waits_and_what_became_of_deliveries_is_shown() -> None:
    deliveries = {"leads": {"delivered": 7, "failed": 2}, "desk": {"held": 1}}
    shown = page(Alerts(3, 1_500, 2, 90_250, deliveries))
    assert (shown.of(WAITING), shown.of(OLDEST)) == (3, 1.5)
    assert (shown.of(LETTERS), shown.of(ALIVE)) == (2, 90.25)
    assert shown.of(DELIVERIES, receiver="leads", outcome="delivered") == 7
    assert shown.of(DELIVERIES, receiver="leads", outcome="failed") == 2
    assert shown.of(DELIVERIES, receiver="desk", outcome="held") == 1
    assert len(shown[DELIVERIES]) == 3


def test_without_a_message_or_a_dispatcher_there_are_no_instants() -> None:
    shown = page(NOTHING)
    assert (shown.of(WAITING), shown.of(LETTERS)) == (0, 0)
    assert (shown.of(OLDEST), shown.of(ALIVE), shown[DELIVERIES]) == (None, None, {})


def test_while_redis_does_not_answer_nothing_is_said_of_alerts() -> None:
    shown = page(None)
    assert not any(shown[name] for name in (WAITING, OLDEST, DELIVERIES, LETTERS, ALIVE))


def test_messages_wait_in_every_outbox(redis_url: str, namespace: str) -> None:
    assert asked(redis_url, namespace) == NOTHING
    with redis.Redis.from_url(redis_url) as client:
        wait_in(client, namespace)
        assert asked(redis_url, namespace) == NOTHING._replace(waiting=3, oldest_ms=1_000)
        client.xdel(NamespaceKeys(namespace).board_outbox, "1000-5")
    assert asked(redis_url, namespace) == NOTHING._replace(waiting=2, oldest_ms=2_000)


@pytest.mark.servers
def test_messages_wait_in_every_outbox_of_a_cluster(cluster_url: str, namespace: str) -> None:  # noqa: F811  # the fixture
    with redis.RedisCluster.from_url(cluster_url) as cluster:
        wait_in(cluster, namespace)
    assert asked(cluster_url, namespace) == NOTHING._replace(waiting=3, oldest_ms=1_000)


def test_a_dispatcher_is_seen_with_what_it_delivers_and_what_it_cannot(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as it:
            store = it.dispatcher.store
            sink.will(204, 400)
            await it.told(raised("a-1"), raised("a-2"))
            await count(store, "unreadable")
            await it.dispatcher.sweep()
            seen = await alerts_of(store.redis, namespace)
            outcomes = {"delivered": 1, "failed": 1}
            assert seen == Alerts(0, None, 1, it.clock.now_ms(), {"desk": outcomes})
            await send_again(store, next(iter(await letters(store, 1))), it.clock.now_ms())
            await it.deliver()
            seen = await alerts_of(store.redis, namespace)
            assert (seen.letters, seen.deliveries) == (0, {"desk": {"delivered": 2, "failed": 1}})

    run(story())


def test_a_process_shows_alerts_as_long_as_redis_answers_even_if_no_board_can_be_read(
    own_redis: Callable[..., Redis], namespace: str
) -> None:
    server = own_redis()

    async def story() -> None:
        watch = Watch(Settings(redis=server.url, namespace=namespace))
        async with watch.running():
            assert watch.view.alerts == NOTHING
            with redis.Redis.from_url(server.url) as client:
                client.set(NamespaceKeys(namespace).board_meta, "of another version")
                wait_in(client, namespace)
            await watch.refresh()
            assert watch.view.unreadable
            assert watch.view.alerts == NOTHING._replace(waiting=3, oldest_ms=1_000)
            server.kill()
            await watch.refresh()
            assert watch.view.alerts is None

    asyncio.run(story())
