"""Which figures of a board may alert: the organisation's, each in the one window that its rule or target means."""

from typing import Any

import pytest

from loanpulse.alerting.figures import Figure, Name, Shown, figures, rows_of
from loanpulse.board.snapshot import Snapshot
from loanpulse.serve.book import Book
from loanpulse.serve.verdict import Bounds, State
from tests.board_lab import MINUTE_MS, NOON, program, rule
from tests.exporter_lab import board, book, organised, seen

GROWTH = {"at_least": 0.05}


def of(*rules: Any, **organisation: Any) -> Book:
    made = book(program(*rules))
    return organised(made.program, **organisation) if organisation else made


def read(of_book: Book, snapshot: Snapshot, *known: Name) -> dict[Name, Figure]:
    rows = {kpi: rows_of(block) for kpi, block in snapshot.blocks.items()}
    return figures(of_book, rows, NOON, known)


def only(of_book: Book, snapshot: Snapshot) -> tuple[Name, Figure]:
    [found] = read(of_book, snapshot).items()
    return found


def test_it_is_the_organisation_s_value_with_its_parts_target_and_patience() -> None:
    lab = of(rule("approval", alert={"for": "1 hour"}))
    found = seen(lab.program, "approval", "ann", n=9, b=1) + seen(
        lab.program, "approval", "bob", n=3, b=1, a=0
    )
    name, figure = only(lab, board(lab, found))
    assert name == Name("approval", "24h")
    assert figure.shown == Shown(9 / 36, 12, 9, 36)
    assert figure.bounds == Bounds(0.2, 0.3, None, None)
    assert (figure.state, figure.held_ms, figure.kra) == (State.ON_TARGET, 60 * MINUTE_MS, "lab")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"n": 10, "b": 1}, State.OFF_TARGET),
        ({"n": 9, "b": 1}, State.TOO_FEW),
        ({"n": 20, "b": 1, "at": NOON - 24 * 60 * MINUTE_MS}, State.TOO_FEW),
        ({"n": 0}, State.TOO_FEW),
    ],
)
def test_its_state_is_the_one_that_is_shown(said: dict[str, Any], state: State) -> None:
    lab = of(rule("approval"))
    assert only(lab, board(lab, seen(lab.program, "approval", **said)))[1].state is state


def test_what_adds_up_is_never_too_few() -> None:
    lab = of(rule("count", target={"at_least": 5, "window": "30d"}))
    name, figure = only(lab, board(lab))
    assert (name.window, figure.shown.value, figure.state) == ("30d", 0, State.OFF_TARGET)


def test_an_organisation_s_own_target_alerts_too() -> None:
    lab = of(rule("count", target_set_by_user=True), targets={"count": {"at_least": 3, "window": "7d"}})
    name, figure = only(lab, board(lab, seen(lab.program, "count", n=2)))
    assert (name, figure.state) == (Name("count", "7d"), State.OFF_TARGET)


def test_without_a_target_there_is_nothing_to_be_off() -> None:
    lab = of(rule("count"))
    assert only(lab, board(lab))[1].bounds is None


def test_a_target_that_is_in_force_later_is_none_yet() -> None:
    lab = of(rule("approval", target={"at_least": 0.9, "valid_from": "2026-03-02"}))
    assert only(lab, board(lab, seen(lab.program, "approval", n=20, b=1)))[1].bounds is None


def test_a_target_that_is_meant_for_another_window_is_none() -> None:
    lab = of(rule("approval", target={"at_least": 0.9, "window": "30d"}, alert={"window": "24h"}))
    assert only(lab, board(lab, seen(lab.program, "approval", n=20, b=1)))[1].bounds is None


def test_a_rule_that_is_to_be_silent_has_no_figure() -> None:
    lab = of(rule("approval", alert=None))
    assert read(lab, board(lab)) == {}


def test_a_level_stands_as_of_now_and_each_value_of_a_split_by_itself() -> None:
    lab = of(rule("risk", target={"at_most": 0.05}, min_samples=1))
    found = seen(lab.program, "risk", at=None, split="EUR", a=10, b=100)
    found += seen(lab.program, "risk", at=None, split="USD", a=1, b=100)
    states = {name: figure.state for name, figure in read(lab, board(lab, found)).items()}
    assert states == {
        Name("risk", "now", "EUR"): State.OFF_TARGET,
        Name("risk", "now", "USD"): State.ON_TARGET,
    }
    assert [name.subject for name in states] == ["risk/EUR", "risk/USD"]


def test_a_value_of_a_split_that_nothing_is_left_of_stands_with_nothing_observed() -> None:
    lab = of(rule("growth", target=GROWTH))
    known = Name("growth", "24h", "EUR")
    found = read(lab, board(lab), known, Name("growth", "7d", "EUR"), Name("gone", "24h", "EUR"))
    assert {name: (figure.shown, figure.state) for name, figure in found.items()} == {
        known: (Shown(None, 0, 0, None), State.TOO_FEW)
    }
