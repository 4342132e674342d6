"""The simulated lender's improvement goals: those of the catalogue, from its own baselines and a third on the way."""

from collections.abc import Mapping
from datetime import date, timedelta

BEGUN_DAYS = 60
"""Ago, so that the history before them is the baseline's."""
HALF_A_YEAR_DAYS = 182

_WANTED: Mapping[str, Mapping[str, object]] = {
    "client_satisfaction": {"from": 4.2, "to": 4.6, "for": ["officer", "branch"]},
    "repeat_clients": {"from": 130, "change": 0.3},
    "response_time": {"from": "3.5 hours", "change": -0.5, "for": ["branch"]},
    "referral_rate": {"from": 0.22, "change": 1.0},
}


def goals(today: date) -> dict[str, Mapping[str, object]]:
    """As an organisation's file has them, on a day in its zone."""
    start = today - timedelta(days=BEGUN_DAYS)
    time = {"start": str(start), "due": str(start + timedelta(days=HALF_A_YEAR_DAYS)), "window": "30d"}
    return {kpi: {**wanted, **time} for kpi, wanted in _WANTED.items()}
