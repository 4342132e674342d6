"""One digest of all that decides a number: it changes with each of those things, and with nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, reset_tzpath

import pytest

from kpi_rules.loader import load, rulebook
from kpi_rules.organisation import Organisation
from streams.calculus import program as compiler
from streams.calculus.program import Program
from tests.engine import catalogue

SALES = """
kra: sales
title: Sales
rules:
  - {id: funded, wording: Funded, says: Loans funded., unit: count, by: lending,
     measure: {kind: count, anchor: loan.funded}, target: {at_least: 3}}
  - {id: answers, wording: Answers, says: Time to answer., unit: seconds, by: lending,
     measure: {kind: duration, since: query.received, anchor: query.answered, clock: business},
     target: {at_most: 3 hours, warning_at: 2 hours}}
  - {id: funded.amount, wording: Amount, says: Amount funded., unit: amount_minor, by: lending,
     measure: {kind: sum, anchor: loan.funded, amount: amount_minor, split: currency}}
"""
RISK = """
kra: risk
title: Risk
rules:
  - {id: defaults, wording: Defaults, says: Defaults., unit: ratio, by: lending,
     measure: {kind: ratio, anchor: loan.default, stock: {of: loan.book}}}
"""


def program(*texts: str, **organisation: Any) -> Program:
    loaded = [load(f"{number}.yaml", text) for number, text in enumerate(texts)]
    return Program(rulebook(loaded), Organisation.model_validate(organisation))


def digest(*texts: str, **organisation: Any) -> str:
    return program(*(texts or (SALES, RISK)), **organisation).digest


DIGEST = digest()


def test_it_is_sixteen_hexadecimal_digits_and_the_same_each_time() -> None:
    assert len(DIGEST) == 16
    assert int(DIGEST, 16) >= 0
    assert digest() == DIGEST


def test_neither_the_order_of_files_nor_remarks_nor_the_order_of_members_changes_it() -> None:
    assert digest(RISK, SALES) == DIGEST
    assert (
        digest(f"# a remark\n{SALES}\n", RISK.replace("kra: risk\ntitle: Risk", "title: Risk\nkra: risk"))
        == DIGEST
    )
    turned = SALES.replace("kind: count, anchor: loan.funded", "anchor: loan.funded, kind: count")
    assert turned != SALES
    assert digest(turned, RISK) == DIGEST


def test_measures_are_numbered_alike_whatever_the_order_of_files() -> None:
    """Panes hold the numbers, so equal digests must mean equal numbers."""
    numbers = [
        {(measure.rule.id, measure.part): measure.index for measure in found.measures}
        for found in (program(SALES, RISK), program(RISK, SALES))
    ]
    assert numbers[0] == numbers[1]
    assert sorted(numbers[0].values()) == [0, 1, 2, 3, 4]
    assert [rule.id for rule in program(SALES, RISK).rules] == [
        "funded",
        "answers",
        "funded.amount",
        "defaults",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("anchor: loan.funded}", "anchor: loan.paid_off}"),
        ("kind: count, anchor: loan.funded", "kind: count, anchor: loan.funded, where: {product: home}"),
        ("at_most: 3 hours", "at_most: 4 hours"),
        (", split: currency", ""),
        ("unit: count, by: lending", "unit: count, by: staff"),
        ("id: funded.amount", "id: funded.sum"),
    ],
)
def test_it_changes_with_each_part_of_a_rule(old: str, new: str) -> None:
    assert old in SALES
    assert digest(SALES.replace(old, new), RISK) != DIGEST


def test_it_changes_with_a_rule_more_or_less() -> None:
    assert digest(SALES) != DIGEST
    assert digest(RISK) != DIGEST


WEEK = {"mon": [["09:00", "17:00"]]}


@pytest.mark.parametrize(
    "organisation",
    [
        {"tz": "Asia/Kathmandu"},
        {"calendar": {"weekly": WEEK}},
        {"calendar": {"holidays": ["2026-04-06"]}},
        {"calendar": {"country": "NL"}},
        {"calendar": {"tz": "Asia/Kolkata"}},
        {"branch_calendars": {"b": {"weekly": WEEK}}},
        {"branch_calendars": {"b": {"tz": "Asia/Kolkata"}}},
        {"targets": {"answers": "2 hours"}},
    ],
)
def test_it_changes_with_each_part_of_the_organisation(organisation: dict[str, Any]) -> None:
    assert digest(**organisation) not in (DIGEST, digest(**organisation | {"tz": "Asia/Tokyo"}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wording: Funded", "wording: Lent"),
        ("at_least: 3", "at_least: 4"),
        ("warning_at: 2 hours", "warning_at: 1 hours"),
        ("title: Sales", "title: Selling"),
    ],
)
def test_what_only_names_or_judges_a_value_does_not_change_it(old: str, new: str) -> None:
    assert old in SALES
    assert digest(SALES.replace(old, new), RISK) == DIGEST


def test_nor_does_what_the_organisation_only_judges_by() -> None:
    assert digest(targets={"funded": {"at_least": 7}}, system_users=["robot"]) == DIGEST


def test_it_changes_with_the_code_that_observes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "CODE_VERSION", compiler.CODE_VERSION + 1)
    assert digest() != DIGEST


def test_it_changes_with_the_release_of_the_public_holidays_where_a_calendar_asks_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dutch = digest(branch_calendars={"b": {"country": "NL"}})
    monkeypatch.setattr(compiler, "version", lambda _package: "0.0")
    assert digest(branch_calendars={"b": {"country": "NL"}}) != dutch
    assert digest() == DIGEST


@contextmanager
def zone_data(directory: Path) -> Iterator[None]:
    """Time zones read from a directory instead of the system's."""
    reset_tzpath(to=[str(directory)])
    ZoneInfo.clear_cache()
    try:
        yield
    finally:
        reset_tzpath()
        ZoneInfo.clear_cache()


@pytest.mark.parametrize(
    ("zone", "other"), [("Europe/Amsterdam", "Asia/Kolkata"), ("America/Puerto_Rico", "America/Caracas")]
)
def test_it_changes_with_the_data_of_a_zone_that_is_used(tmp_path: Path, zone: str, other: str) -> None:
    """A zone gets the data of another, which may differ from its own in a few years only: Caracas from 2007 to 2016."""
    place = tmp_path / zone
    place.parent.mkdir()
    place.write_bytes(files("tzdata").joinpath("zoneinfo", *other.split("/")).read_bytes())
    uses: list[dict[str, Any]] = [
        {"tz": zone},
        {"calendar": {"tz": zone}},
        {"branch_calendars": {"b": {"tz": zone}}},
    ]
    before = [digest(**organisation) for organisation in uses]
    with zone_data(tmp_path):
        after = [digest(**organisation) for organisation in uses]
        assert digest(tz="UTC") == DIGEST
    assert not set(before) & set(after)
    assert [digest(**organisation) for organisation in uses] == before


def test_the_catalogue_compiles_to_one_measure_a_rule_and_one_more_for_each_stock() -> None:
    found = Program(catalogue(), Organisation())
    stocks = [measure.rule.id for measure in found.measures if measure.part == "stock"]
    assert sorted(stocks) == [
        "default_rate",
        "default_rate.by_balance",
        "portfolio_at_risk",
        "portfolio_at_risk.expected_loss",
        "portfolio_at_risk.par60",
        "portfolio_at_risk.par90",
    ]
    assert len(found.measures) == len(catalogue()) + 2
