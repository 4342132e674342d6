"""The board as processes: killed, cut off from Redis, told to stop."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import redis as plain_redis

from streams.runtime.keys import NamespaceKeys
from streams.runtime.settings import Settings
from tests.board_processes import COMPUTES, process, says
from tests.waiting import wait_until

pytestmark = pytest.mark.servers


def test_another_process_takes_over_when_the_holder_is_killed(
    redis_url: str, namespace: str, tmp_path: Path
) -> None:
    settings = Settings(redis=redis_url, namespace=namespace)
    with plain_redis.Redis.from_url(redis_url) as client:
        lease = NamespaceKeys(namespace).board_lease
        with process("board", settings, tmp_path / "first.log") as first:
            wait_until(lambda: says(first, COMPUTES))
            with process("board", settings, tmp_path / "second.log") as second:
                token = client.get(lease)
                os.kill(first.pid, signal.SIGKILL)
                client.pexpire(lease, 50)  # its ten seconds are over
                wait_until(lambda: says(second, COMPUTES))
                assert client.get(lease) not in (token, None)


def test_a_board_outlives_a_restart_of_redis(own_redis: Any, namespace: str, tmp_path: Path) -> None:
    redis = own_redis()
    with process("board", Settings(redis=redis.url, namespace=namespace), tmp_path / "board.log") as board:
        wait_until(lambda: says(board, COMPUTES))
        redis.kill()
        wait_until(lambda: says(board, "no board: "))
        redis.restart()
        wait_until(lambda: says(board, "the board is computed again"))
        with plain_redis.Redis.from_url(redis.url) as client:
            assert client.exists(NamespaceKeys(namespace).board_meta)


def test_a_board_that_is_told_to_stop_ends_in_order(redis_url: str, namespace: str, tmp_path: Path) -> None:
    with process("board", Settings(redis=redis_url, namespace=namespace), tmp_path / "board.log") as board:
        wait_until(lambda: says(board, COMPUTES))
        os.kill(board.pid, signal.SIGTERM)
        wait_until(lambda: board.failure() is not None)
    with plain_redis.Redis.from_url(redis_url) as client:
        assert not client.exists(NamespaceKeys(namespace).board_lease)
