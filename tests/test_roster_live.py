"""A roster beside the board on a real Redis: every reader sees the same names, and the metrics see none."""

import asyncio
import json
from pathlib import Path

import pytest
from rich.console import Console

from loanpulse.board.board import Board
from loanpulse.board.reader import SnapshotReader
from loanpulse.board.snapshot import Snapshot
from loanpulse.cli.board_tables import breakdown
from loanpulse.roster.roster import NOBODY, Member, Roster
from loanpulse.roster.seen import not_listed
from loanpulse.serve.book import book_of
from loanpulse.serve.series import expose
from schemas.registry import TOPICS
from streams.runtime.clock import FixedClock
from streams.runtime.keys import NamespaceKeys
from streams.runtime.settings import Settings
from tests.board_lab import NOON, rulebook_of
from tests.board_scene import PROGRAM, Scene, on_redis, scene_on, seen
from tests.test_cli import loanpulse

pytestmark = pytest.mark.servers

ROSTER = Roster(
    (
        Member("branch", "east", "East End"),
        Member("officer", "ann", "Ann Berg", "north"),
        Member("officer", "zoe", "Zoë Idle", "east"),
    )
)
MANY = 10**6


async def stored(scene: Scene, reader: SnapshotReader | None = None) -> Snapshot:
    snapshot = await (reader or SnapshotReader(scene.redis, scene.namespace)).read()
    assert snapshot is not None
    return snapshot


def board(scene: Scene, roster: Roster) -> Board:
    settings = Settings(namespace=scene.namespace)
    return Board(settings, rulebook_of(PROGRAM), scene.redis, FixedClock(NOON), 60_000, roster)


async def counted(scene: Scene) -> None:
    """One observation of ann's, one of the program's, one of nobody's."""
    writers = [await scene.writer(topic) for topic in TOPICS]
    for writer in writers:
        await writer.commit([], through_ms=NOON)
    await writers[0].commit([seen(), seen(officer="robot"), seen(officer="unassigned")])


@on_redis
async def test_every_reader_of_the_board_sees_the_roster_of_the_board_that_computes_it(scene: Scene) -> None:
    await counted(scene)
    first, kept = board(scene, ROSTER), SnapshotReader(scene.redis, scene.namespace)
    assert await first.step()
    assert (await stored(scene)).roster == (await stored(scene, kept)).roster == ROSTER
    assert not await board(scene, NOBODY).step()
    assert (await stored(scene)).roster == ROSTER
    await first._release()
    assert await board(scene, NOBODY).step()
    assert (await stored(scene)).roster == (await stored(scene, kept)).roster == NOBODY
    assert not await scene.redis.exists(NamespaceKeys(scene.namespace).board_roster)


@on_redis
async def test_what_is_stored_again_after_a_loss_has_the_roster_again(scene: Scene) -> None:
    await counted(scene)
    one = board(scene, ROSTER)
    await one.step()
    keys = NamespaceKeys(scene.namespace)
    await scene.redis.delete(keys.board_meta, keys.board_rows, keys.board_roster)
    await one.step()
    assert (await stored(scene)).roster == ROSTER


@on_redis
async def test_names_are_in_the_terminal_and_in_no_metric(scene: Scene) -> None:
    await counted(scene)
    await board(scene, ROSTER).step()
    snapshot, book = await stored(scene), book_of(rulebook_of(PROGRAM))
    made = breakdown(snapshot, book, "count", "officer", "1h", 10)
    out = Console(width=120)
    with out.capture() as captured:
        out.print(made)
    lines = [line.split() for line in captured.get().splitlines()[1:]]
    assert lines == [
        ["Ann", "Berg", "(ann)", "1", "1"],
        ["unassigned", "1", "1"],
        ["Zoë", "Idle", "(zoe)", "0", "0"],
    ]
    families = expose(snapshot, book, MANY, officers=True).families
    series = json.dumps(list(families.items()), ensure_ascii=False)
    assert '"branch": "east"' in series
    assert "East End" not in series
    assert "Ann Berg" not in series


@on_redis
async def test_who_was_counted_and_is_not_listed_is_found_but_no_program(scene: Scene) -> None:
    await counted(scene)
    await board(scene, ROSTER).step()
    assert await not_listed(scene.redis, scene.namespace, ROSTER) == {"officer": [], "branch": ["north"]}
    assert await not_listed(scene.redis, scene.namespace, NOBODY) == {"officer": ["ann"], "branch": ["north"]}


async def _compute(scene: Scene) -> None:
    await counted(scene)
    await board(scene, ROSTER).step()


def test_the_commands_check_a_roster_and_show_its_names(
    tmp_path: Path, redis_url: str, namespace: str
) -> None:
    async def tell() -> None:
        async with scene_on(redis_url, namespace) as scene:
            await _compute(scene)

    asyncio.run(tell())
    at = {"LOANPULSE_REDIS": redis_url, "LOANPULSE_NAMESPACE": namespace}
    file = tmp_path / "roster.csv"
    file.write_text("id,name,branch,until\nann,Ann,north,\nzoe,Zoe,north,2026-02-01\n", "utf-8")
    good = loanpulse("roster", "check", str(file), "--seen", cwd=tmp_path, environ=at)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == f"{file}: 2 officers, 1 with a last day, 1 branch\n"
    file.write_text("id,name,branch,until\nzoe,Zoe,east,\n", "utf-8")
    lacking = loanpulse("roster", "check", str(file), "--seen", cwd=tmp_path, environ=at)
    assert lacking.returncode == 1
    assert lacking.stdout.splitlines()[1:] == ["officer ann is not in it", "branch north is not in it"]
    file.write_text("id,name,until\nzoe,Zoe,soon\n,Ann,\n", "utf-8")
    wrong = loanpulse("roster", "check", str(file), cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.splitlines() == [
        f"{file}:2: until: is 'soon': write a day, as 2026-03-31",
        f"{file}:3: id: is missing: as the events name them",
    ]
    started = loanpulse("board", "--roster", str(file), cwd=tmp_path, environ=at)
    assert (started.returncode, started.stderr) == (2, wrong.stderr)
    shown = loanpulse("show", "--by", "officer", "--kpi", "count", "--window", "1h", cwd=tmp_path, environ=at)
    assert "Zoë Idle (zoe)" in shown.stdout
