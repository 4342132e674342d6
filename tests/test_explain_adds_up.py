"""Explanations add up to the rows of the board, for every rule, window and group."""

import asyncio
import random
from collections.abc import Iterator, Mapping

import pytest
from msgspec.structs import replace

from loanpulse.board.snapshot import LedgerStatus
from loanpulse.rules.explain import Question, explain
from loanpulse.rules.explanation import Explanation, Series
from loanpulse.serve.shown import Shown
from schemas.registry import LOAN
from streams.calculus.windows import Grid
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.ledger_values import Batch, VersionWrites
from streams.runtime.redis_client import connect
from tests.engine import catalogue, program_of_recount
from tests.explain_lab import OWNER, Told, members, stored
from tests.nasty_boards import ZONES, crowded


def figures(explanation: Explanation) -> Iterator[Series]:
    """The series of an explanation, once their lists have been found to add up to the cases' own figure."""
    for series in explanation.series:
        assert all(listed.more == 0 for listed in series.lists)
        for listed in series.lists:
            assert listed.numerator == sum(case.numerator for case in listed.cases)
            if listed.denominator is not None:
                assert listed.denominator == sum(case.denominator or 0 for case in listed.cases)
        if series.cases is not None:
            assert_adds_up(explanation.kind, series)
        yield series


def assert_adds_up(kind: str, series: Series) -> None:
    cases = series.cases
    assert cases is not None
    numerators = dict.fromkeys(("window", "before", "now"), 0)
    for listed in series.lists:
        numerators[listed.part] += listed.numerator
    assert cases.numerator == numerators["window"] + numerators["now"] - numerators["before"]
    if kind == "growth":
        assert cases.denominator == numerators["before"]
    elif kind == "per_head":
        assert sum(head.work for head in series.heads) == cases.numerator
        assert cases.denominator == len(series.heads)
    elif cases.denominator is not None:
        assert cases.denominator == sum(listed.denominator or 0 for listed in series.lists)
    if kind == "duration":
        assert cases.sum == sum(case.length_ms or 0 for listed in series.lists for case in listed.cases)


def check_every_rule(board: Told, rng: random.Random) -> set[str]:
    """Each rule in each window, of the organisation and of some members; the rules that had something to compare."""
    compared = set()
    for rule in catalogue():
        for frame in board.shown.snapshot.blocks[rule.id].frames:
            groups = {tuple(group.items()) for group in members(board.shown, rule.id, frame.window)}
            for group in [(), *rng.sample(sorted(groups), min(2, len(groups)))]:
                explained = board.explained(rule.id, frame.window if rule.timed else "30d", dict(group))
                for series in figures(explained):
                    assert_is_the_boards(series)
                    compared |= {rule.id} if series.cases and series.cases.n else set()
    return compared


def assert_is_the_boards(series: Series) -> None:
    """Of members without observations, or with a denominator of 0, the board has no row."""
    if series.board is None and series.cases is not None:
        assert series.cases.n == 0 or series.cases.denominator == 0
    else:
        assert series.board == series.cases


@pytest.mark.parametrize(
    "zone", ["Europe/Amsterdam", *(pytest.param(zone, marks=pytest.mark.slow) for zone in list(ZONES)[1:])]
)
def test_every_rule_window_and_group_adds_up_to_the_boards_row(zone: str) -> None:
    story, rng = crowded(1, zone, ZONES[zone]), random.Random(3)
    at = story.looked_from[-1]
    board = Told(program_of_recount(story.chosen), story.arrival, at)
    assert check_every_rule(board, rng) == {rule.id for rule in catalogue()}


def test_a_live_boards_edges_are_the_explanations() -> None:
    zone = "Asia/Kathmandu"
    story, rng = crowded(1, zone, ZONES[zone]), random.Random(4)
    program = program_of_recount(story.chosen)
    board = Told(program, story.arrival, story.looked_from[-1], grid=Grid.live(program.zone))
    assert check_every_rule(board, rng)


async def _on_redis(board: Told, wanted: Mapping[str, Explanation], url: str, namespace: str) -> None:
    redis = await connect(url)
    try:
        await stored(board, redis, namespace)
        ledgers = [
            LedgerStatus(topic, partition, "live", head.seq, None, {})
            for topic, partition in await list_ledgers(redis, namespace)
            for head in [await LedgerReader(redis, namespace, topic, partition).head()]
        ]
        snapshot = board.shown.snapshot
        shown = Shown(replace(snapshot, meta=replace(snapshot.meta, ledgers=ledgers)), board.shown.book)
        for kpi, from_memory in wanted.items():
            explained = await explain(redis, namespace, shown, Question(kpi, "180d", limit=None))
            assert explained == from_memory
            assert explained.cases_read > 0
        ledger = Ledger(redis, namespace, LOAN, 0)
        nothing = VersionWrites((await ledger.head()).version, {}, {}, 0, ())
        await ledger.commit(OWNER, Batch(1, 2, 1, 0, None, {}, nothing, {}))
        assert (await explain(redis, namespace, shown, Question("approval_rate"))).moved_on
    finally:
        await redis.aclose()


def test_an_explanation_reads_the_ledgers_and_knows_when_they_have_moved_on(
    redis_url: str, namespace: str
) -> None:
    story = crowded(1, "Europe/Amsterdam", ZONES["Europe/Amsterdam"])
    board = Told(program_of_recount(story.chosen), story.arrival, story.looked_from[-1])
    wanted = {
        kpi: board.explained(kpi, "180d")
        for kpi in ("approval_rate", "repeat_clients", "training_completion")
    }
    asyncio.run(_on_redis(board, wanted, redis_url, namespace))
