"""When a KPI off target is told and when that is over: stories of a minute a letter, told to the pure decision."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanpulse.alerting.decision import AlertClock, Standing, can_decide, decide
from loanpulse.alerting.events import Place
from loanpulse.alerting.figures import Figure, Name, Shown
from loanpulse.board.snapshot import GapStatus, LedgerStatus, iso
from loanpulse.serve.verdict import Bounds, State
from schemas.alert import AlertEvent, AlertValue, decode_alert, encode_alert
from tests.board_lab import MINUTE_MS, NOON, rule
from tests.exporter_lab import META

NAME = Name("rating", "24h")
PLACE = Place("loanpulse/test", "r1", "https://loans.example/")
BOUNDS = Bounds(0.5, None, 0.6, None)
HELD_MS = 3 * MINUTE_MS
LONGEST_MS = 2 * MINUTE_MS
STATES = {"o": State.OFF_TARGET, "w": State.WARNING, "g": State.ON_TARGET, "f": State.TOO_FEW}
"""The letters of stories; besides, `t` is a figure without a target, and `-` one that no rule asks for."""


class Tick(NamedTuple):
    """An instant and how the figure stands then."""

    at: int
    letter: str


def figure(letter: str, bounds: Bounds = BOUNDS, held_ms: int = HELD_MS) -> Figure:
    shown = Shown(None, 0, 0, 0) if letter == "f" else Shown(0.4 if letter == "o" else 0.8, 10, 4, 10)
    state = STATES.get(letter, State.NO_TARGET)
    return Figure(rule("rating"), "lab", shown, bounds if letter in STATES else None, state, held_ms)


class Watcher:
    """A board's memory from tick to tick."""

    def __init__(self) -> None:
        self.clock, self.standings = AlertClock(), dict[Name, Standing]()

    def tick(self, at: int, figures: Mapping[Name, Figure]) -> list[AlertEvent]:
        self.clock = self.clock.at(at, LONGEST_MS)
        decided = decide(self.standings, figures, self.clock, PLACE)
        found = {**self.standings, **decided.changed}
        self.standings = {name: standing for name, standing in found.items() if standing is not None}
        return decided.events

    def restart(self) -> None:
        """Another process goes on with what was stored."""
        self.clock = msgspec.json.decode(msgspec.json.encode(self.clock), type=AlertClock)
        stored = {name: msgspec.json.encode(standing) for name, standing in self.standings.items()}
        self.standings = {name: msgspec.json.decode(text, type=Standing) for name, text in stored.items()}


def watched(ticks: Sequence[Tick], restarts: frozenset[int] = frozenset()) -> list[list[AlertEvent]]:
    """What each tick tells."""
    watcher, told = Watcher(), []
    for number, (at, letter) in enumerate(ticks):
        if number in restarts:
            watcher.restart()
        told.append(watcher.tick(at, {} if letter == "-" else {NAME: figure(letter)}))
    return told


def minutes(story: str) -> list[Tick]:
    """A tick a minute; a space is an hour in which nobody watches."""
    ticks, at = [], NOON
    for letter in story:
        if letter == " ":
            at += 60 * MINUTE_MS
        else:
            ticks.append(Tick(at, letter))
            at += MINUTE_MS
    return ticks


