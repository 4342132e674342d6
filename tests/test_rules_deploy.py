"""Rules changed from the command line while real workers count and a real board shows: whole at every instant."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kpi_rules.rulebook import Rulebook
from loanpulse.board.reader import SnapshotReader
from loanpulse.board.snapshot import Snapshot
from loanpulse.lab.kafka_server import Kafka
from loanpulse.rules.preview import preview
from streams.runtime.in_force import RulesInForce
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import read_rulebook
from streams.runtime.script import Client
from streams.runtime.settings import environ_of
from tests.board_processes import COMPUTES, process, says
from tests.crash_lab import Stage, rows_of, stage
from tests.crash_story import nasty_story
from tests.nasty_boards import assert_equal
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

KPI, ADDED = "turnaround_time", "leads_created"
OWN = f"""
  - id: {ADDED}
    wording: Leads created
    says: Leads, counted when they were created.
    relevant: No loan begins without one.
    unit: count
    by: lending
    measure: {{kind: count, anchor: lead.created}}
    target: {{at_least: 2, warning_at: 3, window: 30d}}
"""


def other_rules(place: Path) -> Path:
    """The catalogue without one pause of turnaround, and with a rule more."""
    place.mkdir()
    for loaded in read_rulebook(None, None, "UTC").files:
        text = loaded.text
        if loaded.content.kra == "application_processing":
            pause = "        - {from: application.held, to: application.resumed, reason: the application is held}\n"
            assert pause in text
            text = text.replace(pause, "")
        if loaded.content.kra == "customer_feedback":
            text += OWN
        (place / loaded.name).write_text(text)
    return place


def loanpulse(on: Stage, *arguments: str) -> "subprocess.CompletedProcess[str]":
    settings = environ_of(on.settings)
    return subprocess.run(
        [sys.executable, "-m", "loanpulse", *arguments],
        env={"PATH": "/usr/bin:/bin", **settings},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )


@contextmanager
def watched(on: Stage) -> Iterator[list[Snapshot]]:
    """Every snapshot that is stored meanwhile."""
    seen: list[Snapshot] = []
    over = threading.Event()

    async def look() -> None:
        redis = await connect(str(on.settings.redis))
        reader = SnapshotReader(redis, on.settings.namespace)
        while not over.is_set():
            snapshot = await reader.read()
            if snapshot is not None and (not seen or seen[-1].meta != snapshot.meta):
                seen.append(snapshot)
            await asyncio.sleep(0.05)
        await redis.aclose()

    looking = threading.Thread(target=lambda: asyncio.run(look()))
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


async def stored(redis: Client) -> dict[bytes, bytes]:
    """Every key but those of the board, which it writes each second."""
    keys = [key async for key in redis.scan_iter() if b":board:" not in key]
    return {key: await redis.execute_command("DUMP", key) for key in keys}


async def previewed(on: Stage, new: Rulebook) -> dict[tuple[str, str], int | None]:
    """n of the organisation by the other rules, by KPI and window."""
    redis = await connect(str(on.settings.redis))
    live = await RulesInForce(redis, on.settings.namespace).live()
    assert live is not None
    before = await stored(redis)
    made = await preview(redis, on.settings, live, new)
    assert await stored(redis) == before
    await redis.aclose()
    assert set(made.after) == {KPI, ADDED}
    assert set(made.before) == {KPI}
    return {
        (row.kpi, row.window): None if row.after is None else row.after.n
        for row in made.rows
        if not row.group
    }


def shown(snapshot: Snapshot, kpi: str, window: str) -> int:
    """n of the organisation."""
    [row] = [row for row in snapshot.blocks[kpi].rows() if row.window == window and not row.group]
    return row.n


def test_rules_are_deployed_and_taken_back_without_a_gap_or_a_double_count(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    story, place = nasty_story(19, 250), other_rules(tmp_path / "rules")
    quarter = len(story.records) // 4
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        new = read_rulebook(place, on.config, story.chosen["zone"])
        with on.worker(), process("board", on.settings, tmp_path / "board.log") as board:
            wait_until(lambda: says(board, COMPUTES))
            on.produce(story.records[:quarter])
            on.settle()
            foreseen = asyncio.run(previewed(on, new))
            assert loanpulse(on, "rules", "preview", "--rules", str(place)).returncode == 0
            with watched(on) as snapshots:
                wait_until(lambda: bool(snapshots))
                on.produce(story.records[quarter : 2 * quarter])
                deployed = loanpulse(on, "rules", "deploy", "--rules", str(place))
                assert deployed.returncode == 0, deployed.stderr
                assert f"changed {KPI}: " in deployed.stdout
                assert f"added {ADDED}: " in deployed.stdout
                on.settle()
                wait_until(lambda: snapshots[-1].meta.complete_through_ms == story.as_of_ms)
                assert snapshots[-1].meta.book == new.digest
                assert shown(snapshots[-1], ADDED, "180d") >= (foreseen[ADDED, "180d"] or 0) > 0
                on.produce(story.records[2 * quarter : 3 * quarter])
                again = loanpulse(on, "rules", "deploy", "--rules", str(place))
                assert (again.returncode, again.stderr) == (1, "these rules are in force already\n")
                status = loanpulse(on, "rules", "status").stdout
                assert new.digest in status
                assert "rollback" in status
                back = loanpulse(on, "rules", "rollback")
                assert back.returncode == 0, back.stderr
                on.produce(story.records[3 * quarter :])
                on.assert_exact()
                wait_until(lambda: snapshots[-1].meta.book != new.digest)
            own = rows_of(on.board(place))
        books = {snapshot.meta.book for snapshot in snapshots}
        assert len(books) == 2
        for snapshot in snapshots:
            assert snapshot.meta.incomplete == []
            assert len(snapshot.blocks) == len(new.rules) - (snapshot.meta.book != new.digest)
        same = [row for row in story.recounted() if row["kpi"] != KPI]
        assert_equal([row for row in own if row["kpi"] not in (KPI, ADDED)], same)
