"""The documentation's examples on real servers: a replay gives what is shown, and Redis holds the keys that are listed."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loanpulse.board.board import Board
from loanpulse.dispatch.silence import Covered
from loanpulse.dispatch.silences import add_silence
from loanpulse.lab.kafka_server import Kafka
from loanpulse.roster.reading import read_roster
from loanpulse.rules.verification import verify
from streams.runtime.case_instant import CaseInstant
from streams.runtime.clock import WallClock
from streams.runtime.ledger_values import Told
from streams.runtime.rulebook import read_rulebook
from streams.runtime.script import Client
from streams.runtime.settings import Settings, variable
from tests.dispatch_lab import http_sink, raised, resolved, routes_to, scene, webhook
from tests.docs_lab import block, command_lines
from tests.docs_tables import redis_keys
from tests.kpi_alert_lab import let_one_be_told
from tests.ledger_lab import OWNER, VERSION, batch, begin, opened, writes

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def shown_command(page: str, first_words: str) -> list[str]:
    """The words of the only command of a page that begins so, without the program's name."""
    found = [words for path, words in command_lines() if path.name == page]
    (words,) = (words for words in found if shlex.join(words).startswith(first_words))
    return words[1:]


def replay(command: list[str], cwd: Path, kafka: Kafka, redis_url: str) -> dict[str, Any]:
    """The board that a command writes to board.json."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
    servers = {variable("kafka"): kafka.bootstrap, variable("redis"): redis_url}
    subprocess.run(
        [sys.executable, "-m", "loanpulse", *command],
        cwd=cwd,
        env=clean | servers,
        check=True,
        capture_output=True,
        timeout=120,
    )
    board: dict[str, Any] = json.loads((cwd / "board.json").read_text())
    return board


def test_the_replay_of_the_readme_gives_the_board_that_it_shows(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_text(block("events.jsonl", "README.md"))
    shown = json.loads(block("board", "README.md"))
    made = replay(shown_command("README.md", "loanpulse replay"), tmp_path, kafka, redis_url)
    assert all(row in made["rows"] for row in shown["rows"])
    assert re.fullmatch(r"[0-9a-f]{16}", shown["rules"])
    same = {"rows": [], "rules": ""}
    assert made | same == shown | same


def test_the_replay_of_the_sample_export_applies_what_is_said(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / "loans.csv").write_text(block("loans.csv", "replay-mapping.md"))
    (tmp_path / "loans.yaml").write_text(block("mapping", "replay-mapping.md"))
    made = replay(shown_command("replay-mapping.md", "loanpulse replay"), tmp_path, kafka, redis_url)
    assert made["events"] == {"applied": 5, "duplicate": 0, "dead_letter": 0, "expired": 0, "not_yet": 0}


def listed_keys(namespace: str) -> dict[str, str]:
    """A pattern for the keys of each row of the table, and their type."""
    patterns = {}
    for key, kind in re.findall(r"^\| `([^`]+)` \| ([a-z ]+) \|", redis_keys(), re.MULTILINE):
        pattern = re.escape(key).replace("ns", namespace, 1).replace("topic/partition", r"[a-z-]+/\d+")
        pattern = pattern.replace("<version>", r"[\w.-]+").replace(re.escape("<pane id>"), r"\w+")
        pattern = pattern.replace("<receiver>", r"\w+")
        patterns[pattern] = {"sorted set": "zset"}.get(kind, kind)
    return patterns


async def dispatch_all_sorts(redis: Client, redis_url: str, namespace: str) -> None:
    """One message is refused for good, one waits for another try, an incident goes on under another id, one is silenced."""
    with http_sink() as sink:
        sink.will(404, 500)
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as dispatching:
            await dispatching.told(raised("one"), raised("two", subject="Q-2"))
            moved = resolved("two", subject="Q-2", ended="due_moved", superseded_by="three")
            await dispatching.told(moved, raised("three", subject="Q-2", supersedes="two"))
    await add_silence(redis, namespace, Covered("Q-2"), reason="known", by="ann", end_ms=2, now_ms=1)


async def used_keys(redis_url: str, namespace: str, roster: Path) -> dict[str, str]:
    """Every key of a ledger with all that a ledger can have and of a board, with its type, while somebody verifies."""
    async with opened(redis_url, namespace) as ledger:
        await begin(ledger)
        await CaseInstant(ledger).open()
        row = {"panes": {"s": b"row"}, "clients": {b"c": b"client"}, "groups_known": 0, "groups_new": ["g"]}
        await ledger.commit(OWNER, batch(0, 10, cases={b"1": b"facts"}, watch={b"kpi\x1f1": 5}, **row))
        await ledger.tell(OWNER, VERSION, [Told(b"kpi\x1f1", 7, b"incident", [b"event"])])
        await ledger.begin_version(OWNER, "beside")
        await ledger.append_version(OWNER, 0, writes(version="beside", panes={"m1": b"row"}))
        program = read_rulebook(None, None, "UTC")
        settings = Settings(namespace=namespace)
        await let_one_be_told(ledger.redis, namespace)
        await dispatch_all_sorts(ledger.redis, redis_url, namespace)
        await Board(settings, program, ledger.redis, WallClock(), roster=read_roster(roster)).step()
        assert [found.trouble async for found in verify(ledger.redis, settings)]
        keys = [key async for key in ledger.redis.scan_iter()]
        kinds = [await ledger.redis.execute_command("TYPE", key) for key in keys]
        return {key.decode(): kind.decode() for key, kind in zip(keys, kinds, strict=True)}


def test_redis_holds_the_keys_that_are_listed_and_no_others(
    redis_url: str, namespace: str, tmp_path: Path
) -> None:
    roster = tmp_path / "roster.yaml"
    roster.write_text("officers:\n  - {id: ann, name: Ann}\n")
    listed, used = listed_keys(namespace), asyncio.run(used_keys(redis_url, namespace, roster))
    assert f"{{{namespace}/loan-events/3}}:v{VERSION}/pane/s" in used
    seen = set()
    for key, kind in used.items():
        (pattern,) = (pattern for pattern in listed if re.fullmatch(pattern, key))
        assert listed[pattern] == kind, key
        seen.add(pattern)
    assert seen == set(listed)