def endings(told: Sequence[Sequence[AlertEvent]]) -> list[tuple[int, str]]:
    """By tick, `raised` or why it is over."""
    return [(at, event.data.ended or "raised") for at, events in enumerate(told) for event in events]


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        ("ooo", []),
        ("oooo", [(3, "raised")]),
        ("oooooooooo", [(3, "raised")]),
        ("goooo", [(4, "raised")]),
        ("oogooo", []),
        ("oofooo", []),
        ("oowoooo", [(6, "raised")]),
        ("ggwwffgg", []),
        ("ooooggg", [(3, "raised")]),
        ("oooogggg", [(3, "raised"), (7, "on_target")]),
        ("oooowwww", [(3, "raised"), (7, "on_target")]),
        ("oooogogogog", [(3, "raised")]),
        ("oooogogggg", [(3, "raised"), (9, "on_target")]),
        ("ooooffff", [(3, "raised"), (7, "too_few")]),
        ("oooofofofo", [(3, "raised")]),
        ("ooooffgg", [(3, "raised"), (7, "on_target")]),
        ("ooooggff", [(3, "raised"), (7, "too_few")]),
        ("oooot", [(3, "raised"), (4, "no_target")]),
        ("oooo-", [(3, "raised"), (4, "no_rule")]),
        ("oooogt", [(3, "raised"), (5, "no_target")]),
        ("oot", []),
        ("oo-", []),
        ("ootooo", []),
        ("oooogggggoooo", [(3, "raised"), (7, "on_target"), (12, "raised")]),
        ("o o", []),
        ("oo oo", []),
        ("oo ooo", [(4, "raised")]),
        ("oooo gg", [(3, "raised")]),
        ("oooog gggg", [(3, "raised"), (8, "on_target")]),
        ("oooogg o", [(3, "raised")]),
    ],
)
def test_a_story_of_minutes_tells_what_is_wanted(story: str, wanted: list[tuple[int, str]]) -> None:
    assert endings(watched(minutes(story))) == wanted


def test_a_break_of_two_minutes_is_no_outage_and_a_longer_one_is() -> None:
    seen = [Tick(NOON, "o"), Tick(NOON + LONGEST_MS, "o")]
    last = NOON + 2 * LONGEST_MS
    assert endings(watched([*seen, Tick(last, "o")])) == [(2, "raised")]
    assert endings(watched([*seen, Tick(last + 1, "o")])) == []


def test_a_wall_clock_that_is_set_back_counts_nothing() -> None:
    ticks = [Tick(NOON + at * MINUTE_MS, "o") for at in (0, 1, 2, -9, -8, -7)]
    assert endings(watched(ticks)) == [(4, "raised")]


def test_without_patience_what_is_off_target_is_told_at_once() -> None:
    watcher = Watcher()
    [raised] = watcher.tick(NOON, {NAME: figure("o", held_ms=0)})
    [over] = watcher.tick(NOON + 1000, {NAME: figure("g", held_ms=0)})
    assert (raised.type, over.data.ended) == ("alert.raised", "on_target")


def test_an_alert_says_what_is_off_target_since_when_and_by_how_much() -> None:
    [raised], [over] = (told for told in watched(minutes("gooooooogggg")) if told)
    assert (raised.id, raised.type, raised.subject) == (raised.data.alert, "alert.raised", "rating")
    assert (raised.source, raised.time) == ("loanpulse/test", iso(NOON + 4 * MINUTE_MS))
    data = raised.data
    assert (data.kpi, data.wording, data.kra, data.rules) == ("rating", "The rating", "lab", "r1")
    assert (data.band, data.severity, data.case, data.ended) == ("off_target", "warning", None, None)
    assert data.link == "https://loans.example/kpis/rating?window=24h"
    assert data.figure == AlertValue("24h", 0.4, 10, 4, 10, 0.5, None, iso(NOON + MINUTE_MS))
    assert (over.id, over.type, over.subject) == (f"{data.alert}.resolved", "alert.resolved", "rating")
    assert over.data.figure == msgspec.structs.replace(data.figure, value=0.8)
    assert (over.data.alert, over.data.ended) == (data.alert, "on_target")
    assert decode_alert(encode_alert(over)) == over


def test_an_incident_whose_rule_is_gone_ends_with_the_figure_that_it_was_raised_by() -> None:
    [raised], [over] = (told for told in watched(minutes("oooo-")) if told)
    assert over.data.figure == raised.data.figure


def test_an_incident_whose_target_is_gone_ends_without_bounds() -> None:
    _, [over] = (told for told in watched(minutes("oooot")) if told)
    assert over.data.figure is not None
    assert (over.data.figure.at_least, over.data.figure.at_most) == (None, None)


def test_each_incident_has_an_id_of_its_own_and_the_same_story_the_same() -> None:
    story = minutes("ooooggggoooo")
    ids = [event.data.alert for told in watched(story) for event in told]
    assert ids[0] == ids[1] != ids[2]
    assert ids == [event.data.alert for told in watched(story) for event in told]


