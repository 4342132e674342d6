"""Silences over HTTP while Redis is away, loses an answer, or refuses: who asks is told what to do."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from httpx import Response

from loanpulse.lab.ports import free_port
from loanpulse.lab.redis_server import Redis
from streams.runtime.redis_client import connect
from tests.api_lab import PATH, SNOOZE, serving
from tests.lossy_proxy import LossyProxy


@pytest.fixture
def proxy(redis_server: Redis) -> Iterator[LossyProxy]:
    made = LossyProxy(redis_server.port)
    yield made
    made.close()


def test_while_redis_is_away_every_request_is_asked_to_come_again(tmp_path: Path) -> None:
    async def story() -> list[Response]:
        async with serving(f"redis://127.0.0.1:{free_port()}/0", tmp_path) as it:
            answers = [
                await it.client.get(PATH),
                await it.client.post(PATH, json=SNOOZE),
                await it.client.get(f"{PATH}/4f1c09aa"),
                await it.client.delete(f"{PATH}/4f1c09aa"),
            ]
            assert {it.said(answer)["detail"] for answer in answers} == {"Redis does not answer: try again"}
            return answers

    for answer in asyncio.run(story()):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.servers
def test_when_redis_comes_back_so_do_silences(own_redis: Callable[[], Redis], tmp_path: Path) -> None:
    redis = own_redis()

    async def story() -> None:
        async with serving(redis.url, tmp_path) as it:
            made = it.said(await it.client.post(PATH, json=SNOOZE))
            redis.stop()
            away = await asyncio.gather(*(it.client.get(PATH) for _ in range(5)))
            assert {answer.status_code for answer in away} == {503}
            redis.restart()
            back = await asyncio.gather(*(it.client.get(PATH) for _ in range(5)))
            assert [it.said(answer) for answer in back] == [[made]] * 5

    asyncio.run(story())


@pytest.mark.servers
def test_a_silence_whose_answer_was_lost_may_have_been_added(
    redis_url: str, proxy: LossyProxy, tmp_path: Path
) -> None:
    async def story() -> None:
        async with serving(proxy.url, tmp_path) as it:
            proxy.loses = lambda request: b"HSET" in request
            answer = await it.client.post(PATH, json=SNOOZE)
            assert answer.status_code == 503
            assert "look whether it did before you repeat it" in it.said(answer)["detail"]
            proxy.loses = lambda _request: False
            (made,) = it.said(await it.client.get(PATH))
            assert made["by"] == "ann"

    asyncio.run(story())


@pytest.mark.servers
def test_what_redis_refuses_is_told(own_redis: Callable[[], Redis], tmp_path: Path) -> None:
    redis = own_redis()

    async def story() -> Response:
        async with serving(redis.url, tmp_path) as it:
            await command(redis, "CONFIG", "SET", "maxmemory", "1")
            answer = await it.client.post(PATH, json=SNOOZE)
            assert it.said(answer)["detail"].startswith("Redis refuses: ")
            assert it.said(await it.client.get(PATH)) == []
            return answer

    assert asyncio.run(story()).status_code == 503


@pytest.mark.servers
def test_after_a_failover_the_new_primary_is_asked(
    own_redis: Callable[[], Redis], proxy: LossyProxy, tmp_path: Path
) -> None:
    """The address stays, the server behind it is another: a connection that was kept would be the old one's."""
    old, new = own_redis(), own_redis()
    proxy.server_port = old.port

    async def story() -> list[int]:
        async with serving(proxy.url, tmp_path) as it:
            before = await it.client.post(PATH, json=SNOOZE)
            await command(old, "REPLICAOF", "127.0.0.1", str(new.port))
            demoted = await it.client.post(PATH, json=SNOOZE)
            proxy.server_port = new.port
            after = await it.client.post(PATH, json=SNOOZE)
            return [before.status_code, demoted.status_code, after.status_code]

    assert asyncio.run(story()) == [201, 503, 201]


async def command(redis: Redis, *words: str) -> None:
    client = await connect(redis.url)
    await client.execute_command(*words)
    await client.aclose()