def test_another_target_is_another_id_but_no_other_incident() -> None:
    watcher = Watcher()
    told = [watcher.tick(at, {NAME: figure("o")}) for at, _ in minutes("oooo")]
    other = figure("o", Bounds(0.7, None, None, None))
    assert watcher.tick(NOON + 4 * MINUTE_MS, {NAME: other}) == []
    anew = Watcher()
    told_anew = [anew.tick(at, {NAME: other}) for at, _ in minutes("oooo")]
    assert told[3][0].id != told_anew[3][0].id


def test_values_of_a_split_are_figures_of_their_own() -> None:
    watcher, told = Watcher(), []
    for minute in range(5):
        figures = {Name("rating", "24h", "EUR"): figure("o"), Name("rating", "24h", "USD"): figure("g")}
        told += watcher.tick(NOON + minute * MINUTE_MS, figures)
    [raised] = told
    assert raised.subject == "rating/EUR"


def ledger(state: str = "live", through_ms: int | None = NOON) -> LedgerStatus:
    return LedgerStatus("loan-events", 0, state, 1, through_ms, {})


@pytest.mark.parametrize(
    ("meta", "can"),
    [
        ({"ledgers": [ledger()]}, True),
        ({"ledgers": [ledger()], "complete_through_ms": NOON - LONGEST_MS}, True),
        ({"ledgers": [ledger()], "complete_through_ms": NOON - LONGEST_MS - 1}, False),
        ({"ledgers": [ledger()], "complete_through_ms": None}, False),
        ({"ledgers": [ledger("torn")]}, False),
        ({"ledgers": [ledger("stopped: too many rejects")]}, False),
        ({"ledgers": [ledger()], "gaps": [GapStatus("loan-events", 0, 0, 1, "lost")], "incomplete": ["lost"]}, True),
    ],
)  # fmt: skip
def test_only_figures_that_are_whole_and_up_to_now_are_judged(meta: dict[str, object], can: bool) -> None:
    assert can_decide(msgspec.structs.replace(META, **meta), LONGEST_MS) is can


STORIES = st.text("oogwft-", min_size=1, max_size=40)


@given(STORIES, st.lists(st.tuples(st.integers(0, 39), st.integers(1, MINUTE_MS - 1)), max_size=30))
def test_ticks_between_ticks_change_nothing(story: str, between: list[tuple[int, int]]) -> None:
    ticks = minutes(story)
    more = [Tick(ticks[at].at + ms, ticks[at].letter) for at, ms in between if at < len(ticks)]
    split = sorted({*ticks, *more})
    assert [told for told in watched(split) if told] == [told for told in watched(ticks) if told]


@given(STORIES, st.frozensets(st.integers(0, 39)))
def test_another_board_goes_on_where_the_holder_was(story: str, restarts: frozenset[int]) -> None:
    assert watched(minutes(story), restarts) == watched(minutes(story))


@given(STORIES)
def test_a_figure_has_one_incident_at_a_time(story: str) -> None:
    events = [event for told in watched(minutes(story)) for event in told]
    assert [event.type for event in events] == ["alert.raised", "alert.resolved"] * (len(events) // 2) + (
        ["alert.raised"] if len(events) % 2 else []
    )
    for raised, resolved in zip(events[::2], events[1::2], strict=False):
        assert raised.data.alert == resolved.data.alert


@given(STORIES, st.integers(0, 39), st.integers(1, 1000))
def test_what_was_not_watched_neither_raises_nor_resolves(story: str, at: int, hours: int) -> None:
    """However long nobody watched, it tells what no time at all would."""
    ticks = minutes(story)
    before, after = ticks[: at + 1], ticks[at + 1 :]
    late = [Tick(tick.at + hours * 60 * MINUTE_MS, tick.letter) for tick in after]
    at_once = [Tick(tick.at - MINUTE_MS, tick.letter) for tick in after]
    assert endings(watched([*before, *late])) == endings(watched([*before, *at_once]))
